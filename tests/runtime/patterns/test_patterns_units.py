"""What is found in a frame does not depend on the unit of its samples, and nothing overflows."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from support.mosaics import bayer, noise, scene
from typer.testing import CliRunner

from zsn2m_deploy.cli import app
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame, as_frame, check_computable
from zsn2m_runtime.patterns import find_patterns

SEED = 1001


@pytest.mark.parametrize("unit", [1e36, 1e18, 1e5, 1 / 255, 1e-6, 1e-12, 1e-30])
def test_a_mosaic_is_found_in_any_unit(unit: float) -> None:
    frame = bayer(scene(SEED, 96), "RGGB") + noise(SEED, (96, 96))
    expected = find_patterns(frame).mosaic
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = find_patterns((frame * unit).astype(np.float32 if unit > 1e-30 else np.float64)).mosaic
    assert expected is not None and found is not None
    assert found.layouts == expected.layouts
    assert found.contrast == pytest.approx(expected.contrast * unit, rel=1e-3)
    assert found.noise == pytest.approx(expected.noise * unit, rel=1e-3)


def test_row_noise_is_found_in_any_unit() -> None:
    frame = scene(SEED, 96).mean(axis=2) + noise(SEED, (96, 96)) + noise(SEED + 1, (96, 1), 20.0)
    expected = find_patterns(frame).rows
    found = find_patterns(frame * 1e18).rows
    assert expected is not None and found is not None
    assert found.sigma == pytest.approx(expected.sigma * 1e18, rel=1e-3)
    assert found.pixel_sigma == pytest.approx(expected.pixel_sigma * 1e18, rel=1e-3)


def test_inspect_of_wide_whole_numbers_is_quiet(tmp_path: Path) -> None:
    most = np.iinfo(np.int64).max
    grey = scene(SEED, 96).mean(axis=2) + noise(SEED, (96, 96))
    np.save(tmp_path / "a.npy", (grey.clip(0, 255) / 256 * most).astype(np.int64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CliRunner().invoke(app, ["inspect", str(tmp_path / "a.npy")]).exit_code == 0


def test_inspect_of_values_beyond_float32_says_how_to_scale_them(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", scene(SEED, 64).mean(axis=2).astype(np.float64) * 1e200)
    result = CliRunner().invoke(app, ["inspect", str(tmp_path / "a.npy")])
    assert isinstance(result.exception, InputError) and "1e202" in str(result.exception)
    check_computable(Frame(np.load(tmp_path / "a.npy") / 1e202))


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (np.zeros((20, 20), [("a", "u1"), ("b", "u2")]), "array['NAME']"),
        (np.full((20, 20), "a"), "numbers"),
        (np.zeros((20, 20), "M8[s]"), "numbers"),
    ],
)
def test_samples_that_no_call_converts(array: np.ndarray, advice: str) -> None:
    with pytest.raises(InputError, match="but got") as caught:
        as_frame(array)
    assert advice in str(caught.value) and "astype" not in str(caught.value)
