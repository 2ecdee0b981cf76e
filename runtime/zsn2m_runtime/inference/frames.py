"""One frame through a session: in strips where it is large, blank areas kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zsn2m_runtime.blank.areas import filled, with_blank_kept
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, plan_strips, run_in_strips
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.mosaic_planes import without_blank
from zsn2m_runtime.sample_types import Mask, Nchw, Pixels


class Result(NamedTuple):
    """What a model with a state made of a frame, for the next one.

    Shape:
        planes: (1, c, h, w) float32, sensor units, not rounded; where the frame is blank, of what it was filled with
        blank: (h, w); None: nothing was blank
    """

    planes: Nchw
    blank: Mask | None


Previous = Callable[[Nchw], Result | None]  # of a frame's planes, blank areas filled: the result before, moved into it


def denoise_frame(session: Session, card: ModelCard, frame: Frame, strip_pixels: int = DEFAULT_STRIP_PIXELS) -> Frame:
    """Denoise a frame of the card's sensor; blank areas stay what they are, bit for bit.

    Args:
        strip_pixels: frames with more pixels are processed in strips of about that many
    """
    if card.sensor.mosaic:
        noisy, blank = without_blank(frame)
    else:
        blank = frame.blank
        noisy = filled(frame.pixels, blank)
    if blank is not None and blank.all():
        return frame.with_pixels(frame.pixels.copy())

    def run(pixels: Pixels) -> Pixels:
        return from_nchw(session.run(to_nchw(pixels)), pixels.dtype, card.sensor.range)

    height, width = frame.pixels.shape[:2]
    strips = plan_strips((height, width), card.stride, card.receptive_radius, strip_pixels)
    denoised = run_in_strips(run, noisy, strips)
    return frame.with_pixels(with_blank_kept(denoised, frame.pixels, blank))


def denoise_after(
    session: Session, card: ModelCard, frame: Frame, previous: Previous, strength: float, strip_pixels: int
) -> tuple[Frame, Result]:
    """Denoise a frame with the help of the result before, by a model with a state; blank areas stay as they are.

    Where either frame is blank, the model gets the frame in the place of the result before.
    """
    blank = frame.blank
    noisy = to_nchw(filled(frame.pixels, blank))
    before = previous(noisy)
    state = noisy if before is None else before.planes
    for mask in (blank, before and before.blank):
        if mask is not None:
            state = np.where(mask, noisy, state)
    size = frame.pixels.shape[0], frame.pixels.shape[1]
    parts = []
    for strip in plan_strips(size, card.stride, card.receptive_radius, strip_pixels):
        noisy_rows, state_rows = (np.ascontiguousarray(planes[:, :, strip.read]) for planes in (noisy, state))
        rows = session.run(noisy_rows, state_rows, strength if card.strength else None)
        parts.append(rows[:, :, strip.kept])
    denoised = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    pixels = from_nchw(denoised, frame.pixels.dtype, card.sensor.range)
    return frame.with_pixels(with_blank_kept(pixels, frame.pixels, blank)), Result(denoised, blank)
