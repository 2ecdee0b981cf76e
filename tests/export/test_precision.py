"""Lower precisions: what is in 8 bits or float16 and what is not, and how the entries stand in the bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.bundles import METHOD_OF, content, edit_manifest, noisy_planes
from support.commands import run_command
from support.tolerances import STRIPS, STRIPS_MBD

import zsn2m_deploy as zsn2m
from zsn2m_export import variants
from zsn2m_export.errors import ExportError
from zsn2m_export.fidelity import GATES
from zsn2m_export.half import halved
from zsn2m_export.quantising import quantised
from zsn2m_runtime.bundle import file_record, load_bundle
from zsn2m_runtime.errors import BundleError, InputError, UsageError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.providers import starting_providers
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import plan_strips, run_in_strips
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.model_record import ModelEntry
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.verify import verify_bundle

STARTING = [name for name, reason in starting_providers(import_onnxruntime()).items() if reason is None]


Bundles = dict[str, Path]


def entry(bundle: Path, model_id: str) -> ModelEntry:
    return load_bundle(bundle).model(model_id)


def psnr(bundle: Path, model_id: str, noisy: np.ndarray) -> float:
    """To the fp32 model of the same role, in dB with the 8-bit range as peak."""
    results = [Session(bundle / f"{name}.onnx", "cpu", 1).run(noisy) for name in (model_id, model_id.partition(".")[0])]
    return float(10 * np.log10(255**2 / np.mean((results[0].astype(np.float64) - results[1]) ** 2)))


@pytest.mark.parametrize("precision", ["int8", "fp16"])
@pytest.mark.parametrize("name", METHOD_OF)
def test_an_entry_stands_beside_the_fp32_model(lower: Bundles, name: str, precision: str) -> None:
    whole, added = (entry(lower[name], found) for found in (name, f"{name}.{precision}"))
    assert (added.precision, added.io, added.role) == (precision, "sensor", name)
    assert (added.stride, added.receptive_radius) == (whole.stride, whole.receptive_radius)
    assert list(added.files) == ["onnx"]
    assert added.parity is None and added.fidelity is not None
    assert added.fidelity.gate == GATES[precision]
    assert min(added.fidelity.psnr_frame, added.fidelity.psnr_noise) >= GATES[precision]
    assert added.fidelity.calibrated_on == ("test_input.npy" if precision == "int8" else None)


def test_what_was_in_the_bundle_stays(lower: Bundles, calm_bundle: Path) -> None:
    manifest, before = load_bundle(lower["grd"]).manifest, load_bundle(calm_bundle).manifest
    assert manifest.default == before.default == "grd"
    assert manifest.models[:2] == before.models


@pytest.mark.parametrize("precision", ["int8", "fp16"])
@pytest.mark.parametrize("name", METHOD_OF)
def test_another_frame_is_as_near_as_the_gate_promises(lower: Bundles, name: str, precision: str) -> None:
    noisy = noisy_planes(3, 131, 89, 255.0, seed=7)
    assert psnr(lower[name], f"{name}.{precision}", noisy) >= GATES[precision]


def test_every_entry_passes_its_self_test_and_is_a_file_of_its_own(lower: Bundles) -> None:
    for folder in set(lower.values()):
        assert all(check.passed for check in verify_bundle(folder, "cpu"))
    frame = from_nchw(noisy_planes(3, 30, 41, 255.0), "uint8")
    for name in ("sensor.int8", "sensor.fp16", "mbd.int8", "grd.fp16"):
        folder = lower[name.partition(".")[0]]
        from_bundle = zsn2m.Denoiser(folder, name, provider="cpu")(frame)
        np.testing.assert_array_equal(zsn2m.Denoiser(folder / f"{name}.onnx", provider="cpu")(frame), from_bundle)


@pytest.mark.parametrize(("name", "eight_bit"), [("mbd", 1), ("grd", 13)])
def test_layers_that_touch_the_frame_stay_float_and_all_others_are_8_bit(
    lower: Bundles, name: str, eight_bit: int
) -> None:
    graph = onnx.load(lower[name] / f"{name}.int8.onnx").graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    seen = {"float": 0, "8 bit": 0}
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in weights:
            assert 3 in weights[node.input[1]].shape[:2]
            seen["float"] += 1
        elif node.op_type == "Conv":
            dequantise = makers[node.input[1]]
            kernels, scales, _ = (weights[value] for value in dequantise.input)
            assert kernels.dtype == np.int8 and 3 not in kernels.shape[:2]
            assert scales.shape == (kernels.shape[0],)  # one per kernel
            activations = makers[node.input[0]]
            assert activations.op_type == "DequantizeLinear"
            assert weights[activations.input[2]].dtype == np.uint8
            seen["8 bit"] += 1
        elif node.op_type in ("Mul", "Sub", "Clip", "Gather"):  # normalise, residual, clamp: the sensor's own precision
            assert not any(makers[value].op_type == "DequantizeLinear" for value in node.input if value in makers)
    assert seen == {"float": 2, "8 bit": eight_bit}
    assert (lower[name] / f"{name}.int8.onnx").stat().st_size < (lower[name] / f"{name}.onnx").stat().st_size


@pytest.mark.parametrize("name", METHOD_OF)
def test_fp16_is_within_and_float32_where_it_meets_the_sensor(lower: Bundles, name: str) -> None:
    model = onnx.shape_inference.infer_shapes(onnx.load(lower[name] / f"{name}.fp16.onnx"))
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    types |= {value.name: value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    for node in model.graph.node:
        if node.op_type in ("Conv", "LeakyRelu", "MaxPool", "Resize", "DepthToSpace"):
            assert types[node.output[0]] == onnx.TensorProto.FLOAT16
        if node.op_type in ("Sub", "Clip", "Gather") or node.output[0] == "denoised":
            assert types[node.output[0]] in (onnx.TensorProto.FLOAT, onnx.TensorProto.INT64)  # whole numbers: of sizes
    assert types["noisy"] == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("name", METHOD_OF)
def test_fp16_is_cast_to_once_before_the_network_and_back_once_after_it(lower: Bundles, name: str) -> None:
    nodes = onnx.load(lower[name] / f"{name}.fp16.onnx").graph.node
    kinds = [node.op_type for node in nodes]
    casts = [place for place, kind in enumerate(kinds) if kind == "Cast"]
    layers = [place for place, kind in enumerate(kinds) if kind == "Conv"]
    assert len(casts) == 2
    assert casts[0] < layers[0] <= layers[-1] < casts[1]


def test_sensor_units_beyond_float16_survive_fp16() -> None:
    """65,535 is infinite in float16: normalisation has to come first."""
    graph = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 18]>
        g (float[n, 1, h, w] noisy) => (float[n, 1, h, w] denoised)
          <float scale = {65535}, float[1, 1, 1, 1] weight = {1}>
        {
            [divide] x = Div (noisy, scale)
            [conv] y = Conv (x, weight)
            [multiply] denoised = Mul (y, scale)
        }"""
    )
    half = halved(graph)
    onnx.checker.check_model(half, full_check=True)
    result = onnx.reference.ReferenceEvaluator(half).run(None, {"noisy": np.full((1, 1, 2, 2), 65535, np.float32)})[0]
    np.testing.assert_allclose(result, 65535, rtol=1e-3)


@pytest.mark.parametrize("provider", STARTING)
@pytest.mark.parametrize("precision", ["", ".int8", ".fp16"])
@pytest.mark.parametrize("role", METHOD_OF)
def test_strips_equal_the_whole_on_every_provider_at_prime_sizes(
    lower: Bundles, role: str, precision: str, provider: str
) -> None:
    name = f"{role}{precision}"
    model = entry(lower[role], name)
    session = Session(lower[role] / f"{name}.onnx", provider, 1)
    noisy = from_nchw(noisy_planes(3, 1009, 31, 255.0), "float32")
    strips = plan_strips((1009, 31), model.stride, model.receptive_radius, 31 * 16)

    def run(pixels: Pixels) -> Pixels:
        return from_nchw(session.run(to_nchw(pixels)), "float32")

    exact = STRIPS_MBD if (name, provider) == ("mbd", "cpu") else STRIPS[model.precision]
    assert len(strips) > 1
    assert np.abs(run_in_strips(run, noisy, strips) - run(noisy)).max() / 255 <= exact


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 5), (17, 31)])
@pytest.mark.parametrize("name", ["sensor.int8", "mbd.int8", "grd.int8", "sensor.fp16", "grd.fp16"])
def test_any_size_goes_through(lower: Bundles, name: str, size: tuple[int, int]) -> None:
    folder = lower[name.partition(".")[0]]
    noisy = np.concatenate([noisy_planes(3, *size, 255.0, seed) for seed in range(2)])
    result = Session(folder / f"{name}.onnx", "cpu", 1).run(noisy)
    assert result.shape == noisy.shape
    assert psnr(folder, name, noisy) > 40


def test_exporting_twice_replaces(bundle: Path) -> None:
    zsn2m.export(bundle, "int8")
    once = content(bundle)
    zsn2m.export(bundle, "int8")
    assert content(bundle) == once
    assert [model.id for model in load_bundle(bundle).manifest.models] == ["mbd", "grd", "mbd.int8", "grd.int8"]


def test_calibration_on_a_frame_of_the_sensor_alone(bundle: Path, tmp_path: Path) -> None:
    save_image(tmp_path / "own.png", Frame(from_nchw(noisy_planes(3, 60, 700, 255.0), "uint8")))
    zsn2m.export(bundle, "int8", calibrate=tmp_path / "own.png")
    fidelity = entry(bundle, "mbd.int8").fidelity
    assert fidelity is not None and fidelity.calibrated_on == "own.png"
    before = content(bundle)
    np.save(tmp_path / "deep.npy", np.zeros((20, 20, 3), np.uint16))
    with pytest.raises(InputError, match=r"deep\.npy: .*uint8"):
        zsn2m.export(bundle, "int8", calibrate=tmp_path / "deep.npy")
    with pytest.raises(UsageError, match=r"--calibrate .*fp16"):
        zsn2m.export(bundle, "fp16", calibrate=tmp_path / "own.png")
    assert content(bundle) == before


def test_weights_alone_have_nothing_to_quantise(bundle: Path) -> None:
    edit_manifest(bundle, lambda manifest: manifest.update(models=[], default=None))
    with pytest.raises(BundleError, match="weights only"):
        zsn2m.export(bundle, "int8")


def test_a_network_without_inner_layers_is_not_quantised_from_end_to_end(bundle: Path) -> None:
    model = onnx.load(bundle / "mbd.onnx")
    inner = [node for node in model.graph.node if node.op_type == "Conv"][1]
    inner.op_type = "Identity"  # which leaves the first and the last convolution
    with pytest.raises(ExportError, match="a convolution between the first and the last"):
        quantised(model, [{"noisy": noisy_planes(3, 20, 20, 255.0)}])


def test_the_command_says_what_was_added_and_how_to_use_it(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "export", bundle, "--precision", "int8")
    assert ended.code == 0
    assert str(bundle / "grd.int8.onnx") in ended.out
    assert ended.out.count("dB to fp32 on the frame") == 2
    use = f"zsn2m-deploy denoise {bundle} FRAME... -o OUT --model"
    assert f"Next: {use} mbd.int8; or: {use} grd.int8" in ended.out
    assert "mbd.int8.onnx" in run_command(capsys, "inspect", bundle).out
    models = run_command(capsys, "export", bundle, "--precision", "fp16", "--json").json["models"]
    assert [model["id"] for model in models][-2:] == ["mbd.fp16", "grd.fp16"]


def test_a_bundle_of_before_is_read(bundle: Path) -> None:
    def forget(manifest: dict[str, object]) -> None:
        for model in manifest["models"]:
            del model["io"], model["self_test_input"], model["fidelity"], model["parity"]["levels_off"]

    edit_manifest(bundle, forget)
    assert load_bundle(bundle).model("mbd").io == "sensor"
    assert all(check.passed for check in verify_bundle(bundle, "cpu"))


def changed_model(bundle: Path, change: Callable[[onnx.GraphProto], object]) -> None:
    """The default's graph changed, and a manifest that vouches for it."""
    path = bundle / "grd.onnx"
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)

    def record(manifest: dict[str, Any]) -> None:
        manifest["models"][1]["files"]["onnx"] = file_record(path).model_dump()

    edit_manifest(bundle, record)


def nameless(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        node.name = ""


def computed_kernel(graph: onnx.GraphProto) -> None:
    conv = next(node for node in graph.node if node.op_type == "Conv")
    graph.node.insert(0, onnx.helper.make_node("Identity", [conv.input[1]], ["kernel"], name="kernel"))
    next(node for node in graph.node if node.op_type == "Conv").input[1] = "kernel"


def cut_weights(graph: onnx.GraphProto) -> None:
    large = max(graph.initializer, key=lambda tensor: len(tensor.raw_data))
    large.raw_data = large.raw_data[:-4]


@pytest.mark.parametrize("precision", ["int8", "fp16"])
@pytest.mark.parametrize(
    ("change", "said"),
    [(nameless, "without names"), (computed_kernel, "kernels that are no weights"), (cut_weights, "an ONNX model")],
)
def test_a_graph_of_another_program_that_cannot_be_changed_is_refused(
    bundle: Path, precision: str, change: Callable[[onnx.GraphProto], object], said: str
) -> None:
    changed_model(bundle, change)
    before = content(bundle)
    with pytest.raises(BundleError, match=said):
        zsn2m.export(bundle, precision, model="grd")
    assert content(bundle) == before


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_a_fault_of_our_own_is_not_laid_on_the_bundle(
    bundle: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> onnx.ModelProto:
        raise TypeError("ours")

    monkeypatch.setattr(variants, "quantised", wrong)
    monkeypatch.setattr(variants, "halved", wrong)
    with pytest.raises(TypeError, match="ours"):
        zsn2m.export(bundle, precision, model="grd")


def test_what_the_quantiser_cannot_do_is_said_of_the_graph(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such shape")

    monkeypatch.setattr("onnxruntime.quantization.quantize_static", fail)
    with pytest.raises(BundleError, match="no such shape"):
        zsn2m.export(bundle, "int8", model="grd")
