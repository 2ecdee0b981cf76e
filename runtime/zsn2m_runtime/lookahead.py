"""Frames of one scene, averaged with those after them as well: results come late, and are better."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.motion import Flow, flow
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.sequence import Averaging, Motion, Seen, Sequence, uncovered

MOST = 16  # frames that may be waited for: 8 gain 0.03 dB more than 4, and each is a few arrays in memory
Newer = Callable[[], Averaging | None]


@dataclass
class _Waiting:
    """A frame whose result is not given away yet.

    Attributes:
        denoised: of it and those before
        later: where its content is in the frame after it; None: that is not known yet
    """

    frame: Frame
    name: str
    seen: Seen
    denoised: Frame
    later: Flow | None = None


class Lookahead:
    """Denoises frames of one scene in order, each with some that come after it; for one thread at a time.

    The mean of a frame and those before it, as a Sequence has it, is averaged with the mean of those after it, which is
    made in the same way from the last one back; so a frame goes through the network twice. Frames after a cut do not
    count, nor do they where a Sequence does not average: then results do not wait.

    Args:
        motion: where a frame's content was before; None: every frame is denoised by itself
        frames: that are waited for, at most MOST; 0: none
    Raises:
        UsageError: another number of frames.
    Source: docs/decisions/lookahead.md.
    """

    def __init__(self, denoiser: Averaging, motion: Motion | None = flow, frames: int = 0) -> None:
        if not isinstance(frames, int) or not 0 <= frames <= MOST:
            raise UsageError(
                f"expected a lookahead of 0 to {MOST} frames, but got {frames!r}; 2 is usual, more than 4 gain little"
            )
        self._denoiser, self._motion, self._frames = denoiser, motion, frames
        self._sequence = Sequence(denoiser, motion)
        self._waiting: deque[_Waiting] = deque()
        self._spare: Nchw | None = None  # planes of a mean that is gone

    def __call__(self, frame: Frame, name: str = "frame") -> Iterator[Frame]:
        """Take in the next frame; messages call it `name`.

        Returns:
            the results that are ready, of the oldest frames that waited, in order; to be taken, all of them, before the
            next frame is given
        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on; the next one
                follows the one before.
        """
        denoised, newest = self._sequence(frame, name), self._sequence.past
        if not self._frames or newest is None:
            yield from self.rest()
            yield denoised
            return
        if not self._link(newest.seen, newest.result):
            yield from self.rest()
        own = newest.seen.mean.planes.copy()
        kept = newest.seen._replace(mean=newest.seen.mean._replace(planes=own, lit=own))
        self._waiting.append(_Waiting(frame, name, kept, denoised))
        if len(self._waiting) > self._frames:
            yield self._oldest()

    def rest(self) -> Iterator[Frame]:
        """The results that wait, with what there is of frames after them; the next frame follows all the same."""
        while self._waiting:
            yield self._oldest()

    def results(self, frames: Iterable[Frame], newer: Newer | None = None) -> Iterator[Frame]:
        """The results of frames, in order; an error comes after those of all frames before it.

        Args:
            newer: asked before each frame for a bundle to go on with
        """
        try:
            for frame in frames:
                if newer and (denoiser := newer()):
                    yield from self.go_on_with(denoiser)
                yield from self(frame)
        except Exception:
            yield from self.rest()
            raise
        yield from self.rest()

    def go_on_with(self, denoiser: Averaging) -> Iterator[Frame]:
        """Denoise the next frames with another bundle of the same sensor; first comes what waits, by the one so far."""
        yield from self.rest()
        self._denoiser = denoiser
        self._sequence.go_on_with(denoiser)

    def _link(self, newest: Seen, result: Nchw) -> bool:
        """Find the newest frame's content in the one that came before it; False: it shows another scene."""
        if not (newest.follows and self._waiting and self._motion):
            return False
        last = self._waiting[-1]
        last.later = self._motion(result, last.seen.noisy, newest.mean.planes)
        if last.later is not None and not last.seen.follows:  # its noise had nothing to be measured against
            gain = Gain(self._denoiser.noises, self._sequence.ends)
            gain.start(last.seen.noisy)
            gain.update(result, last.seen.noisy, last.later)
            last.seen = last.seen._replace(strength=gain.strength)
        return last.later is not None

    def _oldest(self) -> Frame:
        """The result of the frame that waits longest, which waits no more."""
        first = self._waiting.popleft()
        if first.later is None:
            return first.denoised
        try:
            return self._of_all(first)
        except Exception:
            self._waiting.clear()  # the error is this frame's, and takes its place
            raise

    def _of_all(self, first: _Waiting) -> Frame:
        """The result of a frame with those that wait."""
        last = self._waiting[-1].seen
        mean, after = Mean.of_one(last.noisy), last
        for one in (*reversed(list(self._waiting)[:-1]), first):
            assert one.later  # what waits is of one scene
            mean = self._with(one, mean, after, is_last=one is first)
            after = one.seen
        strength = first.seen.strength
        planes = self._sequence.planes(mean, strength)
        denoised, _ = self._denoiser.denoise_mean(first.frame, lambda _noisy, _blank: planes, first.name)
        self._spare = mean.planes
        return denoised

    def _with(self, one: _Waiting, mean: Mean, after: Seen, *, is_last: bool) -> Mean:
        """The mean of later frames with one more, or at last with the mean of that and those before."""
        way, seen = one.later, one.seen
        assert way
        moved = mean.moved(way, self._spare)
        if moved.planes is not mean.planes:
            self._spare = mean.planes
        louder = np.float32((after.strength / seen.strength) ** 2)
        fusion = self._sequence.fusion
        assert fusion  # else nothing waits
        before = fusion.in_light_of(seen.noisy, moved._replace(variance=moved.variance * louder), after.strength)
        new = uncovered(after.blank, way, seen.blank, (seen.noisy.shape[2], seen.noisy.shape[3]))
        if is_last:
            return fusion.joined(before, seen.mean, seen.noisy, seen.strength, new)
        return fusion(before, seen.noisy, seen.strength, new)
