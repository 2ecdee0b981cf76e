"""What a model file may hold: exports pass, and nothing that reaches beyond the file or may run for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.bundles import BundleMaker, edit_manifest

from zsn2m_runtime.bundle import file_record
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.onnx_checks import reading
from zsn2m_runtime.onnx_checks.limits import OnnxLimits
from zsn2m_runtime.onnx_checks.reading import read_onnx
from zsn2m_runtime.onnx_checks.wire_format import DamagedError, fields


@pytest.fixture
def model(make_bundle: BundleMaker) -> onnx.ModelProto:
    """An export to change."""
    return onnx.load(make_bundle() / "mbd.onnx")


def test_exports_pass(bundle: Path) -> None:
    for path in bundle.glob("*.onnx"):
        OnnxLimits(path.read_bytes(), path.name)


def external(model: onnx.ModelProto, location: str) -> onnx.ModelProto:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


@pytest.mark.parametrize("location", ["weights.bin", "../secret", "/etc/passwd"])
def test_tensors_in_other_files_are_refused(model: onnx.ModelProto, location: str, tmp_path: Path) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes(external(model, location).SerializeToString())
    with pytest.raises(BundleError, match="tensors in another file"):
        Session(path, "cpu")


def test_an_external_tensor_in_an_attribute_is_refused(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(3, np.float32))
    tensor.external_data.add(key="location", value="x")  # even where data_location is not set
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))
    with pytest.raises(BundleError, match="tensors in another file"):
        read_onnx(model.SerializeToString(), "m")


def loop() -> onnx.NodeProto:
    condition = helper.make_tensor_value_info("go", TensorProto.BOOL, [])
    count = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    body = helper.make_graph([helper.make_node("Identity", ["go"], ["on"])], "body", [count, condition], [condition])
    return helper.make_node("Loop", ["", "go"], ["x"], body=body)


@pytest.mark.parametrize(
    ("node", "named"),
    [
        (loop(), "'Loop'"),
        (helper.make_node("If", ["c"], ["x"]), "'If'"),
        (helper.make_node("Scan", ["c"], ["x"]), "'Scan'"),
        (helper.make_node("Conv", ["x"], ["y"], domain="evil.corp"), "'evil.corp'"),
        (helper.make_node("Add", ["x"], ["y"], inner=helper.make_graph([], "g", [], [])), "a graph inside"),
        (helper.make_node("RandomNormal", [], ["y"]), "'RandomNormal'"),
    ],
)
def test_other_operators_are_refused(model: onnx.ModelProto, node: onnx.NodeProto, named: str) -> None:
    model.graph.node.append(node)
    with pytest.raises(BundleError, match=named):
        read_onnx(model.SerializeToString(), "m")


def test_functions_sparse_tensors_and_endless_graphs_are_refused(model: onnx.ModelProto) -> None:
    changes: list[Any] = [
        lambda m: m.functions.add(name="f"),
        lambda m: m.training_info.add(),
        lambda m: m.graph.sparse_initializer.add(dims=[1]),
        lambda m: m.graph.node.extend(helper.make_node("Add", ["x"], ["y"]) for _ in range(5001)),
    ]
    for change in changes:
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        change(changed)
        with pytest.raises(BundleError, match="expected a plain model"):
            read_onnx(changed.SerializeToString(), "m")


def test_a_field_whose_number_has_more_bits_than_there_are_is_refused(model: onnx.ModelProto) -> None:
    """Readers in C++ drop the bits beyond 32, and find external data where others find a field that they skip."""
    content = external(model, "weights.bin").SerializeToString()
    key = bytes([14 << 3])  # data_location, a number: 1 is external
    at = content.index(key + b"\x01", content.index(b"weights.bin"))
    hidden = bytes([key[0] | 0x80, 0x80, 0x80, 0x80, 0x10])  # the same and 2**32
    tensor = content[:at] + hidden + content[at + 1 :]
    with pytest.raises(BundleError):
        read_onnx(tensor, "m")
    with pytest.raises(DamagedError, match="too long"):
        list(fields(hidden + b"\x01"))


@pytest.mark.parametrize("place", ["model", "graph", "node", "tensor", "input"])
def test_endless_fields_are_not_read_to_their_end(
    model: onnx.ModelProto, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of 1 GiB has room for half a billion fields."""
    monkeypatch.setattr(reading, "MOST_DESCRIBED", 2**17)  # a tenth of a second's work
    many = helper.make_node("Identity", [""] * 2**18, ["y"])
    changes: dict[str, Any] = {
        "model": lambda m: m.metadata_props.extend([onnx.StringStringEntryProto()] * 2**18),
        "graph": lambda m: m.graph.output.extend([onnx.ValueInfoProto()] * 2**18),
        "node": lambda m: m.graph.node.append(many),
        "tensor": lambda m: m.graph.initializer[0].dims.extend([1] * 2000),
        "input": lambda m: m.graph.input[0].type.tensor_type.shape.dim.extend(
            [onnx.TensorShapeProto.Dimension()] * 2**18
        ),
    }
    changes[place](model)
    with pytest.raises(BundleError, match=r"more than [\d,]+ (bytes that are no weights|fields)|a tensor of"):
        read_onnx(model.SerializeToString(), "m")


def test_every_cut_and_many_changed_bytes_are_refused_or_pass_without_another_error(model: onnx.ModelProto) -> None:
    content = model.SerializeToString()
    generator = np.random.default_rng(0)
    for end in generator.integers(0, len(content), 100):
        with pytest.raises(BundleError):
            read_onnx(content[:end], "m")
    for place in generator.integers(0, len(content), 400):
        changed = bytearray(content)
        changed[place] = int(generator.integers(256))
        try:
            OnnxLimits(bytes(changed), "m")
        except BundleError:
            continue


@pytest.mark.parametrize("part", [b"zsn2m.json", b'"receptive_radius"'])
def test_metadata_that_is_no_text_is_refused(make_bundle: BundleMaker, tmp_path: Path, part: bytes) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes((make_bundle() / "mbd.onnx").read_bytes().replace(part, b"\xff" + part[1:]))
    with pytest.raises(BundleError, match="expected metadata in UTF-8"):
        Denoiser(path)


def test_what_was_hashed_is_what_is_loaded(make_bundle: BundleMaker, tmp_path: Path) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes((make_bundle() / "mbd.onnx").read_bytes())
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert Session(path, "cpu", sha256=right).provider == "cpu"
    with pytest.raises(BundleError, match="the file has changed"):
        Session(path, "cpu", sha256=right.replace(right[0], "0" if right[0] != "0" else "1"))


@pytest.mark.parametrize(
    ("field", "value"), [("receptive_radius", 0), ("stride", 1), ("range", [0, 200]), ("scale", 99)]
)
def test_a_manifest_that_contradicts_the_models_card_is_refused(bundle: Path, field: str, value: object) -> None:
    def change(content: dict[str, Any]) -> None:
        model = next(model for model in content["models"] if model["id"] == content["default"])
        places = {"range": content["sensor"], "scale": content["normalisation"]}
        places.get(field, model)[field] = value

    assert Denoiser(bundle)
    edit_manifest(bundle, change)
    with pytest.raises(BundleError, match="its own card has another"):
        Denoiser(bundle)


def test_a_changed_model_with_a_hash_made_to_fit_is_still_looked_into(bundle: Path) -> None:
    path = bundle / "grd.onnx"
    path.write_bytes(external(onnx.load(path), "weights.safetensors").SerializeToString())

    def record(content: dict[str, Any]) -> None:
        model = next(model for model in content["models"] if model["id"] == "grd")
        model["files"]["onnx"] = file_record(path).model_dump()

    edit_manifest(bundle, record)
    with pytest.raises(BundleError, match="tensors in another file"):
        Denoiser(bundle)
