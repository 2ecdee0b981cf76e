"""Smaller copies of a page in the same TIFF file: which directories they are, and how a result's are made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_pages import PageFacts
from zsn2m_runtime.files.tiff_segments import PageForm
from zsn2m_runtime.files.tiff_structure import BrokenTiffError, Dialect, Tag
from zsn2m_runtime.files.tiff_tags import HEIGHT, SUB_IMAGES, TILE_OFFSETS, WIDTH, values_of
from zsn2m_runtime.sample_types import Pixels, is_whole

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
REDUCED_OR_MASK = 1 | 4  # bits of the former
OLD_REDUCED = 2  # value of the latter
LEAST_FACTOR = 1.5  # between a page and a smaller copy of it
OFF_BY = 1.0  # pixels that rounding may add to or take from a side
RESIZED_BY_OPENCV = ("uint8", "uint16", "int16", "float32", "float64")

Size = tuple[int, int]


@dataclass(frozen=True)
class Level:
    """How a smaller copy of a page is written.

    place: among the directories of the file; None: it hangs below its page (SubIFD)
    read: the source's own, for pages that are copied; None where it cannot be read
    """

    form: PageForm
    place: int | None
    read: Callable[[], Pixels | None]


@dataclass(frozen=True)
class Smaller:
    """A smaller copy in the source: its facts, the offset of its directory, and its place as for `Level`."""

    facts: PageFacts
    offset: int
    place: int | None


@dataclass
class Arrangement:
    """Which directories of a file are frames and which are smaller copies of them.

    frames: the place of each among the directories; smaller: of each frame, by that place
    left_out: sentences on pictures that are neither
    """

    frames: list[int]
    smaller: dict[int, list[Smaller]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[int]:
        """The places of all directories that a result has, in order."""
        copies = (copy.place for copies in self.smaller.values() for copy in copies)
        return sorted([*self.frames, *(place for place in copies if place is not None)])


@dataclass(frozen=True)
class _Seen:
    """What is known of a directory before it is looked into."""

    size: Size
    is_reduced: bool
    is_tiled: bool


class Arranger:
    """Sorts the directories of a file, given one after another.

    Args:
        facts_of: of the directory at an offset; InputError or BrokenTiffError where it can be no frame
    """

    def __init__(self, dialect: Dialect, offsets: Sequence[int], facts_of: Callable[[int], PageFacts]) -> None:
        self._dialect, self._offsets, self._facts_of = dialect, offsets, facts_of
        self._seen: list[_Seen] = []
        self._below: dict[int, list[int]] = {}  # offsets of the SubIFDs of each directory

    def see(self, tags: Mapping[int, Tag]) -> None:
        """Take note of the next directory."""
        below = values_of(tags, SUB_IMAGES, self._dialect)
        if below:
            self._below[len(self._seen)] = below
        height, width = (values_of(tags, code, self._dialect, [0])[0] for code in (HEIGHT, WIDTH))
        new = values_of(tags, NEW_SUBFILE_TYPE, self._dialect, [0])[0]
        old = values_of(tags, SUBFILE_TYPE, self._dialect, [0])[0]
        reduced = bool(new & REDUCED_OR_MASK) or old == OLD_REDUCED
        self._seen.append(_Seen((height, width), reduced, TILE_OFFSETS in tags))

    def arrange(self, says_its_pages: bool) -> Arrangement:
        """The frames, and the smaller copies of each.

        Args:
            says_its_pages: the file's metadata say what its directories are; those that are not marked are frames
        """
        frames = [place for place, seen in enumerate(self._seen) if not seen.is_reduced]
        frames = frames or list(range(len(self._seen)))
        if not says_its_pages and self._is_unmarked_pyramid(frames):
            frames = frames[:1]
        found = Arrangement(frames)
        others = sorted(set(range(len(self._seen))) - set(frames))
        for number, place in enumerate(others):
            self._add(found, _owner(number, others, frames), self._offsets[place], place)
        for place in frames:
            for offset in self._below.get(place, ()):
                self._add(found, place, offset, None)
        return found

    def _is_unmarked_pyramid(self, frames: Sequence[int]) -> bool:
        """Some scanners mark nothing: tiles, each page smaller than the one before by one factor for both sides.

        Labels and overviews among them are stored in strips.
        """
        tiled = [self._seen[place] for place in frames if self._seen[place].is_tiled]
        first = self._seen[frames[0]]
        if len(tiled) < 2 or tiled[0] is not first:
            return False
        sizes = [seen.size for seen in tiled]
        return all(_is_smaller(small, first.size) and small < large for large, small in itertools.pairwise(sizes))

    def _add(self, found: Arrangement, owner: int, offset: int, place: int | None) -> None:
        where = "a SubIFD" if place is None else f"directory {place + 1}"
        try:
            facts, full = self._facts_of(offset), self._facts_of(self._offsets[owner])
        except (InputError, BrokenTiffError):
            found.left_out.append(f"{where} is no picture like its page (a mask, perhaps); it is left out")
            return
        size, whole = facts.layout, full.layout
        same_kind = (size.dtype, size.channels, size.has_alpha) == (whole.dtype, whole.channels, whole.has_alpha)
        if same_kind and _is_smaller((size.height, size.width), (whole.height, whole.width)):
            found.smaller.setdefault(owner, []).append(Smaller(facts, offset, place))
            return
        found.left_out.append(
            f"{where} ({size.width} x {size.height}) is no smaller copy of a page ({whole.width} x {whole.height}); "
            f"it is left out"
        )


def _owner(number: int, others: Sequence[int], frames: Sequence[int]) -> int:
    """The frame that a directory belongs to: the one before; or, where all frames come first, one after another."""
    if len(frames) > 1 and others[0] > frames[-1] and len(others) % len(frames) == 0:
        return frames[number % len(frames)]
    before = [frame for frame in frames if frame < others[number]]
    return before[-1] if before else frames[0]


def _is_smaller(small: Size, large: Size) -> bool:
    """Whether a size is another one divided by a factor."""
    if not all(small) or not all(large):
        return False
    longest = int(np.argmax(large))
    factor = large[longest] / small[longest]
    least = large[longest] / (small[longest] + OFF_BY), large[longest] / max(small[longest] - OFF_BY, 0.5)
    other = 1 - longest
    low, high = large[other] / least[1] - OFF_BY, large[other] / least[0] + OFF_BY
    return factor >= LEAST_FACTOR and low <= small[other] <= high


def smaller_copy(array: Pixels, layout: Layout) -> Pixels:
    """A page at another size, each sample the mean of the area that it stands for; whole numbers are rounded.

    Shape:
        array: (h, w) or (h, w, c)
        returns: (layout.height, layout.width) or with c
    """
    size = (layout.width, layout.height)
    if array.dtype.name in RESIZED_BY_OPENCV:
        return np.asarray(cv2.resize(np.ascontiguousarray(array), size, interpolation=cv2.INTER_AREA))
    means = cv2.resize(array.astype(np.float64), size, interpolation=cv2.INTER_AREA)
    return np.asarray((np.rint(means) if is_whole(array.dtype) else means).astype(array.dtype))
