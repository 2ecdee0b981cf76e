"""The work of a stream: its pictures are denoised, everything else passes, and all stays in order."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.lookahead import Lookahead
from zsn2m_runtime.pipeline import MOST_UNDROPPABLE
from zsn2m_runtime.sequence import Motion
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.streaming.latency import Latency
from zsn2m_runtime.streaming.watching import Watch

MOST_PACKETS = MOST_UNDROPPABLE  # of sound, that wait for a picture


@dataclass
class _Place:
    """An item's place in the output; a picture's is empty until its result is there."""

    taken: Item
    given: Item | None = None

    def waits_in(self, channel: str) -> bool:
        """Whether it is empty, for a picture of that channel."""
        return self.given is None and isinstance(self.taken, Picture) and self.taken.channel == channel


class Denoising:
    """Denoises the pictures among the items of a source; for one thread at a time.

    Frames of one channel of a stack are no history of another.

    Args:
        motion: where the content of a frame was before; None: every frame by itself
        lookahead: frames that each waits for
        reload: take up a bundle that is replaced on disk, between two frames; a broken one is warned of
    Attributes:
        denoiser: the one in use
        latency: the work alone, of each result
    """

    def __init__(self, denoiser: Denoiser, motion: Motion | None, lookahead: int, *, reload: bool) -> None:
        self.denoiser, self.latency = denoiser, Latency()
        self._motion, self._lookahead = motion, lookahead
        self._reloading = denoiser.reloading() if reload else None
        self._channels: dict[str, Lookahead] = {}
        self._watches: dict[str, Watch] = {}  # by channel, too
        self._places: deque[_Place] = deque()
        self._pictures = 0  # among them
        self._known: set[str] = set()  # channels, also of pictures that are kept
        self._spent = 0.0  # seconds, on results that are still to come

    def __call__(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items in their order; an error comes after the results of all pictures before it."""
        try:
            for item in items:
                self._reload()
                self._places.append(_Place(item))
                if isinstance(item, Picture):
                    self._known.add(item.channel)
                    self._pictures += 1
                if isinstance(item, Picture) and not item.is_kept:
                    self._take(item)
                else:
                    self._places[-1].given = item
                yield from self._ready()
                while self._are_many():
                    self._hurry()
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
        channel = item.channel
        if channel not in self._channels:
            self._channels[channel] = Lookahead(self.denoiser, self._motion, self._lookahead)
            self._watches[channel] = Watch(self._differences)
        self._give(channel, self._channels[channel](item.frame, item.name))
        self._watches[channel].check(item.frame, f"{item.name} {channel}".strip())

    def _give(self, channel: str, frames: Iterator[Frame]) -> None:
        """Results to the oldest pictures of a channel that wait."""
        started = time.perf_counter()
        for frame in frames:
            place = next(place for place in self._places if place.waits_in(channel))
            assert isinstance(place.taken, Picture)
            place.given = place.taken.with_frame(frame)
            self.latency.add(self._spent + time.perf_counter() - started)
            self._spent, started = 0.0, time.perf_counter()
        self._spent += time.perf_counter() - started  # on what comes later

    def _ready(self) -> Iterator[Item]:
        while self._places and (item := self._places[0].given) is not None:
            self._places.popleft()
            self._pictures -= isinstance(item, Picture)
            yield item

    def _are_many(self) -> bool:
        """Whether more waits than the oldest picture's later frames can be worth: memory is bounded.

        So it is where a stack has one channel after the other, or where a video's pictures end before its sound.
        """
        packets = len(self._places) - self._pictures
        return self._pictures > (self._lookahead + 1) * len(self._known) or packets > MOST_PACKETS

    def _hurry(self) -> None:
        """Let the oldest picture wait no longer."""
        oldest = self._places[0].taken
        assert isinstance(oldest, Picture)
        self._give(oldest.channel, islice(self._channels[oldest.channel].rest(), 1))

    def _rest(self) -> Iterator[Item]:
        """What waits, one by one: whoever stops reading does not wait for all; up to a picture that failed."""
        yield from self._ready()
        while self._places:
            self._hurry()
            if self._places[0].given is None:
                return
            yield from self._ready()

    def _differences(self, frame: Frame) -> tuple[str, ...]:
        """By the bundle in use."""
        return self.denoiser.differences(frame)

    def _reload(self) -> None:
        if self._reloading and (newer := self._reloading.newer()):
            self.denoiser = newer
            for channel, lookahead in self._channels.items():
                self._give(channel, lookahead.go_on_with(newer))
