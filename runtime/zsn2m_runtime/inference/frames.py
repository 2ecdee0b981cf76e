"""One frame through a session: in strips where it is large, blank areas kept."""

from __future__ import annotations

from zsn2m_runtime.blank.areas import filled, with_blank_kept
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, plan_strips, run_in_strips
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.mosaic_planes import without_blank
from zsn2m_runtime.sample_types import Pixels


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
