"""The preview picture: noisy, denoised, and the removed noise amplified."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import picture_of
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.sample_types import Pixels

# Sizes and shades were chosen by eye.
_SIDE = 512  # pixels; of larger frames the centre is shown, as scaling would hide the noise
_SMALLEST = 160  # pixels; smaller frames are enlarged, so that the labels fit
_LABEL_HEIGHT = 28  # pixels
_LABEL_ORIGIN = (6, 19)  # pixels from left and top: where the text's baseline starts
_LABEL_SIZE = 0.5  # of OpenCV's font
_LABEL_GREY = 32  # grey level of the label's background
_GAP = 4  # pixels between the pictures
_MID_GREY = 127.5
_SHOWN_DEVIATIONS = 4.0  # standard deviations of noise from mid grey to black or white: all but 6 of 100,000 samples
_LEAST_SIGMA = 0.1  # grey levels; keeps the gain finite for frames without noise


@dataclass(frozen=True)
class Pictures:
    """A frame as 8-bit pictures.

    gain: factor by which the removed noise is amplified

    Shape:
        noisy, denoised, removed: (h, w) or (h, w, 3) uint8; removed is mid grey where nothing was removed
    """

    noisy: Pixels
    denoised: Pixels
    removed: Pixels
    gain: float


def pictures(noisy: Pixels, denoised: Pixels, span: tuple[float, float], sigma: float) -> Pictures:
    """The pictures of a frame and its result.

    Shape:
        noisy, denoised: (h, w), (h, w, 3) or (h, w, 4) planes of a mosaic, sensor units; those are shown in colour
    Args:
        span: sensor values that are shown black and white
        sigma: standard deviation of the noise, sensor units; sets the gain
    """
    low, high = span
    before, after = (
        np.nan_to_num(visible(part).astype(np.float32), nan=low, posinf=high, neginf=low) for part in (noisy, denoised)
    )
    to_grey_levels = 255 / (high - low)
    gain = max(1.0, _MID_GREY / (_SHOWN_DEVIATIONS * max(sigma * to_grey_levels, _LEAST_SIGMA)))
    return Pictures(
        _shown((before - low) * to_grey_levels),
        _shown((after - low) * to_grey_levels),
        _shown((before - after) * to_grey_levels * gain + _MID_GREY),
        gain,
    )


def write_preview(path: Path, noisy: Pixels, denoised: Pixels, span: tuple[float, float], sigma: float) -> None:
    """Write noisy, denoised and removed noise side by side as one 8-bit RGB picture; arguments as for `pictures`."""
    made = pictures(_centre(noisy), _centre(denoised), span, sigma)
    panels = [
        _panel(made.noisy, "noisy"),
        _panel(made.denoised, "denoised"),
        _panel(made.removed, f"removed noise x {made.gain:.1f}"),
    ]
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, np.uint8)
    save_image(path, Frame(np.hstack([panels[0], gap, panels[1], gap, panels[2]])))


def visible(pixels: Pixels) -> Pixels:
    """What can be shown of a frame: of the planes of a mosaic a colour picture, of half its size."""
    return picture_of(pixels) if pixels.shape[2:] == (PLANES,) else pixels


def _centre(pixels: Pixels) -> Pixels:
    top, left = (max(0, (side - _SIDE) // 2) for side in pixels.shape[:2])
    return pixels[top : top + _SIDE, left : left + _SIDE]


def _shown(grey_levels: Pixels) -> Pixels:
    return np.asarray(np.clip(np.rint(grey_levels), 0, 255), np.uint8)


def _panel(picture: Pixels, label: str) -> Pixels:
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    factor = -(-_SMALLEST // min(picture.shape[:2]))
    picture = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    strip = np.full((_LABEL_HEIGHT, picture.shape[1], 3), _LABEL_GREY, np.uint8)
    cv2.putText(strip, label, _LABEL_ORIGIN, cv2.FONT_HERSHEY_SIMPLEX, _LABEL_SIZE, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack([strip, picture])
