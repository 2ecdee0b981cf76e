"""An image file that is being written: pages in order; it appears whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.image import Frame
from zsn2m_runtime.writing_errors import writing


class ImageWriter(ABC):
    """Writes the pages of one image file in order; use it in a `with`.

    Leaving the `with` normally puts the file in place; leaving it with an exception leaves nothing behind.
    """

    notes: tuple[str, ...] = ()  # sentences on what is not kept of the source

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self._written, self._unchanged = 0, False
        self._target: AbstractContextManager[Path] | None = None

    def __enter__(self) -> Self:
        target = self._appearing()
        temporary = target.__enter__()
        self._target, self._written = target, 0
        try:
            with writing(self.path):
                self._begin(temporary)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        target, self._target = self._target, None
        assert target is not None, "a writer is left only once"
        try:
            with writing(self.path):
                try:
                    if error is None:
                        self._check_complete()
                        self._finish()
                finally:
                    self._release()
        except BaseException as late:
            target.__exit__(type(late), late, late.__traceback__)
            raise
        target.__exit__(kind, error, traceback)

    def write(self, frame: Frame, unchanged: bool = False) -> None:
        """Write the next page.

        Args:
            unchanged: it is the source's own page, whose smaller copies are copied too
        Shape:
            frame.pixels: the size, channels, dtype and alpha of the layout
        Raises:
            OutputError: if the frame does not fit the layout, or there is no page left to write.
        """
        if self._target is None:
            raise OutputError(f"{self.path}: expected an open writer, but it is closed; use it in a with block")
        if self._written >= self.layout.page_count:
            raise OutputError(
                f"{self.path}: expected {self.layout.page_count} page(s), but got one more; "
                f"make the writer for as many pages as there are"
            )
        check_layout(self.path, self._written, self._page_layout(self._written), Layout.of(frame))
        self._unchanged = unchanged
        with writing(self.path):
            self._put(frame, self._written)
        self._written += 1

    def _page_layout(self, page: int) -> Layout:
        layout = self.layout
        return Layout(layout.dtype, layout.channels, layout.has_alpha, layout.height, layout.width)

    def _check_complete(self) -> None:
        if self._written < self.layout.page_count:
            raise OutputError(
                f"{self.path}: expected {self.layout.page_count} page(s), but got only {self._written}; "
                f"write every page before leaving the with block"
            )

    def _appearing(self) -> AbstractContextManager[Path]:
        """The temporary that gets the path's name on success."""
        return atomic_file(self.path)

    @abstractmethod
    def _begin(self, temporary: Path) -> None:
        """Start the file."""

    @abstractmethod
    def _put(self, frame: Frame, page: int) -> None:
        """Write one page; `frame` fits the layout."""

    def _finish(self) -> None:  # noqa: B027  (only some formats need it)
        """Complete the file after the last page."""

    def _release(self) -> None:  # noqa: B027  (only some formats need it)
        """Close what is open; called exactly once, whatever happened."""


def check_layout(path: Path, page: int, expected: Layout, got: Layout) -> None:
    """Check that a frame can be a page, from 0, of a file.

    Raises:
        OutputError: if it differs from what is expected.
    """
    if got != expected:
        raise OutputError(
            f"{path}: page {page + 1}: expected {describe(expected)}, but got {describe(got)}; "
            f"write frames of the size and type of the source"
        )


def describe(layout: Layout) -> str:
    """One frame of a layout in words, such as `480x640 RGB + alpha uint16`."""
    kind = "grey" if layout.channels == 1 else "RGB"
    alpha = " + alpha" if layout.has_alpha else ""
    return f"{layout.height}x{layout.width} {kind}{alpha} {layout.dtype.name}"
