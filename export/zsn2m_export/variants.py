"""Further entries of a bundle, made from its proven ONNX files: lower precisions, and twins for other arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from zsn2m_export.errors import ExportError
from zsn2m_export.fidelity import check_fidelity
from zsn2m_export.half import halved
from zsn2m_export.onnx_model import save_checked
from zsn2m_export.parity import check_twin, probe_frames
from zsn2m_export.quantising import calibration_frames, quantised
from zsn2m_export.twins import as_twin, to_twin
from zsn2m_export.writer import expected_output_name, test_input_name, write_array
from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.bundle import Bundle, file_record
from zsn2m_runtime.errors import BundleError, CheckFailedError
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.model_record import ModelEntry, ModelFacts, ModelIo
from zsn2m_runtime.plain_file import read_checked
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.self_test import read_test_input


@dataclass(frozen=True)
class Calibration:
    """The frame that 8-bit ranges are measured on, and that lower precisions are judged by.

    Shape:
        frame: (1, c, h, w) float32 sensor units
    """

    frame: Nchw
    name: str


def add_precision(folder: Path, manifest: Manifest, model: ModelEntry, precision: str, on: Calibration) -> ModelEntry:
    """A model in int8 or fp16, written into the bundle's folder once it passed the gate of its precision.

    The caller has opened the model by onnxruntime: its graph is whole.

    A model that fails it in int8 is tried again with fewer layers in 8 bits.

    Raises:
        CheckFailedError: if it is too far from the fp32 model.
    """
    try:
        return _with_precision(folder, manifest, model, precision, on, careful=False)
    except CheckFailedError:
        if precision != "int8":
            raise
        try:
            return _with_precision(folder, manifest, model, precision, on, careful=True)
        except ExportError:  # no layer is left for 8 bits
            pass
        raise


def _with_precision(
    folder: Path, manifest: Manifest, model: ModelEntry, precision: str, on: Calibration, careful: bool
) -> ModelEntry:
    facts = _facts(model, precision, precision=precision)
    card = manifest.card(facts)
    source, target = folder / model.files["onnx"].name, folder / f"{facts.id}.onnx"
    in_use = manifest.normalisation.in_use
    with atomic_file(target) as path, _changing(model):
        graph = _graph(folder, model)
        _check_layers(graph.graph, model.id)
        if precision == "int8":
            session = Session(source, provider="cpu")
            feeds = [session.inputs(frame) for frame in calibration_frames(on.frame, in_use)]
            graph = quantised(graph, feeds, careful)
        else:
            graph = halved(graph, manifest.normalisation.scale if facts.strength else 1.0)
        save_checked(graph, path, card.model_dump_json())
        fidelity = check_fidelity(source, path, card, probe_frames(on.frame, in_use))
    if precision == "int8":
        fidelity = fidelity.model_copy(update={"calibrated_on": on.name})
    expected = Session(target, provider="cpu").run(_test_input(folder, manifest, model))
    return ModelEntry(
        **facts.model_dump(),
        files={"onnx": file_record(target)},
        self_test_input=model.self_test_input,
        self_test=write_array(folder / expected_output_name(facts.id), expected),
        fidelity=fidelity,
    )


def add_twin(folder: Path, manifest: Manifest, model: ModelEntry, io: ModelIo) -> ModelEntry:
    """A model's twin for other arrays, written into the bundle's folder once it was shown to give the same pixels.

    The caller has opened the model by onnxruntime: its graph is whole.

    Raises:
        CheckFailedError: if it gives others.
    """
    facts = _facts(model, io, io=io)
    card = manifest.card(facts)
    source, target = folder / model.files["onnx"].name, folder / f"{facts.id}.onnx"
    noisy = _test_input(folder, manifest, model)
    with atomic_file(target) as path, _changing(model):
        save_checked(as_twin(_graph(folder, model), io, manifest.sensor), path, card.model_dump_json())
        parity = check_twin(source, path, card, probe_frames(noisy, manifest.normalisation.in_use))
    given = to_twin(noisy, io, manifest.sensor)
    expected = Session(target, provider="cpu").run(given)
    return ModelEntry(
        **facts.model_dump(),
        files={"onnx": file_record(target)},
        self_test_input=write_array(folder / test_input_name(io), given),
        self_test=write_array(folder / expected_output_name(facts.id), expected),
        parity=parity,
        fidelity=model.fidelity,
    )


def _facts(model: ModelEntry, suffix: str, **changes: Any) -> ModelFacts:
    facts = model.model_dump(include=set(ModelFacts.model_fields))
    return ModelFacts.model_validate(facts | {"id": f"{model.id}.{suffix}"} | changes)


def _graph(folder: Path, model: ModelEntry) -> onnx.ModelProto:
    """A model's graph; never by its path, as onnx would read tensors in other files."""
    record = model.files["onnx"]
    return onnx.load_model_from_string(read_checked(folder / record.name, record.bytes, record.sha256))


def _check_layers(graph: onnx.GraphProto, name: str) -> None:
    """Refuse a graph of another program whose layers cannot be told apart.

    Raises:
        BundleError: steps without names of their own, or kernels that are no weights.
    """
    names = [node.name for node in graph.node]
    weights = {tensor.name for tensor in graph.initializer}
    if "" in names or len(set(names)) < len(names):
        got = "steps without names of their own"
    elif any(node.input[1] not in weights for node in graph.node if node.op_type == "Conv"):
        got = "kernels that are no weights"
    else:
        return
    raise BundleError(
        f"{name}: expected a graph as zsn2m-deploy exports it, but got {got}; export the bundle's weights again"
    )


def _test_input(folder: Path, manifest: Manifest, model: ModelEntry) -> Nchw:
    return read_test_input(Bundle(folder, manifest), model)


@contextlib.contextmanager
def _changing(model: ModelEntry) -> Iterator[None]:
    """Turn ONNX's complaints about a changed graph into a BundleError: another program may have made the graph."""
    try:
        yield
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BundleError(
            f"{model.id}: expected a graph as zsn2m-deploy exports it, but changed it is no ONNX model ({error}); "
            f"export the bundle's weights again"
        ) from error
