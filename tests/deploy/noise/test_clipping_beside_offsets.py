"""Offsets of rows hide neither clipping nor rounding: both are told of the frames as they came."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenes import scene
from support.trainings import INSTANT

from zsn2m_deploy.noise.offsets import Offsets
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.facts import noise_facts, noise_in_words
from zsn2m_runtime.noise_record import RowNoise
from zsn2m_runtime.sample_types import Pixels

SIDE = 192


def frame(rows: float, pixel: float) -> Pixels:
    """A drawn scene with offsets of rows, and places that are black and white."""
    drawn = np.random.default_rng(1)
    picture = 60 + 0.55 * scene(channels=1, side=SIDE, seed=1000).clean
    picture[:, :48], picture[:, 144:] = 252, 3
    noisy = picture + rows * drawn.standard_normal((SIDE, 1)) + pixel * drawn.standard_normal((SIDE, SIDE))
    return np.rint(noisy).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("rows", [0.0, 6.0])
def test_samples_end_where_they_did(rows: float) -> None:
    given = frame(rows, 8.0)
    trained = train([given], INSTANT)
    assert bool(trained.corrections.offsets.row_noise) == bool(rows)
    assert trained.noise.ends == pytest.approx((0, 255), abs=1e-3)
    found = noise_facts([trained.corrections.corrected(given)], trained.noise, (0, 255), [given])
    assert found.clipping.low_share == (given == 0).mean() and found.clipping.high_share == (given == 255).mean()
    assert "clipped" in noise_in_words(found)


def test_whole_numbers_stay_a_reason_to_warn() -> None:
    drawn = np.random.default_rng(1)
    noisy = np.linspace(80, 160, SIDE) + 3 * drawn.standard_normal((SIDE, 1)) + drawn.standard_normal((SIDE, SIDE))
    given = np.rint(noisy).astype(np.uint8)
    offsets = Offsets((RowNoise(axis="rows", sigma=3.0, pixel_sigma=(1.0,), memory=2.0),))
    corrected = offsets.without(given)
    found = noise_facts([corrected], estimate_noise([corrected]), (0, 255), [given])
    assert found.rounding.whole and found.rounding.step == 1
    assert found.rounding.in_words is not None


def test_clipped_samples_stay_at_their_end_and_no_other_goes_beyond() -> None:
    given = frame(6.0, 8.0)
    rest = Offsets((RowNoise(axis="rows", sigma=6.0, pixel_sigma=(8.0,), memory=2.0),)).without(given)
    at_end = (given == 0) | (given == 255)
    np.testing.assert_array_equal(rest[at_end], given[at_end])
    assert rest.min() == 0 and rest.max() == 255
    assert np.abs((rest - given)[~at_end]).mean() > 1
