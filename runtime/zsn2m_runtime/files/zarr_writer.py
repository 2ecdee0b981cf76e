"""Writing OME-Zarr: metadata are those of the source, byte for byte, and chunks those of the result."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_pyramid import smaller_copy
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.files.zarr_copy import copy_all_but_chunks
from zsn2m_runtime.files.zarr_image import Multiscale
from zsn2m_runtime.files.zarr_levels import Picked, factors, ways_of
from zsn2m_runtime.files.zarr_places import GROUP_MARKS
from zsn2m_runtime.files.zarr_planes import Block, Place, block_of, outer_chunks
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels, is_whole

LOOKS_APART = 0.05  # seconds in which a thread that still runs writes a chunk (chosen)
MOST_LOOKS = 100


class ZarrWriter(ImageWriter):
    """A group with all that the source's group holds; the levels of the image are made of the pages written.

    Args:
        places: of the pages, in the order in which they are written
    """

    def __init__(self, path: Path, layout: Layout, image: Multiscale, places: Sequence[Place]) -> None:
        super().__init__(path, layout)
        self._image, self._places = image, places
        self._levels: LevelsWriter | None = None
        self.notes = image.left

    def _appearing(self) -> AbstractContextManager[Path]:
        return atomic_folder(self.path, overwrite=True, marks=GROUP_MARKS)

    def _begin(self, temporary: Path) -> None:
        self._temporary = temporary
        self.notes = (*self.notes, *copy_all_but_chunks(self._image, temporary))
        self._levels = LevelsWriter(self._image, temporary)

    def _put(self, frame: Frame, page: int) -> None:
        assert self._levels is not None, "begun"
        try:
            self._levels.put(self._places[page], frame.pixels, self._unchanged)
        except BaseException:
            _wait_for_threads(self._temporary)
            raise

    def _release(self) -> None:
        if self._levels is not None:
            self._levels.close()


class LevelsWriter:
    """Planes of the full level in; chunks of all levels out, each written once, when its planes are there.

    Args:
        image: the source
        folder: of the group to write, which has the metadata already
    """

    def __init__(self, image: Multiscale, folder: Path) -> None:
        import zarr

        group = zarr.open_group(folder, mode="r+", use_consolidated=False)
        targets = [group[path] for path in image.paths]
        # Planes that wait are kept in `folder.parent`: there is room for the result.
        self._full = _Chunks(targets[0], folder.parent)
        self._smaller = [
            _SmallerLevel(image.levels[0], level, picked, _Chunks(target, folder.parent))
            for level, picked, target in zip(image.levels[1:], ways_of(image), targets[1:], strict=True)
        ]

    def put(self, place: Place, plane: Pixels, unchanged: bool = False) -> None:
        """Take a plane, (h, w).

        Args:
            unchanged: it is the source's own, and so are its smaller copies
        """
        self._full.put(place, plane)
        for level in self._smaller:
            level.put(place, plane, unchanged)

    def close(self) -> None:
        """Forget planes of chunks that are not whole."""
        for chunks in (self._full, *(level.chunks for level in self._smaller)):
            chunks.close()


class _Chunks:
    """Planes of one array on their way to its chunks."""

    def __init__(self, array: Any, folder: Path) -> None:
        self._array, self._folder = array, folder
        self._extents = outer_chunks(array)[:-2]
        self._open: dict[Place, Block] = {}

    def put(self, place: Place, plane: Pixels) -> None:
        if math.prod(self._extents) == 1:
            self._array[place] = plane
            return
        number = block_of(place, self._extents)
        if number not in self._open:
            self._open[number] = Block(self._array, number, self._extents, self._folder)
        block = self._open[number]
        block.put(place, plane)
        if not block.missing:
            block.write()
            self._open.pop(number).close()

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


def _wait_for_threads(folder: Path) -> None:
    """Wait until nothing new is in a folder that is to be removed.

    zarr writes chunks in threads, some of which go on after the error of another, and make the folder anew.
    """
    before: list[str] | None = None
    for _ in range(MOST_LOOKS):
        found = sorted(f"{top}/{name}" for top, _, names in os.walk(folder) for name in names)
        if found == before:
            return
        before = found
        time.sleep(LOOKS_APART)


@dataclass
class _Group:
    """The planes of the full level that one plane of a smaller level is made of."""

    made: Pixels | None = None
    planes: int = 0
    unchanged: bool = True


class _SmallerLevel:
    """A level of the pyramid, made as the source's was: of single samples, or else of the means of areas."""

    def __init__(self, full: Any, level: Any, picked: Picked | None, chunks: _Chunks) -> None:
        self.chunks, self._picked = chunks, picked
        self._full, self._level, self._factors = full, level, factors(full, level)
        self._dtype, (height, width) = full.dtype.newbyteorder("="), level.shape[-2:]
        # Means over several planes are rounded once, at the end.
        computed = self._dtype if math.prod(self._factors) == 1 else np.dtype(np.float64)
        self._layout = Layout(computed, 1, False, height, width)
        self._open: dict[Place, _Group] = {}

    def put(self, place: Place, plane: Pixels, unchanged: bool) -> None:
        target = block_of(place, self._factors)
        if any(at >= size for at, size in zip(target, self._level.shape, strict=False)):
            return  # planes that are left over, of a number that the factor does not divide
        group = self._open.setdefault(target, _Group())
        group.planes += 1
        group.unchanged &= unchanged
        if self._picked is None:
            small = smaller_copy(plane.astype(self._layout.dtype, copy=False), self._layout)
            group.made = small if group.made is None else group.made + small
        elif group.made is None or self._picked.takes(place, self._factors):
            group.made = self._picked.of(plane)
        windows = zip(target, self._factors, self._full.shape, strict=False)
        if group.planes == math.prod(min(factor, size - at * factor) for at, factor, size in windows):
            del self._open[target]
            self.chunks.put(target, self._whole(group, target))

    def _whole(self, group: _Group, target: Place) -> Pixels:
        if group.unchanged:
            with suppress(Exception):  # of codecs: what cannot be copied is made
                return np.asarray(self._level[target])
        assert group.made is not None
        if self._picked or (group.made.dtype == self._dtype and group.planes == 1):
            return group.made
        mean = group.made / group.planes
        return np.asarray((np.rint(mean) if is_whole(self._dtype) else mean).astype(self._dtype))
