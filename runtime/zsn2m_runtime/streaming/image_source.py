"""Image files as a source: a folder, a pattern, single files and stacks, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import Layout, list_inputs, open_image
from zsn2m_runtime.files.formats import FORMATS
from zsn2m_runtime.files.writer import describe
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.items import Picture, StreamInfo


class ImageSource:
    """The pages of image files, which must all be of one size and kind. A file is open only while it is read.

    Pictures are called like their file without suffix, those of a stack NAME_page_0001 and so on.

    Args:
        arguments: files, folders and glob patterns, as `list_inputs` takes them
        rate: frames per second; None: the frames have no clock
        alpha: give the alpha plane too, where there is one
    Attributes:
        paths: the files in order
        named: what each picture is called, and its file
        info: what their frames are, as the first page says
    Raises:
        InputError: if there are no image files, or the first one is unreadable.
    """

    def __init__(self, arguments: Sequence[str | Path], rate: Fraction | None = None, *, alpha: bool = True) -> None:
        self.paths = list_inputs([str(argument) for argument in arguments])
        with open_image(self.paths[0]) as first:
            self._layout = replace(first.layout, page_count=1)
        layout, self._alpha = self._layout, alpha
        self.named = [
            (_picture_name(path, page, pages), path)
            for path, pages in zip(self.paths, map(_page_count, self.paths), strict=True)
            for page in range(1, pages + 1)
        ]
        self.info = StreamInfo(
            name=str(arguments[0]) if len(arguments) == 1 else f"{len(self.paths)} image files",
            height=layout.height,
            width=layout.width,
            dtype=layout.dtype.name,
            channels=layout.channels,
            range=(0, 255) if layout.dtype.name == "uint8" else None,
            rate=rate,
            frames=len(self.named),
            alpha=layout.has_alpha and alpha,
        )

    def __iter__(self) -> Iterator[Picture]:
        """The frames, file after file.

        Raises:
            InputError: where a file is unreadable or a frame is not like the first one; frames before it were given.
        """
        number = 0
        for path in self.paths:
            with open_image(path) as image:
                for page, frame in enumerate(image, start=1):
                    self._check(frame, f"{path}: page {page}" if image.page_count > 1 else str(path))
                    number += 1
                    yield self._picture(frame, number, _picture_name(path, page, image.page_count))

    def stop(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing stays open."""

    def _check(self, frame: Frame, name: str) -> None:
        layout = Layout.of(frame)
        if layout != self._layout:
            raise InputError(
                f"{name}: expected {describe(self._layout)} like the first frame, but got {describe(layout)}; "
                f"stream files of one kind at a time"
            )

    def _picture(self, frame: Frame, number: int, name: str) -> Picture:
        frame = frame if self._alpha else Frame(frame.pixels)
        if self.info.rate is None:
            return Picture(frame, number, name)
        return Picture(frame, number, name, pts=number - 1, time_base=1 / self.info.rate, duration=1)


def _picture_name(path: Path, page: int, pages: int) -> str:
    return f"{path.stem}_page_{page:04d}" if pages > 1 else path.stem


def _page_count(path: Path) -> int:
    if not FORMATS[path.suffix.lower()].pages:
        return 1
    try:
        with open_image(path) as image:
            return image.page_count
    except InputError:  # it will end the stream when its turn comes, after the frames before it
        return 1
