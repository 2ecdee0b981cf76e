"""Reading, work and writing in three threads, with bounded queues between them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Taken = TypeVar("Taken")
Given = TypeVar("Given")

DEPTH = 2  # items in a queue: chosen so that stages overlap, while few frames are held in memory
MOST_UNDROPPABLE = 1000  # packets of sound beside the newest live frames: 20 s of AAC, 1024 samples at 48 kHz each
PATIENCE = (
    5.0  # seconds to wait for a blocking read when a pipeline is closed; chosen, as a broken source may never return
)


@dataclass(frozen=True)
class _End:
    """The end of a channel; `error` is what ended the stage before it, if it failed."""

    error: BaseException | None = None


class Channel(Generic[Taken]):
    """A bounded queue between two threads.

    Args:
        depth: largest number of waiting items
        droppable: whether a newer item may replace this one when the queue is full; None: none may, and `put` waits
    """

    def __init__(self, depth: int = DEPTH, droppable: Callable[[Taken], bool] | None = None) -> None:
        self._depth = depth
        self._droppable = droppable
        self._items: deque[Taken] = deque()
        self._end: _End | None = None
        self._changed = threading.Condition()
        self.dropped = 0

    def put(self, item: Taken) -> bool:
        """Add an item, then wait until the queue is no longer too long.

        The item is added first, so that it is not lost if the channel ends during the wait.

        Returns:
            False if the channel had ended before, and the item was not added
        """
        with self._changed:
            if self._end:
                return False
            self._items.append(item)
            self._drop_late()
            self._changed.notify_all()
            while self._is_overfull() and not self._end:
                self._changed.wait()
            return True

    def _drop_late(self) -> None:
        late = [waiting for waiting in self._items if self._droppable and self._droppable(waiting)]
        if len(late) > self._depth:
            self._items.remove(late[0])
            self.dropped += 1

    def _is_overfull(self) -> bool:
        most = self._depth if self._droppable is None else self._depth + MOST_UNDROPPABLE
        return len(self._items) > most

    def end(self, error: BaseException | None = None, *, discard: bool = False) -> None:
        """End the channel after the waiting items, or at once with `discard`; the reader gets the error, if any."""
        with self._changed:
            if discard:
                self._items.clear()
            self._end = self._end or _End(error)
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Taken]:
        while True:
            with self._changed:
                while not self._items and not self._end:
                    self._changed.wait()
                if not self._items:
                    assert self._end
                    if self._end.error:
                        raise self._end.error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class Pipeline(Generic[Taken, Given]):
    """What `work` makes of the items of a source, in order; source and work run in threads of their own.

    An error of either is raised to the caller after all results before it. Use it in a `with` statement, which ends
    the threads.

    Args:
        work: takes the items one by one, and may give more or fewer, or later; an error of the source comes to it
        droppable: for a live source, whether a newer item may replace this one while it waits
    """

    def __init__(
        self,
        source: Iterable[Taken],
        work: Callable[[Iterable[Taken]], Iterable[Given]],
        *,
        droppable: Callable[[Taken], bool] | None = None,
    ) -> None:
        self._source, self._work = source, work
        self._taken: Channel[Taken] = Channel(1 if droppable else DEPTH, droppable)
        self._given: Channel[Given] = Channel()
        self._threads = [
            threading.Thread(target=self._read, name="zsn2m-read", daemon=True),
            threading.Thread(target=self._run, name="zsn2m-work", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def dropped(self) -> int:
        """How many items were replaced by newer ones."""
        return self._taken.dropped

    def stop(self) -> None:
        """Stop reading; results of the items read so far still come. May be called from any thread."""
        self._taken.end()

    def __iter__(self) -> Iterator[Given]:
        return iter(self._given)

    def __enter__(self) -> Pipeline[Taken, Given]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> bool:
        """End the threads; False if the source is still in a read, and must not be closed."""
        for channel in (self._taken, self._given):
            channel.end(discard=True)
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not self._threads[0].is_alive()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._source:
                if not self._taken.put(item):
                    break
        except BaseException as failure:
            error = failure
        self._taken.end(error)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for result in self._work(self._taken):
                if not self._given.put(result):
                    break
        except BaseException as failure:
            error = failure
        self._taken.end(discard=True)  # else the source would wait for ever
        self._given.end(error)
