"""Frames of one scene, one after the other: each is averaged with those before it, and the mean is denoised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import numpy as np

from zsn2m_runtime.fusion import Fusion
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Average, Planes
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.motion import Flow, flow, still
from zsn2m_runtime.noise.clipping import Ends, clipping_ends
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Mask, Nchw, is_whole
from zsn2m_runtime.several_threads import at_once

# Of the previous result, the noisy frame, and the noisy mean that the result was made of, each (1, c, h, w) in sensor
# units: where the frame's content was before; None after a cut.
Motion = Callable[[Nchw, Nchw, Nchw], Flow | None]
MotionName = Literal["flow", "none", "off"]
MOTIONS: dict[MotionName, Motion | None] = {"flow": flow, "none": still, "off": None}


class Averaging(Protocol):
    """What a Sequence needs of a Denoiser."""

    @property
    def noises(self) -> tuple[NoiseRecord, ...]:
        """The kinds of noise that the bundle was trained on; none: unknown."""

    @property
    def card(self) -> ModelCard:
        """The model's facts."""

    @property
    def averages(self) -> bool:
        """Whether its model may be given the mean of frames."""

    def denoise(self, frame: Frame, name: str = ...) -> Frame:
        """Denoise one frame."""

    def denoise_mean(self, frame: Frame, average: Average, name: str = ...) -> tuple[Frame, Nchw]:
        """Denoise the mean that stands for a frame."""


class Seen(NamedTuple):
    """A frame that was averaged with those before it.

    Args:
        mean: of it and those; its planes are gone when the next frame is taken in
        strength: standard deviation of the frame's noise over that of the training frames
        follows: whether there were any before
    Shape:
        noisy: (1, c, h, w), sensor units; blank: (h, w); None: nothing was blank
    """

    mean: Mean
    noisy: Nchw
    blank: Mask | None
    strength: float
    follows: bool


class Past(NamedTuple):
    """What the next frame needs of the one before. Shape: result: (1, c, h, w), of the network."""

    seen: Seen
    result: Nchw


class Sequence:
    """Denoises the frames of one scene in order; for one thread at a time.

    Noisy frames are averaged along their motion, as far as they agree, and the mean goes through the network, which
    sees one frame that has less noise. The strength of the noise follows the camera's gain. The first frame, one of
    another size and one after a cut are denoised by themselves; of several noises that the bundle knows, the nearest is
    taken then. Where the bundle does not know its noise, or removes what stays in place, every frame is denoised by
    itself.

    Args:
        motion: where a frame's content was before; None: every frame is denoised by itself
    Attributes:
        past: the latest frame; None: there is none that the next one could be averaged with
        fusion: makes the means; None: every frame is denoised by itself
        ends: at which samples are clipped
    """

    def __init__(self, denoiser: Averaging, motion: Motion | None = flow) -> None:
        self._motion = motion
        self.past: Past | None = None
        self._spare: Nchw | None = None  # planes of a mean that is gone
        self.go_on_with(denoiser)

    def go_on_with(self, denoiser: Averaging) -> None:
        """Denoise the next frames with another bundle of the same sensor; what was before stays."""
        self._denoiser = denoiser
        averages = self._motion is not None and denoiser.averages
        self.ends: Ends = (None, None)
        self.fusion = self._gain = None
        if averages:
            told = denoiser.card.strength is not None
            self.ends = clipping_ends(denoiser.noises[0], denoiser.card.sensor)
            self.fusion, self._gain = Fusion(denoiser.noises[0], self.ends, told), Gain(denoiser.noises, self.ends)

    def __call__(self, frame: Frame, name: str = "frame") -> Frame:
        """Denoise the next frame; messages call it `name`.

        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on; the next one
                follows the one before.
        """
        if self.fusion is None:
            self.past = None
            return self._denoiser.denoise(frame, name)
        seen: Seen | None = None

        def average(noisy: Nchw, blank: Mask | None) -> Planes:
            nonlocal seen
            seen = self._seen(noisy, blank)
            return self.planes(seen.mean, seen.strength)

        denoised, result = self._denoiser.denoise_mean(frame, average, name)
        assert seen
        is_sound = is_whole(frame.pixels.dtype) or np.isfinite(result).all()  # huge floats may overflow in the network
        self.past = Past(seen, result) if is_sound else None
        return denoised

    def planes(self, mean: Mean, strength: float) -> Planes:
        """What the network is given of the mean of frames whose noise has such a strength."""
        return Planes(mean.lit, mean.strength(strength) if self._denoiser.card.strength is not None else 1.0)

    def _seen(self, noisy: Nchw, blank: Mask | None) -> Seen:
        """The mean with one more frame."""
        assert self.fusion and self._gain and self._motion
        past, self.past = self.past, None  # its planes become those of the new mean
        fits = past is not None and past.result.shape == noisy.shape
        way = self._motion(past.result, noisy, past.seen.mean.planes) if past and fits else None
        gain = self._gain
        if past is None or way is None:
            gain.start(noisy)
            return Seen(Mean.of_one(noisy), noisy, blank, gain.strength, follows=False)
        was, fusion, strength = past.seen.mean, self.fusion, gain.strength

        def before_in_light() -> Mean:
            before = was.moved(way, self._spare)
            return fusion.in_light_of(noisy, before, strength)

        _, before = at_once(lambda: gain.update(past.result, noisy, way), before_in_light)
        self._spare = None if before.planes is was.planes else was.planes
        new = uncovered(past.seen.blank, way, blank, (noisy.shape[2], noisy.shape[3]))
        return Seen(fusion(before, noisy, gain.strength, new), noisy, blank, gain.strength, follows=True)


def uncovered(was: Mask | None, way: Flow, blank: Mask | None, size: tuple[int, int]) -> Mask | None:
    """Where a mean of another frame has nothing for a frame: where either is blank; None: nowhere.

    Args:
        was: where the other frame is blank
        way: where the frame's content is in the other one
        size: height and width of the frame
    """
    if was is None:
        return blank
    found = way.bring_small(was.astype(np.float32), size) > 0
    return found if blank is None else found | blank
