"""A model that is wrong at some brightness, or that nothing can test there, gives no PSNR."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from support.scenes import RANGE

from zsn2m_deploy.report.brightness import EDGES, FEWEST, Band, bands, contradiction
from zsn2m_deploy.report.self_check import SelfCheck, self_check
from zsn2m_deploy.report.trials import Denoise, run_trials
from zsn2m_runtime.noise.model import Doubles, NoiseModel

SIDE = 192
SIGMA = 6.0
BRIGHT = 0.08  # of the frame, which is darkest at the left and brightest at the right
STEP = 60 + 120 * (1 - BRIGHT) ** 2  # of brightness; above it the noise is another


def smooth(planes: Doubles) -> Doubles:
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), 2)).reshape(planes.shape)


def smooth_below_the_step(planes: Doubles) -> Doubles:
    """As a network that takes bright spots for the picture, with all of their noise."""
    place = np.arange(planes.shape[1]) / planes.shape[1]
    return np.where(place[:, None] >= 1 - BRIGHT, planes, smooth(planes))


def frame(factor: float) -> tuple[Doubles, Doubles]:
    """Noisy and clean; the noise is so many times as strong above the step."""
    clean = np.broadcast_to(60 + 120 * (np.arange(SIDE) / SIDE)[:, None] ** 2, (SIDE, SIDE, 1))
    noise = SIGMA * np.random.default_rng(1).standard_normal(clean.shape)
    return clean + noise * np.where(clean >= STEP, factor, 1), clean


def white() -> NoiseModel:
    return NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2))


def checked(factor: float, denoise: Denoise) -> tuple[SelfCheck, float]:
    """What is said, and the truth in dB."""
    noisy, clean = frame(factor)
    truth = 10 * np.log10(255**2 / np.square(denoise(noisy) - clean).mean())
    return self_check(noisy, denoise, white(), RANGE), float(truth)


def found(factor: float, denoise: Denoise) -> tuple[Band, ...]:
    noisy, _ = frame(factor)
    denoised = denoise(noisy)
    trials = run_trials(noisy, denoised, denoise, white(), RANGE)
    return bands(noisy - denoised, trials, denoised, white(), np.ones_like(noisy))


def test_noise_of_one_line_contradicts_nothing() -> None:
    check, truth = checked(1, smooth)
    assert check.low is not None and check.high is not None
    assert check.low <= truth <= check.high
    assert contradiction(found(1, smooth)) is None


def test_another_gain_above_a_step_is_named() -> None:
    check, _ = checked(4, smooth)
    assert check.psnr is None and check.contradicted
    assert check.reason is not None and "times the power expected" in check.reason
    brightest = found(4, smooth)[-1]
    assert str(brightest) in check.reason
    assert brightest.ratio == pytest.approx(16, rel=0.3)


def test_noise_that_the_network_keeps_tells_nothing() -> None:
    check, _ = checked(4, smooth_below_the_step)
    assert check.psnr is None and check.contradicted
    assert check.reason is not None and "nothing tells how strong it is" in check.reason
    assert found(4, smooth_below_the_step)[-1].passed > 0.9


def test_bands_are_all_samples_from_dark_to_bright() -> None:
    of = found(1, smooth)
    assert len(of) == len(EDGES) + 1
    assert all(one.low <= one.high <= other.low for one, other in pairwise(of))
    assert sum(band.of_error for band in of) == pytest.approx(1)


@pytest.mark.parametrize("side", [24, 48, 64])
def test_small_frames_have_no_false_alarm(side: int) -> None:
    noise = SIGMA * np.random.default_rng(2).standard_normal((40, side, side, 1))
    noisy = noise + np.linspace(80, 110, side)[:, None]
    for one in noisy:
        trials = run_trials(one, smooth(one), smooth, white(), RANGE)
        of = bands(one - smooth(one), trials, smooth(one), white(), np.ones_like(one))
        assert bool(of) is (side**2 >= FEWEST)
        assert contradiction(of) is None


def test_noise_is_weighed_by_the_error_that_it_makes() -> None:
    even = [Band(10.0 * at, 10.0 * at + 9, 1.0, 0.0, 0.1, 0.3) for at in range(4)]
    assert contradiction(tuple(even)) is None
    off = replace(even[3], ratio=3.0, misfit=2.0)
    assert contradiction((*even[:3], replace(off, of_error=0.05))) is None
    assert "of brightness 30 to 39 lost 3 times" in (contradiction((*even[:3], off)) or "")
    kept = replace(even[3], passed=0.95)
    assert "95 %" in (contradiction((*even[:3], kept)) or "")
    assert contradiction((*even[:3], replace(kept, of_error=0.1))) is None
