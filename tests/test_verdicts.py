"""The frames that verdicts are measured on, and what they have shown."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.verdicts import drawn
from zsn2m_runtime.noise_estimate import estimate_noise


@pytest.mark.parametrize("kind", drawn.KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_noise_of_drawn_frames_is_finite_and_a_frame_is_drawn_again_alike(kind: str, seed: int) -> None:
    noisy, clean = drawn.draw(kind, seed)
    model = estimate_noise([noisy])
    assert all(np.isfinite(part).all() for part in (model.skew, model.slope, model.floor, model.correlation))
    assert noisy.shape == clean.shape and noisy.dtype.kind == "u" and clean.dtype == np.float32
    np.testing.assert_array_equal(drawn.draw(kind, seed)[0], noisy)
