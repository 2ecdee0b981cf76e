"""The error of samples that were replaced, against the one with the truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.scenes import scene

from zsn2m_deploy.report.replaced import error_of_replaced
from zsn2m_deploy.report.self_check import Context, self_check
from zsn2m_runtime.noise.impulses import ImpulseRule
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Mask

SIGMA = 6.0


def smooth(planes: Doubles) -> Doubles:
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), 0.7)).reshape(planes.shape)


def salted(share: float, channels: int, alike: bool, soft: bool = False) -> tuple[Doubles, Doubles, Doubles, Mask]:
    """A clean scene, the noisy one, that whose impulses are replaced, and where they were.

    Args:
        soft: whether edges are so soft that `smooth` takes hardly any of them for noise
    """
    made = scene(channels=channels, side=256, sigma=SIGMA)
    sharp = cv2.GaussianBlur(made.clean, (0, 0), 2) if soft else made.clean
    clean, noisy = (planes.reshape(256, 256, channels).astype(np.float32) for planes in (sharp, sharp + made.noise))
    random = np.random.default_rng(3)
    at = np.broadcast_to(random.random((256, 256, 1 if alike else channels)) < share, noisy.shape)
    spoilt = np.where(at, np.where(random.random(noisy.shape) < 0.5, 0, 255), noisy).astype(np.float32)
    fixed, found = ImpulseRule(made.model, (0.0, 255.0)).corrected(spoilt)
    return clean.astype(np.float64), spoilt.astype(np.float64), fixed.astype(np.float64), found


@pytest.mark.parametrize(("share", "channels", "alike"), [(0.005, 1, True), (0.05, 1, True), (0.02, 3, True)])
def test_it_is_that_with_the_truth(share: float, channels: int, alike: bool) -> None:
    clean, _, noisy, replaced = salted(share, channels, alike)
    variance, known = np.full_like(noisy, SIGMA**2), (~replaced).astype(np.float64)
    found = error_of_replaced(noisy, smooth, variance, replaced, known)
    assert found is not None
    error, spread = found
    squares = np.square(smooth(noisy) - clean)[replaced]
    truth, truth_spread = float(squares.mean()), float(squares.std() / np.sqrt(len(squares)))
    assert error == pytest.approx(truth, abs=3 * np.hypot(spread, truth_spread))
    elsewhere = float(np.square(smooth(noisy) - clean)[~replaced].mean())
    assert error > 1.2 * elsewhere


def test_too_few_say_nothing() -> None:
    clean, _, noisy, replaced = salted(0.00001, 1, True)
    assert replaced.sum() < 5
    assert error_of_replaced(noisy, smooth, np.ones_like(clean), replaced, np.ones_like(clean)) is None


@pytest.mark.parametrize("share", [0.005, 0.02, 0.06])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_range_holds_the_truth(share: float, channels: int) -> None:
    clean, spoilt, noisy, replaced = salted(share, channels, False, soft=True)
    changed = float(np.square(spoilt - noisy).mean())
    whole = scene(channels=channels, side=256, sigma=SIGMA).model
    smoother = 1 - replaced.mean() * 7 / 8  # as it is measured, with what was replaced
    model = replace(whole, slope=smoother * whole.slope, floor=smoother * whole.floor)
    context = Context(replaced=replaced, power_replaced=changed)
    check = self_check(noisy, smooth, model, (0.0, 255.0), context)
    truth = 10 * np.log10(255**2 / np.square(smooth(noisy) - clean).mean())
    assert check.low is not None and check.high is not None
    assert check.low <= truth <= check.high
    before = 10 * np.log10(255**2 / np.square(spoilt - clean).mean())
    assert check.noisy_psnr == pytest.approx(before, abs=0.3)
    assert check.left is not None and check.left < 1
