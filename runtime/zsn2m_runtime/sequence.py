"""Frames of one scene, one after the other: each is averaged with those before it, and the mean is denoised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import numpy as np

from zsn2m_runtime.fusion import Fusion
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Average, Planes
from zsn2m_runtime.light import change_of_light
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.motion import Flow, flow, still
from zsn2m_runtime.noise.clipping import clipping_ends
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


class Past(NamedTuple):
    """What the next frame needs of those before.

    Shape:
        result: (1, c, h, w), of the network; blank: (h, w) of the latest frame; None: nothing was blank
    """

    mean: Mean
    result: Nchw
    blank: Mask | None


class Sequence:
    """Denoises the frames of one scene in order; for one thread at a time.

    Noisy frames are averaged along their motion, as far as they agree, and the mean goes through the network, which
    sees one frame that has less noise. The strength of the noise follows the camera's gain. The first frame, one of
    another size and one after a cut are denoised by themselves; of several noises that the bundle knows, the nearest is
    taken then. Where the bundle does not know its noise, or removes what stays in place, every frame is denoised by
    itself.

    Args:
        motion: where a frame's content was before; None: every frame is denoised by itself
    """

    def __init__(self, denoiser: Averaging, motion: Motion | None = flow) -> None:
        self._motion = motion
        self._past: Past | None = None
        self._spare: Nchw | None = None  # planes of a mean that is gone
        self.go_on_with(denoiser)

    def restart(self) -> None:
        """Forget what was: the next frame is denoised by itself."""
        self._past = None
        self.go_on_with(self._denoiser)

    def go_on_with(self, denoiser: Averaging) -> None:
        """Denoise the next frames with another bundle of the same sensor; what was before stays."""
        self._denoiser = denoiser
        averages = self._motion is not None and denoiser.averages
        self._fusion = self._gain = None
        if averages:
            sensor = denoiser.card.sensor
            self._ends = clipping_ends(denoiser.noises[0], sensor)
            self._fusion, self._gain = Fusion(denoiser.noises[0], self._ends), Gain(denoiser.noises, self._ends)

    def __call__(self, frame: Frame, name: str = "frame") -> Frame:
        """Denoise the next frame; messages call it `name`.

        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on; the next one
                follows the one before.
        """
        if self._fusion is None:
            return self._denoiser.denoise(frame, name)
        mean, hidden = self._past and self._past.mean, None

        def average(noisy: Nchw, blank: Mask | None) -> Planes:
            nonlocal mean, hidden
            (mean, strength), hidden = self._mean(noisy, blank), blank
            told = self._denoiser.card.strength is not None
            return Planes(mean.lit, mean.strength(strength) if told else 1.0)

        denoised, result = self._denoiser.denoise_mean(frame, average, name)
        assert mean
        is_sound = is_whole(frame.pixels.dtype) or np.isfinite(result).all()  # huge floats may overflow in the network
        self._past = Past(mean, result, hidden) if is_sound else None
        return denoised

    def _mean(self, noisy: Nchw, blank: Mask | None) -> tuple[Mean, float]:
        """The mean with one more frame, and the strength of the frame's noise."""
        assert self._fusion and self._gain and self._motion
        past, self._past = self._past, None  # its planes become those of the new mean
        follows = past is not None and past.result.shape == noisy.shape
        way = self._motion(past.result, noisy, past.mean.planes) if past and follows else None
        if past is None or way is None:
            self._gain.start(noisy)
            return Mean.of_one(noisy), self._gain.strength
        size, gain = (noisy.shape[2], noisy.shape[3]), self._gain

        def before_in_light() -> Mean:
            before = past.mean.moved(way, self._spare)
            return before.relit(change_of_light(before.planes, noisy, self._ends))

        _, before = at_once(lambda: gain.update(past.result, noisy, way), before_in_light)
        self._spare = None if before.planes is past.mean.planes else past.mean.planes
        new = blank
        if past.blank is not None:
            uncovered = way.bring_small(past.blank.astype(np.float32), size) > 0
            new = uncovered if blank is None else uncovered | blank
        return self._fusion(before, noisy, self._gain.strength, new), self._gain.strength
