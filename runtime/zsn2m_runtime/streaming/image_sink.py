"""Image files as a sink: a folder with a file per frame, a TIFF stack of any length, or no output."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.files import Layout, Metadata, check_format, new_writer, open_image
from zsn2m_runtime.files.limits import NO_LIMIT
from zsn2m_runtime.files.tiff_writer import CLASSIC_LIMIT, TiffPages, plain_plan
from zsn2m_runtime.files.writer import check_layout
from zsn2m_runtime.image import Frame
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.streaming.ends import Item, Picture, StreamInfo
from zsn2m_runtime.suffixes import DNG, RAW_SUFFIXES
from zsn2m_runtime.unfinished_file import UnfinishedFile
from zsn2m_runtime.writing_errors import writing

log = logging.getLogger(__name__)

LARGEST_CLASSIC_PLAN = 3_500_000_000  # bytes: below the 4 GiB of a classic TIFF, as a source may guess its length


class FolderSink:
    """One image file per picture, with the picture's name; each is whole or absent, and replaces an older one.

    A picture from an image file keeps that file's metadata, as far as the format can hold it. A page of a stack keeps
    what holds for every page: resolution, colour profile, XMP and orientation.

    Args:
        folder: made with the first file
        suffix: of the files, such as .png
        inputs: name and file of each picture, if they come from image files
    Raises:
        UsageError: if the format cannot hold the source's frames, or a file would replace an input or another one.
    """

    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __init__(self, folder: Path, suffix: str, info: StreamInfo, inputs: Sequence[tuple[str, Path]] = ()) -> None:
        self._folder, self._suffix, self._written = folder, suffix, False
        self._metadata = Metadata(mosaic=info.mosaic, value_range=info.range)
        layout = Layout(np.dtype(info.dtype), info.channels, info.alpha, info.height, info.width)
        are_raw = [path.suffix.lower() in RAW_SUFFIXES for _, path in inputs]
        if suffix != DNG or not are_raw or not all(are_raw):  # RAW files alone become DNG
            check_format(self._target("frame"), layout)
        self._originals: dict[str, Path] = {}
        self._stack: tuple[Path, Metadata] | None = None  # the last one, not opened again for each of its pages
        for name, path in inputs:
            other = self._originals.setdefault(name, path)
            if other is not path:
                raise UsageError(
                    f"expected inputs of different names, but {other} and {path} would both become "
                    f"{self._target(name)}; stream them into different folders"
                )
        _refuse_inputs([self._target(name) for name in self._originals], [path for _, path in inputs])

    def write(self, item: Item) -> None:
        """Write a picture's file; packets of other tracks are left out.

        Raises:
            OutputError: if it cannot be written.
            UsageError: if the format cannot hold it.
        """
        if not isinstance(item, Picture):
            return
        if self._written and not self._folder.is_dir():  # or it would be made anew, without the earlier frames
            raise OutputError(
                f"{self._folder}: expected the folder that the frames are written to, but it was removed; start again"
            )
        target, original = self._target(item.name), self._originals.get(item.name)
        if original is None:
            self._write(target, item.frame, self._metadata, self._folder)
        elif original.stem != item.name:
            self._write(target, item.frame, self._metadata_of_stack(original), original)
        else:
            with open_image(original, NO_LIMIT) as image, image.create(target) as writer:
                writer.write(item.frame)
            self._tell(writer.notes, original)
        self._written = True

    def finish(self) -> str:
        """The folder; its files are complete already."""
        return str(self._folder)

    def salvage(self) -> str | None:
        """The folder, if it holds a file: each is whole."""
        return str(self._folder) if self._written else None

    def _tell(self, notes: Sequence[str], original: Path) -> None:
        """Warn of what a file's result does not hold, each once a stream."""
        for note in notes:
            if note not in self.lost:
                self.lost = (*self.lost, note)
                log.warning("%s: %s", original, note)

    def _metadata_of_stack(self, stack: Path) -> Metadata:
        if self._stack is None or self._stack[0] != stack:
            with open_image(stack, NO_LIMIT) as image:
                self._stack = stack, image.metadata
        return self._stack[1]

    def _write(self, target: Path, frame: Frame, metadata: Metadata, source: Path) -> None:
        layout = Layout.of(frame)
        check_format(target, layout)
        with new_writer(target, layout, metadata) as writer:
            writer.write(frame)
        self._tell(writer.notes, source)

    def _target(self, name: str) -> Path:
        return self._folder / f"{name}{self._suffix}"


class StackSink:
    """One TIFF file with an uncompressed page per picture, of any length, written page by page.

    It is a BigTIFF where the source does not know its length or is too long for a classic TIFF.

    Args:
        inputs: image files that must not be replaced
    Raises:
        UsageError: if it would replace an input.
        OutputError: if it cannot be written.
    """

    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __init__(self, path: Path, info: StreamInfo, inputs: Sequence[Path] = ()) -> None:
        _refuse_inputs([path], inputs)
        self._path, self._frames, self._metadata = path, info.frames, Metadata(mosaic=info.mosaic)
        self._layout: Layout | None = None
        self._pages: TiffPages | None = None
        self._file = UnfinishedFile(path)
        self._stream = self._file.temporary.open("wb")

    def write(self, item: Item) -> None:
        """Append a page, after which the file is complete; packets of other tracks are left out.

        Raises:
            OutputError: if it cannot be written, or is not like the first one.
        """
        if not isinstance(item, Picture):
            return
        layout = Layout.of(item.frame)
        self._file.check()
        with writing(self._path):
            if self._pages is None or self._layout is None:
                is_big = self._frames is None or self._frames * layout.stated.nbytes > LARGEST_CLASSIC_PLAN
                self._layout, self._is_big = layout, is_big
                self._pages = TiffPages(self._stream, plain_plan(layout, self._metadata, is_big))
            check_layout(self._path, self._pages.count, self._layout, layout)
            if not self._is_big and self._pages.end + layout.stated.nbytes > CLASSIC_LIMIT:
                raise OutputError(
                    f"{self._path}: expected {self._frames} frames, as the source said, but got so many more that the "
                    f"TIFF is full (4 GiB); write a folder of images instead"
                )
            self._pages.append(item.frame)

    def finish(self) -> str:
        """Put the file in place; returns its path."""
        with writing(self._path):
            self._stream.close()
        self._file.finish()
        return str(self._path)

    def salvage(self) -> str | None:
        """Keep the pages that are complete in NAME.partial.tif; returns its path, None where there are none."""
        with suppress(OSError):
            self._stream.close()
        return self._file.give_up(keep=self._pages is not None and self._pages.count > 0)


class NullSink:
    """Counts `frames` and keeps none: for a preview, or to measure a stream."""

    lost: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.frames = 0

    def write(self, item: Item) -> None:
        """Count a picture."""
        self.frames += isinstance(item, Picture)

    def finish(self) -> str:
        """The words `no output`."""
        return "no output"

    def salvage(self) -> None:
        """There is nothing to keep."""


def _refuse_inputs(targets: Sequence[Path], inputs: Sequence[Path]) -> None:
    taken = {resolved(path) for path in inputs}
    for target in targets:
        with writing(target):
            is_input = resolved(target) in taken
        if is_input:
            raise UsageError(f"{target}: expected an output other than the inputs; choose another folder or name")
