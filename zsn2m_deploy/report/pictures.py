"""The report's pictures: a detailed crop at full size, and the whole frame small; as PNG inside the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from zsn2m_deploy.bundle.preview import pictures, visible
from zsn2m_deploy.report.analysis import SHOWN, expected_sigma
from zsn2m_deploy.report.detail import BLOCK, activity
from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels, is_whole

SIDE = 256  # pixels of the crop: three of them of pure noise are 0.8 MB in the page
OVERVIEW_SIDE = 200  # pixels at most
GREY = 128  # where nothing was removed
OVERVIEW_FROM = 1.5  # times the crop: smaller frames need no overview


@dataclass(frozen=True)
class ReportPictures:
    """PNG files as data URIs.

    top, left, height, width: of the crop, pixels; overview: the whole denoised frame, None where the crop shows it
    """

    noisy: str
    denoised: str
    removed: str
    top: int
    left: int
    height: int
    width: int
    overview: str | None


def report_pictures(
    noisy: Pixels,
    denoised: Pixels,
    model: NoiseModel,
    span: tuple[float, float],
    area: tuple[slice, slice],
    blank: Mask | None = None,
) -> ReportPictures:
    """The pictures of a frame.

    Shape:
        noisy, denoised: (h, w) or (h, w, 3), sensor units
        blank: (h, w), where they are; None: nowhere
    Args:
        span: the sensor values shown black and white
        area: rows and columns that the crop is taken from
    """
    down, along = detailed_crop(filled(denoised, blank)[area], model)
    top, left = down + (area[0].start or 0), along + (area[1].start or 0)
    crop = slice(top, top + SIDE), slice(left, left + SIDE)
    made = pictures(noisy[crop], denoised[crop], span, 1.0)
    removed = _in_units(filled(noisy, blank)[crop], filled(denoised, blank)[crop], model)
    if blank is not None:
        removed[blank[crop]] = GREY
    height, width = made.noisy.shape[:2]
    whole = max(denoised.shape[:2])
    overview = None
    if whole > OVERVIEW_FROM * SIDE:
        height_small, width_small = (max(1, round(side * OVERVIEW_SIDE / whole)) for side in denoised.shape[:2])
        small = cv2.resize(denoised.astype(np.float32), (width_small, height_small), interpolation=cv2.INTER_AREA)
        overview = png(pictures(small, small, span, 1.0).denoised)
    return ReportPictures(png(made.noisy), png(made.denoised), png(removed), top, left, height, width, overview)


def _in_units(noisy: Pixels, denoised: Pixels, model: NoiseModel) -> Pixels:
    """What was removed in units of the noise expected at each place, as a picture that is grey where it is nothing."""
    before, after = (pixels.reshape(*pixels.shape[:2], -1).astype(np.float64) for pixels in (noisy, denoised))
    units = visible((before - after) / expected_sigma(after, model, is_whole(noisy.dtype)))
    shown = np.clip(np.rint(127.5 + 127.5 * units / SHOWN), 0, 255).astype(np.uint8)
    return shown[:, :, 0] if noisy.ndim == 2 else shown


def detailed_crop(denoised: Pixels, model: NoiseModel) -> tuple[int, int]:
    """Top and left of the crop with the most detail; 0 where the frame is no larger than a crop."""
    height, width = denoised.shape[:2]
    planes = denoised.reshape(height, width, -1).astype(np.float64)
    detail = np.log1p(activity(planes, np.sqrt(model.variance(planes)))).astype(np.float32)
    side = SIDE // BLOCK
    rows, columns = (max(1, length - side + 1) for length in detail.shape)
    sums = cv2.blur(detail, (min(side, detail.shape[1]), min(side, detail.shape[0])), anchor=(0, 0))
    best = int(np.argmax(sums[:rows, :columns]))
    down, along = divmod(best, columns)
    return min(down * BLOCK, max(0, height - SIDE)), min(along * BLOCK, max(0, width - SIDE))


def png(picture: Pixels) -> str:
    """A picture as a data URI. Shape: (h, w) or (h, w, 3) uint8."""
    ordered = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return f"data:image/png;base64,{base64.b64encode(content.tobytes()).decode()}"
