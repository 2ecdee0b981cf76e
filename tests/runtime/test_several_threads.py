"""Work by several threads gives what one gives, errors too."""

from __future__ import annotations

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
