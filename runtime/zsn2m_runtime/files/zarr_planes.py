"""Planes of a Zarr array whose chunks hold several: each chunk is decoded once and written once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np

from zsn2m_runtime.machine.temporary_files import filling_temporary_files
from zsn2m_runtime.sample_types import Pixels

Place = tuple[int, ...]  # of a plane, on the axes before y and x
MOST_IN_MEMORY = 1 << 26  # bytes of the planes of a block; more are kept in a file


def outer_chunks(array: Any) -> Place:
    """The parts that are written as a whole: shards, or chunks where there are none."""
    return tuple(array.shards or array.chunks)


def places_in_order(shape: Sequence[int], *blocks: Sequence[int]) -> list[Place]:
    """The places of all planes: block after block, of the first kind of block, then of the second, and so on.

    Args:
        shape: of the axes before y and x
        blocks: their extents on these axes
    """
    places = list(itertools.product(*map(range, shape)))
    kinds = [block for block in blocks if any(extent > 1 for extent in block[:-1])]  # else they are in order
    if not kinds:
        return places
    return sorted(places, key=lambda place: [block_of(place, kind) for kind in kinds])


def block_of(place: Place, extents: Sequence[int]) -> Place:
    """The number, on each axis, of the block that a plane is in."""
    return tuple(at // extent for at, extent in zip(place, extents, strict=True))


class Block:
    """The planes that chunks hold together, (n, h, w): in memory, or in a file where they are too large for it.

    Args:
        array: Zarr array (..., h, w)
        number: of the block, on each axis before y and x
        extents: of blocks, on those axes
        folder: for the file, where the result goes; None: the system's for temporary files
    """

    def __init__(self, array: Any, number: Place, extents: Sequence[int], folder: Path | None = None) -> None:
        self._array, (self._height, self._width) = array, array.shape[-2:]
        self._dtype = array.dtype.newbyteorder("=")
        self._begin = tuple(at * extent for at, extent in zip(number, extents, strict=True))
        ends = zip(self._begin, extents, array.shape, strict=False)
        self._shape = tuple(min(extent, size - begin) for begin, extent, size in ends)
        self._file: Any = SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115 - closed by `close`
        self._filling = nullcontext if folder else filling_temporary_files
        self.missing = math.prod(self._shape)

    def put(self, place: Place, plane: Pixels) -> None:
        """Keep a plane until the block is whole."""
        self._keep(self._number(place), 0, np.ascontiguousarray(plane, self._dtype))
        self.missing -= 1

    def plane(self, place: Place) -> Pixels:
        """One of the planes, (h, w)."""
        self._seek(self._number(place), 0)
        return self._rows(self._height)

    def read(self) -> None:
        """Take the planes from the array, a row of chunks at a time.

        Raises:
            OutputError: the system's disk for temporary files is full.
        """
        for begin, end in self._steps(self._array.chunks):
            rows = np.asarray(self._array[self._selection(begin, end)], self._dtype)
            for number, part in enumerate(rows.reshape(-1, end - begin, self._width)):
                self._keep(number, begin, np.ascontiguousarray(part))

    def write(self) -> None:
        """Put the planes into the array, a row of chunks at a time."""
        for begin, end in self._steps(outer_chunks(self._array)):
            rows = np.empty((math.prod(self._shape), end - begin, self._width), self._dtype)
            for number in range(len(rows)):
                self._seek(number, begin)
                rows[number] = self._rows(end - begin)
            self._array[self._selection(begin, end)] = rows.reshape(*self._shape, end - begin, self._width)

    def close(self) -> None:
        """Forget the planes."""
        with suppress(OSError):  # of a full disk, which was said
            self._file.close()

    def _number(self, place: Place) -> int:
        within = [at - begin for at, begin in zip(place, self._begin, strict=True)]
        return int(np.ravel_multi_index(within, self._shape)) if within else 0

    def _keep(self, number: int, row: int, rows: Pixels) -> None:
        with self._filling():
            self._seek(number, row)
            self._file.write(rows.data.cast("B"))
            self._file.flush()  # else a full disk is noticed by whoever reads next

    def _seek(self, number: int, row: int) -> None:
        self._file.seek((number * self._height + row) * self._width * self._dtype.itemsize)

    def _rows(self, count: int) -> Pixels:
        found = self._file.read(count * self._width * self._dtype.itemsize)
        return np.frombuffer(found, self._dtype).reshape(count, self._width)

    def _steps(self, chunks: Sequence[int]) -> list[tuple[int, int]]:
        return [(begin, min(begin + chunks[-2], self._height)) for begin in range(0, self._height, chunks[-2])]

    def _selection(self, begin: int, end: int) -> tuple[slice, ...]:
        return (
            *(slice(at, at + size) for at, size in zip(self._begin, self._shape, strict=True)),
            slice(begin, end),
            slice(None),
        )
