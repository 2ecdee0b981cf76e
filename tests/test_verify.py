"""The self-test passes where the pixels are the recorded ones, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import BundleMaker, edit_manifest
from onnx import numpy_helper
from tolerances import PARITY

from zsn2m_runtime.bundle import file_record
from zsn2m_runtime.errors import BundleError, UnavailableError
from zsn2m_runtime.verify import TOLERANCE, ModelCheck, largest_difference, verify_bundle


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")


def perturb_mbd(bundle: Path, add: float) -> None:
    """Add to the last bias of MBD-Net (in units of the range) and make the manifest's hash fit again."""
    path = bundle / "mbd.onnx"
    model = onnx.load(path)
    bias = next(tensor for tensor in model.graph.initializer if list(tensor.dims) == [3])
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(add), bias.name))
    onnx.save(model, path)
    record = file_record(path).model_dump()
    edit_manifest(bundle, lambda content: content["models"][0]["files"].update(onnx=record))


def test_a_whole_bundle_passes(bundle: Path) -> None:
    checks = verify_bundle(bundle)
    assert [(check.model, check.provider, check.passed) for check in checks] == [
        ("mbd", "cpu", True),
        ("grd", "cpu", True),
    ]
    assert TOLERANCE == PARITY
    assert all(check.difference <= PARITY and check.card_agrees for check in checks)


@pytest.mark.parametrize(("add", "passed"), [(0.01, False), (5 * PARITY, False), (PARITY / 5, True)])
def test_a_changed_weight_is_found_though_the_hashes_fit(bundle: Path, add: float, passed: bool) -> None:
    perturb_mbd(bundle, add)
    mbd, grd = verify_bundle(bundle)
    assert (mbd.passed, grd.passed) == (passed, True)
    assert mbd.difference == pytest.approx(add, rel=0.05)


def test_a_weight_that_is_nan_is_found(bundle: Path) -> None:
    perturb_mbd(bundle, float("nan"))
    assert [check.passed for check in verify_bundle(bundle)] == [False, True]


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


def test_largest_difference() -> None:
    ones = np.ones((2, 3), np.float32)
    changed = ones.copy()
    changed[1, 2] = 0.25
    assert largest_difference(ones, changed) == 0.75
    assert largest_difference(ones, ones[:1]) == float("inf")
    changed[0, 0] = np.nan
    assert np.isnan(largest_difference(ones, changed))
    assert largest_difference(np.array([0], np.uint8), np.array([255], np.uint8)) == 255  # no wrap-around


def test_nan_never_passes() -> None:
    assert not ModelCheck("mbd", "cpu", float("nan"), card_agrees=True).passed
    assert not ModelCheck("mbd", "cpu", float("inf"), card_agrees=True).passed
    assert ModelCheck("mbd", "cpu", 0.0, card_agrees=True).passed
