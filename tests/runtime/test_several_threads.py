"""Work by several threads gives what one gives, errors too."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import cv2
import pytest

from zsn2m_runtime.several_threads import at_once, each


@pytest.fixture(params=[1, 2, 4])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(request.param)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("_threads")
def test_each_part_is_done_once() -> None:
    done: list[int] = []
    each(done.append, range(20))
    assert sorted(done) == list(range(20))


@pytest.mark.usefixtures("_threads")
def test_two_at_once_give_theirs() -> None:
    assert at_once(lambda: 1, lambda: "b") == (1, "b")


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("first", [True, False])
def test_errors_come_out(first: bool) -> None:
    def fails() -> int:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        at_once(fails if first else int, int if first else fails)


@pytest.mark.usefixtures("_threads")
def test_after_an_error_nothing_is_worked_on() -> None:
    """What parts are of may be used for something else then."""
    ended: list[int] = []

    def work(part: int) -> None:
        if part == 0:
            raise ValueError("this one")
        time.sleep(0.2)
        ended.append(part)

    with pytest.raises(ValueError, match="this one"):
        each(work, range(4))
    before = ended.copy()
    time.sleep(0.4)
    assert ended == before


@pytest.mark.usefixtures("_threads")
def test_work_may_itself_be_shared() -> None:
    def twice(part: int) -> None:
        done.append(at_once(lambda: part, lambda: -part))

    done: list[tuple[int, int]] = []
    each(twice, range(20))
    assert sorted(done) == [(part, -part) for part in range(20)]


def test_threads_are_as_many_as_opencv_takes_whatever_there_was_to_do() -> None:
    said = _python("""
        for count in range(2, 9):
            each(lambda _: time.sleep(0.01), range(count))
        print(threading.active_count())
    """)
    assert int(said) <= 4


def test_a_thread_works_on_after_the_main_one_ended() -> None:
    """Python gives no new work to pools by then."""
    said = _python("""
        def work():
            threading.main_thread().join()
            time.sleep(0.2)
            each(done.append, range(8))
            print(sorted(done), at_once(lambda: 1, lambda: 2))

        done = []
        threading.Thread(target=work).start()
    """)
    assert said == f"{list(range(8))} (1, 2)\n"


def test_no_part_is_done_twice_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool keeps the work that it could not start a thread for."""

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("cv2.getNumThreads", lambda: 7)  # a pool that no other test has
    with monkeypatch.context() as none_starts:
        none_starts.setattr(threading.Thread, "start", fails)
        done: list[int] = []
        each(done.append, range(20))
        assert sorted(done) == list(range(20))
    each(done.append, range(20, 40))
    assert sorted(done) == list(range(40))


def _python(program: str) -> str:
    """What a program with four threads prints; it fails with it."""
    start = """
        import threading, time, cv2
        from zsn2m_runtime.several_threads import at_once, each

        cv2.setNumThreads(4)
    """
    program = textwrap.dedent(start) + textwrap.dedent(program)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not ended.stderr
    return ended.stdout
