"""What a network does with a frame's noise, found out with fresh noise on top of its result and of the frame.

The covariance of noise and result is measured by fainter noise on top of the frame (Ramani, Blu and Unser,
Monte-Carlo SURE, 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.model import Doubles, NoiseModel

DRAWS = 2
FAINT = 0.3  # of the noise's deviation

Denoise = Callable[[Doubles], Doubles]


@dataclass(frozen=True)
class Trials:
    """What fresh noise shows.

    Shape:
        removed, results: (draws, h, w, c), what is removed from the result with fresh noise, and what that becomes
        error: (h, w, c), mean power of what then is wrong
        covariance: (h, w, c), of the noise and the result for the frame, mean
    """

    removed: Doubles
    results: Doubles
    error: Doubles
    covariance: Doubles

    @property
    def taken(self) -> Doubles:
        """Mean power that is removed, (h, w, c)."""
        return np.asarray(np.square(self.removed).mean(axis=0))


def run_trials(
    noisy: Doubles, denoised: Doubles, denoise: Denoise, model: NoiseModel, ends: tuple[float, float]
) -> Trials:
    """Trials of a frame; fresh noise is clipped at the ends, as that of the frame is. Shape: (h, w, c)."""
    generator = np.random.default_rng(0)
    error, covariance = np.zeros_like(noisy), np.zeros_like(noisy)
    results, removed = [], []
    for _ in range(DRAWS):
        noise = draw_noise(model, np.asarray(denoised, np.float32), generator).astype(np.float64)
        fresh = np.clip(denoised + noise, *ends)
        again = denoise(fresh)
        results.append(again)
        removed.append(fresh - again)
        error += np.square(again - denoised) / DRAWS
        covariance += noise * (denoise(noisy + FAINT * noise) - denoised) / FAINT / DRAWS
    return Trials(np.stack(removed), np.stack(results), error, covariance)
