"""Fills a bundle's folder: weights, self-test vectors, exported models, and the manifest last."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from zsn2m_export.graph import SensorGraph, receptive_radius
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_export.onnx_model import export_onnx
from zsn2m_export.parity import check_parity, probe_frames, run_of
from zsn2m_export.torchscript import export_torchscript
from zsn2m_export.video_graph import VideoGraph
from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.bundle import file_record
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.manifest import SCHEMA_VERSION, ModelCard, Normalisation, Sensor
from zsn2m_runtime.model_record import MOST_REACH, FileRecord, ModelEntry, ModelFacts
from zsn2m_runtime.mosaic_record import CELL
from zsn2m_runtime.sample_types import Nchw, Pixels

WEIGHTS_NAME = "weights.safetensors"
REACH = 100  # times the values in use; at 1000 the models differ by more than 1e-4 (docs/decisions/limits-of-inputs.md)
TEST_INPUT_NAME = "test_input.npy"
# Pixels; no multiple of a stride, so that a self-test has the border that is padded, and an inside beyond every halo.
TEST_SIDE = 93

SUFFIXES: dict[Literal["onnx", "torchscript"], str] = {"onnx": ".onnx", "torchscript": ".ts"}


@dataclass(frozen=True)
class ExportableModel:
    """A network to export: (n, c, h, w) normalised -> the same, h and w multiples of `stride`; c is `Sensor.planes`.

    `before_padding` runs on the frame as it is, before it is padded to the stride; any size -> the same. With
    `whole_frames` no frame is cut in strips. With the `line` of the noise it is a network of videos, which VideoGraph
    describes. With a `skeleton` (`zsn2m_export.onnx_skeleton`) nothing is traced.
    """

    id: str
    role: str
    network: nn.Module
    stride: int
    before_padding: nn.Module | None = None
    whole_frames: bool = False
    line: Tensor | None = None
    skeleton: Path | None = None


def write_weights(folder: Path, networks: Mapping[str, nn.Module]) -> FileRecord:
    """All networks' weights in one file, each name led by the network's id."""
    tensors = {
        f"{model_id}.{name}": tensor.contiguous()
        for model_id, network in networks.items()
        for name, tensor in network.state_dict().items()
    }
    return _write(folder / WEIGHTS_NAME, lambda path: path.write_bytes(save(tensors)))


def read_weights(content: bytes, name: str) -> dict[str, dict[str, Tensor]]:
    """The state of each network in a weights file, by its id; nothing is unpickled.

    Args:
        name: of the file, for messages
    Raises:
        BundleError: it is no such file, or holds values that are not finite.
    """
    try:
        tensors = load(content)
    except Exception as error:  # safetensors' own, KeyError of a type that torch has not, ValueError of empty ones
        raise BundleError(f"{name}: expected weights in a safetensors file, but {error}; train again") from error
    states: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not bool(tensor.isfinite().all()):
            raise BundleError(
                f"{name}: expected finite float32 weights, but {key[:80]!r} is {tensor.dtype}"
                f"{'' if tensor.dtype != torch.float32 else ' with others'}; copy the bundle again, or train again"
            )
        model_id, _, parameter = key.partition(".")
        states.setdefault(model_id, {})[parameter] = tensor
    return states


def centre_crop(frame: Nchw, side: int) -> Nchw:
    """The centre of a frame, at most side x side.

    Shape:
        frame: (1, c, h, w)
        returns: (1, c, min(h, side), min(w, side)), contiguous
    """
    top, left = (max(0, (length - side) // 2) for length in frame.shape[2:])
    return np.ascontiguousarray(frame[:, :, top : top + side, left : left + side])


def without_outliers(frame: Nchw, offset: float, scale: float) -> Nchw:
    """The frame for the parity gate: beside an outlier float32 rounds more coarsely than the gate allows.

    Args:
        offset, scale: the values in use are from offset to offset + scale
    Shape:
        frame: (1, c, h, w), sensor units
        returns: the same; samples farther than REACH times `scale` from the values in use are that far
    """
    low, high = offset - REACH * scale, offset + (1 + REACH) * scale
    if (frame == np.rint(frame)).all():
        low, high = math.floor(low), math.ceil(high)
    return np.asarray(frame.clip(np.float32(low), np.float32(high)), np.float32)


def write_test_input(folder: Path, frame: Nchw) -> FileRecord:
    """The self-test input: the centre of the frame, at most 93 x 93, sensor units, float32.

    Shape:
        frame: (1, c, h, w)
    """
    return write_array(folder / TEST_INPUT_NAME, centre_crop(frame, TEST_SIDE))


def write_array(path: Path, array: Pixels) -> FileRecord:
    """A self-test vector as a .npy file."""
    packed = io.BytesIO()  # not the file: NumPy does not say that a disk is full
    np.save(packed, array)
    return _write(path, lambda temporary: temporary.write_bytes(packed.getbuffer()))


def test_input_name(model_id: str) -> str:
    """The file of a model's own self-test input."""
    return f"test_input_{model_id}.npy"


def expected_output_name(model_id: str) -> str:
    """The file of a model's expected output."""
    return f"test_output_{model_id}.npy"


def write_models(
    folder: Path, models: Sequence[ExportableModel], sensor: Sensor, normalisation: Normalisation, probe: Nchw
) -> tuple[ModelEntry, ...]:
    """Export networks into a folder that holds the self-test input; each passes the parity gate first.

    Shape:
        probe: (1, c, h, w) sensor units, a crop of the frame that the gate compares on
    Raises:
        CheckFailedError: if the runtimes disagree.
    """
    return tuple(_write_model(folder, model, sensor, normalisation, probe) for model in models)


@torch.no_grad()
def _write_model(
    folder: Path, model: ExportableModel, sensor: Sensor, normalisation: Normalisation, probe: Nchw
) -> ModelEntry:
    stride = model.stride
    graph: SensorGraph | MosaicGraph = plane_graph(model, sensor, normalisation)
    radius = MOST_REACH if model.whole_frames else receptive_radius(graph, sensor.planes, stride)
    if sensor.mosaic:
        graph, stride = MosaicGraph(graph, sensor.mosaic.pattern), CELL * stride
        radius = min(CELL * radius + CELL - 1, MOST_REACH)  # as far as whole frames reach
    facts = ModelFacts(
        strength=None if model.line is None else "strength",
        id=model.id,
        role=model.role,
        precision="fp32",
        stride=stride,
        receptive_radius=radius,
        parameters=sum(parameter.numel() for parameter in model.network.parameters()),
    )
    card = ModelCard(
        **facts.model_dump(), schema_version=SCHEMA_VERSION, sensor=sensor, normalisation=normalisation
    ).model_dump_json()
    paths = {kind: folder / f"{model.id}{suffix}" for kind, suffix in SUFFIXES.items()}
    with atomic_file(paths["onnx"]) as onnx_path, atomic_file(paths["torchscript"]) as script_path:
        export_torchscript(graph, script_path, card)
        export_onnx(graph, onnx_path, facts, sensor.channels, card, model.skeleton)
        files: dict[str, Path] = {"torchscript": script_path, "onnx": onnx_path}
        probes = probe_frames(probe, normalisation.in_use)
        parity = check_parity(graph, files, probes, normalisation.scale, model.id, bool(facts.strength))
    return ModelEntry(
        **facts.model_dump(),
        files={kind: file_record(path) for kind, path in paths.items()},
        self_test=write_array(
            folder / expected_output_name(model.id), run_of(graph)(np.load(folder / TEST_INPUT_NAME), None)
        ),
        parity=parity,
    )


def plane_graph(model: ExportableModel, sensor: Sensor, normalisation: Normalisation) -> SensorGraph:
    """What is exported of a network, without a mosaic's order of pixels."""
    if model.line is None:
        return SensorGraph(model.network, model.stride, sensor, normalisation, model.before_padding)
    return VideoGraph(model.network, model.stride, sensor, normalisation, model.line, model.before_padding)


def _write(path: Path, write: Callable[[Path], object]) -> FileRecord:
    with atomic_file(path) as temporary:
        write(temporary)
    return file_record(path)
