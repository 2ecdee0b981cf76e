"""An image file that is open for reading: its sizes, and its pages one at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files.axes import StackAxes, plain_axes
from zsn2m_runtime.files.formats import check_format, new_writer
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.writing_errors import writing


class ImageFile(ABC):
    """An opened image file; use it in a `with`. Iterating reads the pages one after another."""

    suffixes: ClassVar[tuple[str, ...]]

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout

    @property
    def page_count(self) -> int:
        """How many frames the file holds."""
        return self.layout.page_count

    @property
    def dtype(self) -> np.dtype[Any]:
        """Sample type of every page."""
        return self.layout.dtype

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB, alpha not counted."""
        return self.layout.channels

    @property
    def height(self) -> int:
        """Rows of the first page."""
        return self.layout.height

    @property
    def width(self) -> int:
        """Columns of the first page."""
        return self.layout.width

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Lowest and highest value that the file states, such as (0, 1023) for 10 bits; None: those of the type."""
        return None

    @property
    def mosaic(self) -> MosaicRecord | None:
        """The colour filters that the file states; None: it states none."""
        return None

    @property
    def largest(self) -> Stated:
        """The stated size of the largest page."""
        return self.layout.stated

    @cached_property
    def axes(self) -> StackAxes:
        """Which channel, plane and time each page is, by the file's metadata."""
        return plain_axes(self.page_count)

    @property
    def storage(self) -> str:
        """Tiles and smaller copies of the pages in words; empty where there are none."""
        return ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what in the file may be misread."""
        return ()

    def read(self, page: int = 0) -> Frame:
        """Read one page, as stored: not turned by an orientation tag, no colour conversion.

        Raises:
            InputError: if there is no such page, or it is damaged or unsuitable.
        """
        if not 0 <= page < self.page_count:
            raise InputError(
                f"{self.path}: expected a page from 0 to {self.page_count - 1}, but got {page}; choose one of those"
            )
        return self._read(page)

    def __iter__(self) -> Iterator[Frame]:
        return (self.read(page) for page in range(self.page_count))

    def create(self, out_path: Path) -> ImageWriter:
        """A writer for a result of this file: the same sample type, pages and metadata.

        Raises:
            UsageError: if the format of `out_path` cannot hold it, or `out_path` is this file.
            OutputError: if `out_path` cannot be looked at.
        """
        with writing(out_path):
            is_same = out_path.exists() and self.path.exists() and out_path.samefile(self.path)
        if is_same:
            raise UsageError(
                f"{out_path}: expected an output other than the input, but got the same file; choose another path"
            )
        self._check_target(out_path)
        if out_path.suffix.lower() in self.suffixes:
            return self._same_format_writer(out_path)
        return self._other_format_writer(out_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  (most formats are read whole and have nothing to close)
        """Close the file; pages already read stay valid."""

    @property
    @abstractmethod
    def metadata(self) -> Metadata:
        """The metadata that other formats can hold too."""

    @abstractmethod
    def _read(self, page: int) -> Frame:
        """Read a page that is there."""

    @abstractmethod
    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        """A writer that also keeps what only this format can hold."""

    def _check_target(self, out_path: Path) -> None:
        check_format(out_path, self.layout)

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        return new_writer(out_path, self.layout, replace(self.metadata, value_range=self.value_range))


def unreadable(path: Path | str, error: OSError) -> InputError:
    """The error for a path that the system cannot read."""
    reason = error.strerror or str(error)
    return InputError(f"{path}: expected a readable path, but got {reason!r}; check its name and permissions")
