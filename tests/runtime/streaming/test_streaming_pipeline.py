"""The pipeline: order, bounds, errors in their place, and an end whatever blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from zsn2m_runtime import pipeline
from zsn2m_runtime.pipeline import DEPTH, Channel, Pipeline

SOON = 60.0  # seconds within which a thread does what it is told, also on a machine that is busy with other things


def each(work: Callable[[Any], Any]) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Work on one item after the other."""
    return lambda items: map(work, items)


def wait_for(condition: object) -> None:
    until = time.monotonic() + SOON
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.002)


def zsn2m_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("zsn2m-")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    wait_for(lambda: not zsn2m_threads())


def test_results_come_in_the_order_of_the_source() -> None:
    def slow_at_times(number: int) -> int:
        time.sleep(0.003 if number % 7 == 0 else 0)
        return -number

    with Pipeline(range(100), each(slow_at_times)) as results:
        assert list(results) == [-number for number in range(100)]
        assert results.dropped == 0


def test_an_empty_source_gives_nothing() -> None:
    with Pipeline([], each(str)) as results:
        assert list(results) == []


def test_the_source_is_read_only_a_few_items_ahead() -> None:
    read = []

    def source() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    with Pipeline(source(), iter) as results:
        iterator = iter(results)
        next(iterator)
        time.sleep(0.1)
        # one taken here, DEPTH waiting twice, one in each thread's hands
        assert len(read) <= 1 + 2 * DEPTH + 2


def test_reading_working_and_writing_overlap() -> None:
    all_three = threading.Barrier(3, timeout=SOON)  # breaks, with an error, where one stage waits for another to end

    def source() -> Iterator[int]:
        for number in range(5):
            if number == 2:
                all_three.wait()
            yield number

    def work(number: int) -> int:
        if number == 1:
            all_three.wait()
        return number

    with Pipeline(source(), each(work)) as results:
        for number in results:
            if number == 0:
                all_three.wait()
    assert not all_three.broken


def test_an_error_of_the_source_comes_after_the_results_before_it() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise ValueError("cable")

    results = []
    with Pipeline(source(), iter) as running, pytest.raises(ValueError, match="cable"):
        for result in running:
            time.sleep(0.01)
            results.append(result)
    assert results == [0, 1, 2, 3, 4]


def test_an_error_of_the_work_comes_in_its_place_and_ends_the_source() -> None:
    def endless() -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1

    results: list[int] = []
    with Pipeline(endless(), each(lambda number: 10 // (3 - number))) as running, pytest.raises(ZeroDivisionError):
        results.extend(running)
    assert results == [3, 5, 10]


def test_a_consumer_that_leaves_ends_the_threads() -> None:
    with Pipeline(iter(int, 1), iter) as running:
        next(iter(running))
    assert not zsn2m_threads()


def test_after_a_stop_all_that_was_read_still_comes() -> None:
    read, has_stopped = [], threading.Event()

    def source() -> Iterator[int]:
        number = 0
        while not has_stopped.is_set():
            read.append(number)
            yield number
            number += 1

    with Pipeline(source(), iter) as running:
        results = []
        for result in running:
            results.append(result)
            if result == 10:
                wait_for(lambda: len(read) == 11 + 2 * (DEPTH + 1))  # each stage has given one and waits for room
                has_stopped.set()
                running.stop()
    assert results == read


def test_of_a_live_source_all_that_was_taken_before_a_stop_comes_or_counts_as_dropped() -> None:
    taken = []

    def source() -> Iterator[int]:
        for number in range(10**9):
            yield number
            taken.append(number)  # asked for the next one: this one was taken

    with Pipeline(source(), iter, droppable=lambda number: True) as running:
        results = []
        for result in running:
            results.append(result)
            if len(results) == 10:
                running.stop()
    assert len(taken) == len(results) + running.dropped
    assert results[-1] == taken[-1]


def test_an_item_that_waits_for_room_is_not_lost_to_an_end() -> None:
    channel: Channel[int] = Channel(depth=1)
    assert channel.put(1)
    answers: list[bool] = []
    giver = threading.Thread(target=lambda: answers.append(channel.put(2)), daemon=True)
    giver.start()
    wait_for(lambda: giver.is_alive() and len(channel._items) == 2)
    channel.end()
    giver.join(SOON)
    assert (answers, list(channel)) == ([True], [1, 2])


def test_a_stop_does_not_wait_for_a_source_that_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE", 0.05)
    camera_answers = threading.Event()

    def camera() -> Iterator[int]:
        yield 1
        camera_answers.wait(SOON)
        yield 2

    running = Pipeline(camera(), iter)
    iterator = iter(running)
    assert next(iterator) == 1
    running.stop()
    assert list(iterator) == []
    assert not running.close()  # still in its read: must not be touched
    camera_answers.set()


def test_of_a_live_source_the_latest_item_wins() -> None:
    first_in_work, go_on = threading.Event(), threading.Event()

    def work(number: int) -> int:
        first_in_work.set()
        go_on.wait(SOON)
        return number

    def source() -> Iterator[int]:
        yield 0
        first_in_work.wait(SOON)
        yield from range(1, 50)
        go_on.set()

    with Pipeline(source(), each(work), droppable=lambda number: True) as running:
        assert list(running) == [0, 49]
        assert running.dropped == 48


def test_what_may_not_be_dropped_is_kept_in_order() -> None:
    first_in_work, go_on = threading.Event(), threading.Event()
    given = []

    def work(item: str) -> str:
        first_in_work.set()
        go_on.wait(SOON)
        return item

    def source() -> Iterator[str]:
        for item in ("frame 0", "sound 0", "frame 1", "sound 1"):
            yield item
            given.append(item)
            if item == "frame 0":
                first_in_work.wait(SOON)
            if len(given) == 2:
                go_on.set()

    with Pipeline(source(), each(work), droppable=lambda item: item.startswith("frame")) as running:
        results = list(running)
    assert [item for item in results if item.startswith("sound")] == ["sound 0", "sound 1"]


def test_a_channel_that_has_ended_takes_nothing() -> None:
    channel: Channel[int] = Channel()
    assert channel.put(1)
    channel.end()
    assert not channel.put(2)
    assert list(channel) == [1]
