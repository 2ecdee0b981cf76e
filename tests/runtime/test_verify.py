"""The self-test passes where the pixels are the recorded ones, and nowhere else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command
from support.tolerances import PARITY

from zsn2m_runtime import verify
from zsn2m_runtime.bundle import file_record
from zsn2m_runtime.errors import BundleError, UnavailableError
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.verify import TOLERANCE, TOLERANCES, ModelCheck, Tolerance, tolerance_of, verify_bundle


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")


def perturb_first(bundle: Path, add: float, precision: str = "fp32") -> None:
    """Add to the last bias of the first model (in units of the range), and let it be a model of that precision."""
    path = bundle / json.loads((bundle / "manifest.json").read_text())["models"][0]["files"]["onnx"]["name"]
    model = onnx.load(path)
    bias = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [3])
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(add), bias.name))
    card = ModelCard.model_validate_json(model.metadata_props[0].value).model_copy(update={"precision": precision})
    model.metadata_props[0].value = card.model_dump_json()
    onnx.save(model, path)
    record = file_record(path).model_dump()
    edit_manifest(bundle, lambda content: content["models"][0]["files"].update(onnx=record))
    edit_manifest(bundle, lambda content: content["models"][0].update(precision=precision))


def put_twin(bundle: Path, io: str, low_high: tuple[float, float], off: float) -> None:
    """Let the first model be one that gives back its own arrays, with a recorded output whose first sample is off."""
    integer = io != "unit"
    kind, shape = (TensorProto.UINT8, ["n", "h", "w", 3]) if integer else (TensorProto.FLOAT, ["n", 3, "h", "w"])
    ports = [helper.make_tensor_value_info(name, kind, shape) for name in ("noisy", "denoised")]
    graph = helper.make_graph([helper.make_node("Identity", ["noisy"], ["denoised"])], "same", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    card = ModelCard.model_validate_json(onnx.load(bundle / "mbd.onnx").metadata_props[0].value)
    sensor = card.sensor.model_copy(update={"range": low_high, "dtype": "uint8" if integer else "uint16"})
    helper.set_model_props(
        model, {"zsn2m.json": card.model_copy(update={"io": io, "sensor": sensor}).model_dump_json()}
    )
    onnx.save(model, bundle / "mbd.onnx")
    given = np.full((1, 8, 8, 3), 100, np.uint8) if integer else np.full((1, 3, 8, 8), 0.5, np.float32)
    expected = given.copy()
    expected.flat[0] += off
    np.save(bundle / "given.npy", given)
    np.save(bundle / "expected.npy", expected)
    changes: dict[str, Any] = {
        "io": io,
        "files": {"onnx": file_record(bundle / "mbd.onnx").model_dump()},
        "self_test_input": file_record(bundle / "given.npy").model_dump(),
        "self_test": file_record(bundle / "expected.npy").model_dump(),
    }
    edit_manifest(bundle, lambda content: content["models"][0].update(changes))
    edit_manifest(bundle, lambda content: content["sensor"].update(range=low_high, dtype=sensor.dtype))


def test_a_whole_bundle_passes(bundle: Path) -> None:
    checks = verify_bundle(bundle, "cpu")
    assert [(check.model, check.provider, check.passed) for check in checks] == [
        ("mbd", "cpu", True),
        ("grd", "cpu", True),
    ]
    assert TOLERANCE == PARITY
    assert all(check.difference <= PARITY and check.card_agrees for check in checks)


def test_the_default_passes_and_a_changed_weight_of_it_is_found(make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = shutil.copytree(make_bundle(method="adapt"), tmp_path / "cam.zsn2m")
    assert [(check.model, check.passed) for check in verify_bundle(bundle, "cpu")] == [("sensor", True)]
    perturb_first(bundle, 5 * PARITY)
    assert [(check.model, check.passed) for check in verify_bundle(bundle, "cpu")] == [("sensor", False)]


@pytest.mark.parametrize(("add", "passed"), [(0.01, False), (5 * PARITY, False), (PARITY / 5, True)])
def test_a_changed_weight_is_found_though_the_hashes_fit(bundle: Path, add: float, passed: bool) -> None:
    perturb_first(bundle, add)
    mbd, grd = verify_bundle(bundle, "cpu")
    assert (mbd.passed, grd.passed) == (passed, True)
    assert mbd.difference == pytest.approx(add, rel=0.05)


@pytest.mark.parametrize(
    ("precision", "add", "passed"),
    [
        ("fp16", 4e-4, True),
        ("fp16", 8e-4, False),  # within the largest difference: the rms finds it
        ("int8", 8e-4, True),
        ("int8", 2e-3, False),
        ("fp32", 4e-4, False),
        ("other", 4e-4, False),  # one that this version does not know has no larger tolerance
    ],
)
def test_lower_precisions_have_their_own_tolerance(bundle: Path, precision: str, add: float, passed: bool) -> None:
    perturb_first(bundle, add, precision)
    mbd, _ = verify_bundle(bundle, "cpu")
    assert mbd.card_agrees
    assert (mbd.difference, mbd.rms) == pytest.approx((add, add), rel=0.05)  # some samples are clamped
    assert mbd.passed == passed


@pytest.mark.parametrize(("add", "passed"), [(2e-3, True), (4e-3, False)])
def test_int8_of_sensornet_has_a_larger_rms_tolerance(
    make_bundle: BundleMaker, tmp_path: Path, add: float, passed: bool
) -> None:
    bundle = shutil.copytree(make_bundle(method="adapt"), tmp_path / "cam.zsn2m")
    perturb_first(bundle, add, "int8")
    [check] = verify_bundle(bundle, "cpu")
    assert check.rms == pytest.approx(add, rel=0.05)  # some samples are clamped
    assert check.passed == passed


@pytest.mark.parametrize(
    ("io", "low_high", "off", "passed"),
    [
        ("u8", (0.0, 255.0), 0, True),
        ("u8", (0.0, 255.0), 1, True),  # a value between two levels
        ("u8", (0.0, 255.0), 2, False),
        ("unit", (0.0, 255.0), 5e-5, True),
        ("unit", (0.0, 255.0), 2e-4, False),
        ("unit", (0.0, 2550.0), 5e-5, False),  # ten times as much of the normalisation's scale
    ],
)
def test_twins_are_judged_in_their_own_units(
    bundle: Path, io: str, low_high: tuple[float, float], off: float, passed: bool
) -> None:
    put_twin(bundle, io, low_high, off)
    twin = verify_bundle(bundle)[0]
    assert twin.card_agrees
    assert twin.passed == passed


def test_a_weight_that_is_nan_is_found(bundle: Path) -> None:
    perturb_first(bundle, float("nan"))
    assert [check.passed for check in verify_bundle(bundle, "cpu")] == [False, True]


def test_a_card_that_is_not_the_manifests_is_found(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content["sensor"].update(range=[0.0, 200.0]))
    for check in verify_bundle(bundle):
        assert check.difference <= PARITY
        assert (check.card_agrees, check.passed) == (False, False)


def test_swapped_expected_outputs_are_found(bundle: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        first, second = content["models"]
        first["self_test"], second["self_test"] = second["self_test"], first["self_test"]

    edit_manifest(bundle, swap)
    assert not any(check.passed for check in verify_bundle(bundle))


def test_a_damaged_file_is_not_run(bundle: Path) -> None:
    (bundle / "grd.onnx").write_bytes(b"short")
    with pytest.raises(BundleError, match=r"grd\.onnx"):
        verify_bundle(bundle)


def test_a_bundle_of_weights_has_nothing_to_verify(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content.update(models=[], default=None))
    with pytest.raises(BundleError, match="weights only"):
        verify_bundle(bundle)


def test_the_provider_asked_for_or_none(bundle: Path) -> None:
    with pytest.raises(UnavailableError, match="directml"):
        verify_bundle(bundle, "directml")


def test_every_provider_that_starts_is_tried(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "starting_providers", lambda _: {"cpu": None, "cuda": None, "directml": "no device"})
    checks = verify_bundle(bundle)
    assert [(check.model, check.provider, check.passed) for check in checks] == [
        ("mbd", "cpu", True),
        ("grd", "cpu", True),
        ("mbd", "cuda", False),
        ("grd", "cuda", False),
    ]
    assert [check.refusal is None for check in checks] == [True, True, False, False]
    assert "cuda: not in this onnxruntime" in str(checks[2].refusal)


def test_no_provider_at_all_is_no_success(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "starting_providers", lambda _: {"cpu": "broken"})
    with pytest.raises(UnavailableError, match="cpu: broken"):
        verify_bundle(bundle)


def test_a_model_without_its_file_is_not_left_out(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content["models"][1]["files"].pop("onnx"))
    with pytest.raises(BundleError, match="grd has none"):
        verify_bundle(bundle)


def test_a_run_that_fails_is_a_failure_and_no_refusal(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def out_of_memory(*_: object) -> None:
        raise UnavailableError("onnxruntime says: out of memory")

    monkeypatch.setattr(verify.Session, "run", out_of_memory)
    for check in (*verify_bundle(bundle), *verify_bundle(bundle, "cpu")):
        assert (check.passed, check.refusal, check.failure) == (False, None, "onnxruntime says: out of memory")
    ended = run_command(capsys, "verify", bundle, "--provider", "cpu")
    assert ended.code == 1
    assert "mbd on cpu: FAILED: onnxruntime says: out of memory" in ended.out
    assert "but mbd on cpu, grd on cpu gave others or none" in ended.err


def test_the_command_wants_every_model_verified_somewhere(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "starting_providers", lambda _: {"cpu": None, "cuda": None})
    assert run_command(capsys, "verify", bundle).code == 0  # the CPU takes what CUDA refuses
    monkeypatch.setattr(verify, "starting_providers", lambda _: {"cuda": None})
    ended = run_command(capsys, "verify", bundle)
    assert ended.code == UnavailableError.exit_code
    assert "mbd on cuda: does not run there" in ended.out
    assert "expected a provider that takes each model, but none takes grd, mbd" in ended.err


def test_rms_difference() -> None:
    ones = np.ones((2, 2), np.uint8)
    assert verify.rms_difference(ones, ones * 3) == 2
    assert verify.rms_difference(ones, np.array([[1, 1], [1, 5]], np.uint8)) == 2
    assert verify.rms_difference(ones, ones[:1]) == float("inf")


def test_largest_difference() -> None:
    ones = np.ones((2, 3), np.float32)
    changed = ones.copy()
    changed[1, 2] = 0.25
    assert verify.largest_difference(ones, changed) == 0.75
    assert verify.largest_difference(ones, ones[:1]) == float("inf")
    changed[0, 0] = np.nan
    assert np.isnan(verify.largest_difference(ones, changed))
    assert verify.largest_difference(np.array([0], np.uint8), np.array([255], np.uint8)) == 255  # no wrap-around


@pytest.mark.parametrize(
    ("difference", "rms", "passed"),
    [(0.0, 0.0, True), (1e-4, 1e-4, True), (2e-4, 0.0, False), (0.0, 2e-4, False), (np.nan, 0.0, False),
     (0.0, np.nan, False), (np.inf, np.inf, False)],
)  # fmt: skip
def test_both_limits_hold_and_nan_never_passes(difference: float, rms: float, passed: bool) -> None:
    check = ModelCheck("mbd", "cpu", difference, rms, Tolerance(1e-4, 1e-4), card_agrees=True)
    assert check.passed == passed


def test_tolerances_are_found_by_role_and_precision_or_precision_alone() -> None:
    assert tolerance_of("sensor", "int8") == TOLERANCES["sensor.int8"] != TOLERANCES["int8"]
    assert tolerance_of("mbd", "int8") == TOLERANCES["int8"]
    assert tolerance_of("sensor", "fp16") == TOLERANCES["fp16"]
    assert tolerance_of("sensor", "other") == TOLERANCES["fp32"] == Tolerance(TOLERANCE, TOLERANCE)
