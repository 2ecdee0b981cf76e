"""The PSNR without a clean image, against the one with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.scenes import RANGE, scene

from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.self_check import Context, SelfCheck, self_check
from zsn2m_runtime.noise.model import Doubles, NoiseModel


def smooth(planes: Doubles) -> Doubles:
    """A denoiser whose results are known: a small blur."""
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.8)).reshape(planes.shape)


def keeping_edges(planes: Doubles) -> Doubles:
    """A denoiser that is not linear: a blur, but for what differs much."""
    detail = planes - smooth(planes)
    return np.asarray(smooth(planes) + np.sign(detail) * np.maximum(np.abs(detail) - 25, 0))


def psnr(denoised: Doubles, clean: Doubles) -> float:
    return float(10 * np.log10(255**2 / np.square(denoised - clean).mean()))


@pytest.mark.parametrize("denoise", [smooth, keeping_edges])
@pytest.mark.parametrize("kind", ["white", "sloped"])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_near_the_truth(denoise: object, kind: str, channels: int) -> None:
    assert callable(denoise)
    made = scene(kind, channels)
    noisy, clean = (planes.reshape(160, 160, channels).astype(np.float64) for planes in (made.noisy, made.clean))
    check = self_check(noisy, denoise, made.model, RANGE)
    assert check.psnr is not None and check.low is not None and check.high is not None
    truth = psnr(denoise(noisy), clean)
    assert check.psnr == pytest.approx(truth, abs=0.7)
    assert check.low <= truth <= check.high
    assert check.noisy_psnr == pytest.approx(psnr(noisy, clean), abs=0.3)
    assert check.noise == pytest.approx(made.noise.std(), rel=0.05)
    assert check.error == pytest.approx(np.sqrt(np.square(denoise(noisy) - clean).mean()), rel=0.1)
    assert check.peak == 255


def test_blank_areas_are_named_as_such() -> None:
    made = scene()
    shown = np.zeros(made.noisy.shape[:2], bool)
    shown[:40] = True
    assert shown.mean() == 0.25
    shown[39, 0] = False
    check = self_check(made.noisy.astype(np.float64), smooth, made.model, RANGE, Context(shown=shown))
    assert check.reason == "most of what was looked at is blank"


@pytest.mark.parametrize("width", [0.55, 1.2])
def test_a_worse_denoiser_has_a_lower_estimate(width: float) -> None:
    made = scene()
    noisy = made.noisy.astype(np.float64)

    def worse(planes: Doubles) -> Doubles:
        return np.asarray(cv2.GaussianBlur(planes, (0, 0), width))

    structured = analyse(made.noisy, worse(noisy), made.model, RANGE).structured
    assert structured
    found = self_check(noisy, worse, made.model, RANGE, Context(structured)).psnr
    assert found == pytest.approx(psnr(worse(noisy), made.clean), abs=0.7)
    best = self_check(noisy, smooth, made.model, RANGE).psnr
    assert best is not None and found is not None and best > found + 0.4
    assert (self_check(noisy, worse, made.model, RANGE).psnr is None) is (width > 1)


def refused(noisy: Doubles, model: NoiseModel) -> SelfCheck:
    check = self_check(noisy, smooth, model, RANGE)
    assert check.psnr is check.low is check.high is check.error is None
    return check


def test_why_there_is_none() -> None:
    correlated, white = scene("correlated"), scene()
    assert "correlated" in (refused(correlated.noisy.astype(np.float64), correlated.model).reason or "")
    noisy = white.noisy.astype(np.float64)
    assert "correlated" in (refused(noisy, replace(white.model, coarse=True)).reason or "")
    assert "clipped" in (refused(np.full((64, 64, 3), 255.0), white.model).reason or "")
    assert "too small" in (refused(noisy[:30, :30], white.model).reason or "")
    stronger = NoiseModel.white(4 * white.model.slope, 4 * white.model.floor)
    assert "known too roughly for it (flat places lost" in (refused(noisy, stronger).reason or "")


@pytest.mark.parametrize(("width", "given"), [(1.6, True), (6.0, False)])
def test_a_range_may_be_wide_but_not_any(width: float, given: bool) -> None:
    noise = 12 * np.random.default_rng(0).standard_normal((160, 160, 3))
    model = NoiseModel.white(np.zeros(3), np.full(3, 144.0))
    check = self_check(128 + noise, lambda planes: np.asarray(cv2.GaussianBlur(planes, (0, 0), width)), model, RANGE)
    assert (check.psnr is not None) is given
    if check.low is not None and check.high is not None:
        truth = psnr(np.asarray(cv2.GaussianBlur(noise, (0, 0), width)), np.zeros(3))
        assert check.low <= truth <= check.high
        assert check.high - check.low > 4


def test_it_is_the_same_each_time() -> None:
    made = scene(side=96)
    noisy = made.noisy.astype(np.float64)
    assert self_check(noisy, smooth, made.model, RANGE) == self_check(noisy, smooth, made.model, RANGE)
