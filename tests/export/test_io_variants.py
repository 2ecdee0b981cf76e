"""Twins for other arrays: the same pixels in the caller's own form, shown before they are written, never mistaken."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.bundles import content, edit_manifest, noisy_planes
from support.commands import run_command

import zsn2m_deploy as zsn2m
from zsn2m_export import variants
from zsn2m_export.parity import check_twin
from zsn2m_export.twins import as_twin, from_twin, to_twin
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.errors import BundleError, CheckFailedError, UsageError
from zsn2m_runtime.image import from_nchw
from zsn2m_runtime.manifest import CARD_KEY, ModelCard, Normalisation, Sensor
from zsn2m_runtime.model_record import ModelIo
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.verify import verify_bundle

TWELVE_BIT = Sensor(dtype="uint16", channels=1, range=(64.0, 4095.0), noise_sigma=9.0)


@pytest.fixture(scope="module")
def twins(calm_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with twins of fp32 and int8, to look at."""
    path = shutil.copytree(calm_bundle, tmp_path_factory.mktemp("twins") / "cam.zsn2m")
    zsn2m.export(path, io="unit")
    zsn2m.export(path, io="u8")
    zsn2m.export(path, "int8")
    zsn2m.export(path, "int8", "u8")
    return path


def run(path: Path, noisy: Pixels) -> Pixels:
    """As any program would."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    result: Pixels = session.run(["denoised"], {"noisy": noisy})[0]
    return result


def strong(sensor: Sensor, add: float) -> onnx.ModelProto:
    """A graph of the sensor that adds a constant and clamps to the range, in place of a network."""
    low, high = sensor.range
    return onnx.parser.parse_model(
        f"""<ir_version: 10, opset_import: ["" : 18]>
        g (float[n, {sensor.channels}, h, w] noisy) => (float[n, {sensor.channels}, h, w] denoised)
          <float add = {{{add}}}, float low = {{{low}}}, float high = {{{high}}}>
        {{
            [add] x = Add (noisy, add)
            [clamp] denoised = Clip (x, low, high)
        }}"""
    )


def saved(model: onnx.ModelProto, path: Path) -> Path:
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (37, 53)])
@pytest.mark.parametrize("name", ["mbd", "grd", "mbd.int8", "grd.int8"])
def test_u8_is_the_denoiser_to_the_byte(twins: Path, name: str, size: tuple[int, int]) -> None:
    frames = np.stack([from_nchw(noisy_planes(3, *size, 255.0, seed), "uint8") for seed in (1, 2)])
    denoiser = zsn2m.Denoiser(twins, name, provider="cpu")
    results = run(twins / f"{name}.u8.onnx", frames)
    assert (results.dtype, results.shape) == (np.uint8, frames.shape)
    for frame, result in zip(frames, results, strict=True):
        np.testing.assert_array_equal(result, denoiser(frame))


@pytest.mark.parametrize("name", ["mbd", "grd"])
def test_unit_is_the_same_in_values_from_0_to_1(twins: Path, name: str) -> None:
    noisy = noisy_planes(3, 37, 53, 255.0)
    expected = run(twins / f"{name}.onnx", noisy)
    result = run(twins / f"{name}.unit.onnx", noisy / 255)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected / 255, rtol=0, atol=1e-5)
    assert 0 <= result.min() < result.max() <= 1


def test_unit_is_of_the_sensors_range_not_of_its_type(tmp_path: Path) -> None:
    path = saved(as_twin(strong(TWELVE_BIT, 403.1), "unit", TWELVE_BIT), tmp_path / "unit.onnx")
    result = run(path, np.array([[[[0.0, 0.5, 1.0]]]], np.float32))
    np.testing.assert_allclose(result, [[[[0.1, 0.6, 1.0]]]], atol=1e-6)


@pytest.mark.parametrize(("dtype", "io", "high"), [("uint8", "u8", 255), ("uint16", "u16", 65535)])
def test_integers_are_rounded_half_to_even_and_clamped(tmp_path: Path, dtype: str, io: ModelIo, high: int) -> None:
    sensor = Sensor(dtype=dtype, channels=3, range=(2.0, high), noise_sigma=1.0)
    path = saved(as_twin(strong(sensor, 1.5), io, sensor), tmp_path / "twin.onnx")
    noisy = np.array([0, 2, 3, high - 3, high - 2, high], dtype).reshape(1, 2, 1, 3)
    result = run(path, noisy)
    assert result.dtype == noisy.dtype
    np.testing.assert_array_equal(result.ravel(), [2, 4, 4, high - 1, high - 1, high])


def test_the_vectors_are_in_the_twins_own_form(twins: Path) -> None:
    noisy = np.load(twins / "test_input.npy")
    manifest = load_bundle(twins).manifest
    entries = {model.id: model for model in manifest.models if model.io != "sensor"}
    assert list(entries) == ["mbd.unit", "grd.unit", "mbd.u8", "grd.u8", "mbd.int8.u8", "grd.int8.u8"]
    for name, model in entries.items():
        assert model.self_test_input is not None and model.self_test_input.name == f"test_input_{model.io}.npy"
        given, expected = np.load(twins / model.self_test_input.name), np.load(twins / model.self_test.name)
        np.testing.assert_allclose(from_twin(given, model.io, manifest.sensor), noisy, atol=1e-4)
        np.testing.assert_array_equal(run(twins / f"{name}.onnx", given), expected)
        assert (given.dtype, given.shape[1:].index(3)) == (expected.dtype, 0 if model.io == "unit" else 2)
    assert all(check.passed for check in verify_bundle(twins, "cpu"))


def test_a_damaged_vector_is_found(twins: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(twins, tmp_path / "cam.zsn2m")
    (bundle / "test_input_u8.npy").write_bytes(b"short")
    with pytest.raises(BundleError, match=r"test_input_u8\.npy"):
        load_bundle(bundle)


def test_the_manifest_and_the_file_say_what_a_twin_takes(twins: Path) -> None:
    manifest = load_bundle(twins).manifest
    for model in manifest.models[2:]:
        held = {prop.key: prop.value for prop in onnx.load(twins / f"{model.id}.onnx").metadata_props}
        assert list(held) == [CARD_KEY]
        assert ModelCard.model_validate_json(held[CARD_KEY]) == manifest.card(model)
        if model.io != "sensor":
            assert model.parity is not None and model.parity.onnxruntime <= model.parity.tolerance
            assert model.parity.levels_off == (0 if model.io == "u8" else None)
    assert manifest.default == "grd"
    graph = onnx.load(twins / "grd.u8.onnx").graph
    for value in (*graph.input, *graph.output):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        assert [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] == ["n", "h", "w", 3]


@pytest.mark.parametrize("name", ["mbd.unit", "grd.u8", "mbd.int8.u8"])
def test_a_twin_is_not_taken_for_a_model_of_the_sensor(twins: Path, name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(name)):
        zsn2m.Denoiser(twins, name)
    with pytest.raises(UsageError):
        zsn2m.Denoiser(twins / f"{name}.onnx")


def cut_not_rounded(model: onnx.ModelProto, io: ModelIo, sensor: Sensor) -> onnx.ModelProto:
    """In the place of as_twin: a cast alone cuts."""
    twin = as_twin(model, io, sensor)
    next(node for node in twin.graph.node if node.op_type == "Round").op_type = "Identity"
    return twin


def of_another_range(model: onnx.ModelProto, io: ModelIo, sensor: Sensor) -> onnx.ModelProto:
    """In the place of as_twin."""
    return as_twin(model, io, sensor.model_copy(update={"range": (0.0, 254.0)}))


@pytest.mark.parametrize(("io", "wrong"), [("u8", cut_not_rounded), ("unit", of_another_range)])
def test_a_wrong_twin_is_refused_and_the_bundle_stays_as_it_was(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, io: ModelIo, wrong: Callable[..., onnx.ModelProto]
) -> None:
    before = content(bundle)
    monkeypatch.setattr(variants, "as_twin", wrong)
    with pytest.raises(CheckFailedError, match=rf"mbd\.{io}"):
        zsn2m.export(bundle, io=io)
    assert content(bundle) == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_one_level_beside_is_counted_where_it_is_rare_and_refused_where_it_is_not(tmp_path: Path) -> None:
    sensor = Sensor(dtype="uint8", channels=1, range=(0.0, 255.0), noise_sigma=1.0)
    beside = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 18]>
        g (float[n, 1, h, w] noisy) => (float[n, 1, h, w] denoised) <float value = {77}>
        {
            [equal] found = Equal (noisy, value)
            [cast] one = Cast <to = 1> (found)
            [add] denoised = Add (noisy, one)
        }"""
    )
    reference = saved(strong(sensor, 0), tmp_path / "reference.onnx")
    twin = saved(as_twin(beside, "u8", sensor), tmp_path / "twin.onnx")
    card = ModelCard(
        id="mbd.u8", role="mbd", precision="fp32", io="u8", stride=1, receptive_radius=0, parameters=0,
        schema_version=1, sensor=sensor, normalisation=Normalisation(offset=0, scale=255),
    )  # fmt: skip
    probe = np.zeros((1, 1, 40, 50), np.float32)
    probe[0, 0, 7, 7] = 77
    parity = check_twin(reference, twin, card, [probe])
    assert (parity.levels_off, parity.onnxruntime) == (1, 1 / 255)
    with pytest.raises(CheckFailedError, match="3 samples"):
        probe[0, 0, 7, :3] = 77
        probe[0, 0, 7, 7] = 0
        check_twin(reference, twin, card, [probe])


@pytest.mark.parametrize(
    ("dtype", "io", "right"), [("uint8", "u16", "u8"), ("uint16", "u8", "u16"), ("float32", "u8", "unit")]
)
def test_integers_that_are_not_the_sensors_are_a_usage_error(bundle: Path, dtype: str, io: ModelIo, right: str) -> None:
    edit_manifest(bundle, lambda content: content["sensor"].update(dtype=dtype))
    with pytest.raises(UsageError, match=rf"--io {io} .* {dtype}; .*--io {right}"):
        zsn2m.export(bundle, io=io)


def test_values_beyond_the_range_pass_where_the_graph_does_not_clamp(tmp_path: Path) -> None:
    sensor = Sensor(dtype="float32", channels=1, range=(-1.0, 3.0), noise_sigma=0.1)
    model = strong(sensor, 0.4)
    model.graph.node[1].op_type = "Identity"
    del model.graph.node[1].input[1:]
    noisy = np.linspace(-3, 5, 12, dtype=np.float32).reshape(1, 1, 3, 4)
    given = to_twin(noisy, "unit", sensor)
    assert (given.min(), given.max()) == (-0.5, 1.5)
    result = run(saved(as_twin(model, "unit", sensor), tmp_path / "unit.onnx"), given)
    np.testing.assert_allclose(from_twin(result, "unit", sensor), noisy + 0.4, atol=1e-6)


def test_twins_of_a_precision_ask_for_its_models_first(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"zsn2m-deploy export .* --precision int8$"):
        zsn2m.export(bundle, "int8", "unit")


def test_models_made_again_take_their_old_twins_with_them(
    twins: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = shutil.copytree(twins, tmp_path / "cam.zsn2m")
    zsn2m.export(bundle, "int8")
    assert "mbd.int8.u8, grd.int8.u8: removed with the models" in caplog.text
    assert not list(bundle.glob("*.int8.u8.*"))
    names = [model.id for model in load_bundle(bundle).manifest.models]
    assert names == ["mbd", "grd", "mbd.unit", "grd.unit", "mbd.u8", "grd.u8", "mbd.int8", "grd.int8"]
    assert (bundle / "test_input_u8.npy").is_file()  # the other twins' own


def test_the_command_says_what_other_programs_get(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "export", bundle, "--io", "u8")
    assert ended.code == 0
    assert str(bundle / "mbd.u8.onnx") in ended.out
    assert "the pixels of its model; 0 samples rounded to the level beside" in ended.out
    assert "both uint8 (n, h, w, c) in sensor units" in ended.out
    ended = run_command(capsys, "export", bundle, "--io", "unit")
    assert "both float32 (n, c, h, w) from 0 to 1" in ended.out
    assert run_command(capsys, "export", bundle, "--io", "u16").code == 2


def test_two_exports_at_once_are_both_kept(calm_bundle: Path, tmp_path: Path) -> None:
    path = shutil.copytree(calm_bundle, tmp_path / "cam.zsn2m")
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(zsn2m.export, path, io=io) for io in ("unit", "u8")]:
            done.result()
    assert {"mbd.unit", "mbd.u8"} <= {model.id for model in load_bundle(path).manifest.models}
