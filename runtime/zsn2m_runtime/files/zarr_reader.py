"""Reading OME-Zarr: each plane of y and x is a page."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files.axes import StackAxes
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.files.zarr_image import Multiscale, damaged, open_multiscale
from zsn2m_runtime.files.zarr_levels import planes_at_once
from zsn2m_runtime.files.zarr_places import address_of
from zsn2m_runtime.files.zarr_planes import Block, Place, block_of, outer_chunks, places_in_order
from zsn2m_runtime.files.zarr_writer import ZarrWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.suffixes import ZARR

MOST_PAGES = 10**7  # their places take a gigabyte; chosen: ten times the frames of a night at 30 a second


class ZarrFile(ImageFile):
    """An OME-Zarr image, version 0.4 or 0.5; the chunks of one page, and no more, are in memory.

    Attributes:
        places: of each page, its place on the axes before y and x
    """

    suffixes = (ZARR,)

    def __init__(self, path: Path) -> None:
        self.multiscale: Multiscale = open_multiscale(path)
        full = self.multiscale.levels[0]
        self._block: Block | None = None
        self._number: Place = ()
        shape = full.shape[:-2]
        if math.prod(shape) > MOST_PAGES:
            raise InputError(
                f"{path}: expected at most {MOST_PAGES:,} planes of y and x, but got {math.prod(shape):,}; split it"
            )
        self.places = places_in_order(shape, planes_at_once(self.multiscale), outer_chunks(full)[:-2], full.chunks[:-2])
        height, width = full.shape[-2:]
        super().__init__(path, Layout(full.dtype.newbyteorder("="), 1, False, height, width, len(self.places)))

    @property
    def metadata(self) -> Metadata:
        return Metadata()

    @cached_property
    def axes(self) -> StackAxes:
        found, shape = self.multiscale, self.multiscale.levels[0].shape
        kept = [axis for axis in range(len(found.letters)) if shape[axis] > 1]
        letters = "".join(found.letters[axis] for axis in kept)
        places = tuple(tuple(place[axis] for axis in kept) for place in self.places)
        return StackAxes(letters, places, found.channels, found.steps, f"OME-Zarr {found.version}")

    @property
    def largest(self) -> Stated:
        """That of a page, of a chunk, which is decoded as a whole, or of a row of chunks of several pages."""
        stated, full = self.layout.stated, self.multiscale.levels[0]
        found = [stated]
        for level in self.multiscale.levels:
            width, rows = level.chunks[-1], math.prod(level.chunks[:-1])
            if level is full and math.prod(level.chunks[:-2]) > 1:
                width = max(width, self.layout.width)
            found.append(Stated(width, rows, stated.pixel_bytes))
        return max(found, key=lambda each: each.pixels)

    @property
    def storage(self) -> str:
        full = self.multiscale.levels[0]
        in_words = " x ".join
        parts = [f"Zarr {self.multiscale.group.metadata.zarr_format}, chunks of {in_words(map(str, full.chunks))}"]
        if full.shards:
            parts.append(f"shards of {in_words(map(str, full.shards))}")
        if len(self.multiscale.levels) > 1:
            sizes = ", ".join(in_words(map(str, level.shape)) for level in self.multiscale.levels[1:])
            parts.append(f"smaller levels: {sizes}")
        return "; ".join(parts)

    @property
    def remarks(self) -> tuple[str, ...]:
        return self.multiscale.left

    def close(self) -> None:
        if self._block:
            self._block.close()
            self._block = None

    def _read(self, page: int) -> Frame:
        try:
            return Frame(self._plane(self.places[page]))
        except Zsn2mError:  # of a full disk for temporary files
            raise
        except Exception as error:  # of codecs and of stores
            raise damaged(self.path, f"page {page + 1}: {error!r}") from error

    def _plane(self, place: Place) -> Pixels:
        full = self.multiscale.levels[0]
        extents = full.chunks[:-2]
        if math.prod(extents) == 1:
            return np.ascontiguousarray(full[place], self.dtype)
        number = block_of(place, extents)
        if self._block is None or self._number != number:
            self.close()
            self._block, self._number = Block(full, number, extents), number
            try:
                self._block.read()
            except BaseException:
                self.close()
                raise
        return self._block.plane(place).copy()

    def _check_target(self, out_path: Path) -> None:
        if out_path.suffix.lower() != ZARR:
            super()._check_target(out_path)
            return
        if address := address_of(out_path):
            raise UsageError(
                f"{address}: expected an output on this machine, but got an address, where nothing can appear at once; "
                f"write it here, then copy it"
            )
        if address_of(self.path):
            return
        source, target = resolved(self.path), resolved(out_path)
        if source == target or source in target.parents or target in source.parents:
            raise UsageError(
                f"{out_path}: expected an output apart from the input, but one is in the other; choose another path"
            )

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return ZarrWriter(out_path, self.layout, self.multiscale, self.places)

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        writer = super()._other_format_writer(out_path)
        lost = "its axes, names of channels and distances are left out; name an output that ends in .zarr to keep them"
        writer.notes = (lost, *writer.notes) if self.page_count > 1 else writer.notes
        return writer
