"""One frame through a session: in strips where it is large, blank areas kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from zsn2m_runtime.blank.areas import filled, with_blank_kept
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.orientations import AS_IT_IS, Orientation, in_orientations
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, plan_strips, run_in_strips
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of, without_blank
from zsn2m_runtime.sample_types import Mask, Nchw, Pixels, Strength


class Planes(NamedTuple):
    """What a network is given for a frame.

    Shape:
        samples: (1, c, h, w) float32, sensor units; of mosaics the four planes
    Args:
        strength: standard deviation of their noise over that of the training frames
    """

    samples: Nchw
    strength: Strength = 1.0


Average = Callable[[Nchw, Mask | None], Planes]  # of a frame's samples, blank areas filled, and of where those are


def denoise_frame(
    session: Session,
    card: ModelCard,
    frame: Frame,
    strip_pixels: int = DEFAULT_STRIP_PIXELS,
    orientations: tuple[Orientation, ...] = AS_IT_IS,
) -> Frame:
    """Denoise a frame of the card's sensor; blank areas stay what they are, bit for bit.

    Args:
        strip_pixels: frames with more pixels are processed in strips of about that many
        orientations: of the frame, over whose results the mean is taken
    """
    noisy, blank = _filled(card, frame)
    if blank is not None and blank.all():
        return frame.with_pixels(frame.pixels.copy())

    def run(pixels: Pixels) -> Pixels:
        return from_nchw(session.run(to_nchw(pixels)), pixels.dtype, card.sensor.range)

    if orientations == AS_IT_IS:  # rounded strip by strip: no whole frame of floats
        height, width = frame.pixels.shape[:2]
        strips = plan_strips((height, width), card.stride, card.receptive_radius, strip_pixels)
        denoised = run_in_strips(run, noisy, strips)
    else:
        mean = in_orientations(_network(session, card, strip_pixels), to_nchw(noisy), 1.0, orientations)
        denoised = from_nchw(mean, noisy.dtype, card.sensor.range)
    return frame.with_pixels(with_blank_kept(denoised, frame.pixels, blank))


def denoise_mean(
    session: Session,
    card: ModelCard,
    frame: Frame,
    average: Average,
    strip_pixels: int,
    orientations: tuple[Orientation, ...] = AS_IT_IS,
) -> tuple[Frame, Nchw]:
    """Denoise what stands for a frame, such as the mean of it and those before it; blank areas stay as they are.

    Shape:
        returns: the frame, and the network's result, not rounded, as Planes have their samples
    """
    noisy, blank = _filled(card, frame)
    if card.sensor.mosaic:
        pattern, size = card.sensor.mosaic.pattern, (frame.pixels.shape[0], frame.pixels.shape[1])
        cells = None if blank is None else planes_of(Frame(blank.astype(np.uint8)), pattern).pixels.max(axis=2) > 0
        samples, strength = average(to_nchw(planes_of(Frame(noisy), pattern).pixels), cells)
        samples = to_nchw(mosaic_of(samples[0].transpose(1, 2, 0), pattern, size))
    else:
        samples, strength = average(to_nchw(noisy), blank)
    denoised = in_orientations(_network(session, card, strip_pixels), samples, strength, orientations)
    own = denoised.copy() if frame.pixels.dtype == np.float32 else denoised  # as float32 the frame would be the result
    pixels = with_blank_kept(from_nchw(own, frame.pixels.dtype, card.sensor.range), frame.pixels, blank)
    if card.sensor.mosaic:
        denoised = to_nchw(planes_of(Frame(denoised[0, 0]), pattern).pixels)
    return frame.with_pixels(pixels), denoised


def _network(session: Session, card: ModelCard, strip_pixels: int) -> Callable[[Nchw, Strength], Nchw]:
    """Runs a frame's samples, in strips where it is large."""

    def run(samples: Nchw, strength: Strength) -> Nchw:
        size, parts = (samples.shape[2], samples.shape[3]), []
        for strip in plan_strips(size, card.stride, card.receptive_radius, strip_pixels):
            told = None
            if card.strength:  # never of mosaics, whose planes are smaller than the frame
                told = strength if isinstance(strength, float) else strength[strip.read]
            rows = session.run(np.ascontiguousarray(samples[:, :, strip.read]), told)
            parts.append(rows[:, :, strip.kept])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    return run


def _filled(card: ModelCard, frame: Frame) -> tuple[Pixels, Mask | None]:
    """A frame's pixels, blank areas filled, and where those are."""
    return without_blank(frame) if card.sensor.mosaic else (filled(frame.pixels, frame.blank), frame.blank)
