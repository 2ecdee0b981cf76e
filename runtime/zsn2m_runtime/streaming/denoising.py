"""The work of a stream: its pictures are denoised, everything else passes, and all stays in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.lookahead import Lookahead
from zsn2m_runtime.sequence import Motion
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.streaming.latency import Latency
from zsn2m_runtime.streaming.watching import Watch


@dataclass
class _Place:
    """An item's place in the output; a picture's is empty until its result is there."""

    taken: Item
    given: Item | None = None


class Denoising:
    """Denoises the pictures among the items of a source; for one thread at a time.

    Frames of one channel of a stack are no history of another.

    Args:
        motion: where the content of a frame was before; None: every frame by itself
        lookahead: frames that each waits for
        reload: take up a bundle that is replaced on disk, between two frames; a broken one is warned of
    Attributes:
        denoiser: the one in use
        latency: of a picture, the work alone
    """

    def __init__(self, denoiser: Denoiser, motion: Motion | None, lookahead: int, *, reload: bool) -> None:
        self.denoiser, self.latency = denoiser, Latency()
        self._motion, self._lookahead = motion, lookahead
        self._reloading = denoiser.reloading() if reload else None
        self._channels: dict[str, Lookahead] = {}
        self._watches: dict[str, Watch] = {}  # by channel, too
        self._places: deque[_Place] = deque()

    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items in their order; an error comes after the results of all pictures before it."""
        try:
            for item in items:
                self._places.append(place := _Place(item))
                if isinstance(item, Picture) and not item.is_kept:
                    self._take(item)
                else:
                    place.given = item
                yield from self._ready()
        except Exception:
            yield from self._rest()
            raise
        yield from self._rest()

    @property
    def unlike(self) -> tuple[str, ...]:
        """Differences from the training frames, each once, with the first frame that had it."""
        return tuple(found for watch in list(self._watches.values()) for found in watch.found)

    def finish(self) -> None:
        """Wait for what is still being looked at."""
        for watch in list(self._watches.values()):
            watch.finish()

    def close(self) -> None:
        """Look for new bundles no more."""
        if self._reloading:
            self._reloading.close()

    def _take(self, item: Picture) -> None:
        started = time.perf_counter()
        self._reload()
        channel = item.channel
        if channel not in self._channels:
            self._channels[channel] = Lookahead(self.denoiser, self._motion, self._lookahead)
            self._watches[channel] = Watch(self._differences)
        try:
            denoised = self._channels[channel](item.frame, item.name)
        except Exception:
            self._places.pop()  # it gets no result
            raise
        self._give(channel, denoised)
        self.latency.add(time.perf_counter() - started)
        self._watches[channel].check(item.frame, f"{item.name} {channel}".strip())

    def _give(self, channel: str, frames: Iterable[Frame]) -> None:
        """Results of the oldest pictures of a channel that wait."""
        for frame in frames:
            for place in self._places:
                if place.given is None and isinstance(place.taken, Picture) and place.taken.channel == channel:
                    place.given = place.taken.with_frame(frame)
                    break

    def _ready(self) -> Iterator[Item]:
        while self._places and (item := self._places[0].given) is not None:
            self._places.popleft()
            yield item

    def _rest(self) -> Iterator[Item]:
        """What waits, one by one: whoever stops reading does not wait for all."""
        while self._places:
            oldest = self._places[0]
            if oldest.given is None and isinstance(oldest.taken, Picture):
                channel = oldest.taken.channel
                self._give(channel, [next(self._channels[channel].rest())])
            yield from self._ready()

    def _differences(self, frame: Frame) -> tuple[str, ...]:
        """By the bundle in use."""
        return self.denoiser.differences(frame)

    def _reload(self) -> None:
        if self._reloading and (newer := self._reloading.newer()):
            self.denoiser = newer
            for channel, lookahead in self._channels.items():
                self._give(channel, lookahead.go_on_with(newer))
