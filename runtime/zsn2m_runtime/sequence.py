"""Frames of one scene, one after the other: each is denoised with the help of the result before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Previous, Result
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.motion import moved, still
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Nchw

# Of the previous result and the noisy frame, both (1, c, h, w) in sensor units: the result where its content is in the
# frame; None after a cut.
Motion = Callable[[Nchw, Nchw], Nchw | None]
MotionName = Literal["flow", "none"]
MOTIONS: dict[MotionName, Motion] = {"flow": moved, "none": still}


class Recurrent(Protocol):
    """What a Sequence needs of a Denoiser."""

    @property
    def card(self) -> ModelCard:
        """The model's facts."""

    @property
    def noises(self) -> tuple[NoiseRecord, ...]:
        """The kinds of noise that the bundle was trained on; none: unknown."""

    def denoise(self, frame: Frame, name: str = ...) -> Frame:
        """Denoise one frame."""

    def denoise_after(
        self, frame: Frame, previous: Previous, strength: float = ..., name: str = ...
    ) -> tuple[Frame, Result]:
        """Denoise one frame with the help of the result before it."""


class Sequence:
    """Denoises the frames of one scene in order; for one thread at a time.

    With a model that has a state, each result helps with the next frame. The first frame, one of another size and one
    after a cut are denoised by themselves. With other models every frame is.

    Args:
        motion: brings the result before to where its content is now; None: it is taken as it was, whatever the frame
    """

    def __init__(self, denoiser: Recurrent, motion: Motion | None = None) -> None:
        self._denoiser, self._motion = denoiser, motion
        self._last: Result | None = None

    def restart(self) -> None:
        """Forget what was: the next frame is denoised by itself."""
        self._last = None

    def go_on_with(self, denoiser: Recurrent) -> None:
        """Denoise the next frames with another bundle of the same sensor; the result before stays what it is."""
        self._denoiser = denoiser

    def __call__(self, frame: Frame, strength: float = 1.0, name: str = "frame") -> Frame:
        """Denoise the next frame; messages call it `name`.

        Args:
            strength: standard deviation of the frame's noise over that of the training frames; models without a state
                do not see it
        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on; the next one
                follows the one before.
            UsageError: a strength that is no positive number.
        """
        if self._denoiser.card.state is None:
            return self._denoiser.denoise(frame, name)
        denoised, self._last = self._denoiser.denoise_after(frame, self._previous, strength, name)
        return denoised

    def _previous(self, noisy: Nchw) -> Result | None:
        last = self._last
        if last is None or last.planes.shape != noisy.shape:
            return None
        planes = self._motion(last.planes, noisy) if self._motion else last.planes
        return None if planes is None else last._replace(planes=planes)
