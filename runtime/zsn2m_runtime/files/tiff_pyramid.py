"""Smaller copies of a page in the same TIFF file: which directories they are, and how a result's are made."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from tifffile import FILETYPE, TiffPage

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_directories import BrokenTiffError, TooManyTagsError
from zsn2m_runtime.files.tiff_pages import PageForm
from zsn2m_runtime.sample_types import Pixels, is_whole

MOST_BELOW = 100  # SubIFDs of a page; halving 31 times makes one pixel of the largest side that TIFF can state
LEAST_FACTOR = 1.5  # between a page and a smaller copy of it
OFF_BY = 1.0  # pixels that rounding may add to or take from a side
RESIZED_BY_OPENCV = ("uint8", "uint16", "int16", "float32", "float64")

Size = tuple[int, int]


@dataclass(frozen=True)
class Smaller:
    """A smaller copy of a page in the source.

    Attributes:
        offset: of its directory
        place: among the directories of the file; None: it hangs below its page (SubIFD)
    """

    form: PageForm
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
class Listed:
    """What is known of a directory before it is looked into."""

    offset: int
    size: Size
    is_reduced: bool
    is_tiled: bool
    below: Sequence[int]  # offsets of its SubIFDs

    @classmethod
    def of(cls, page: TiffPage) -> Listed:
        """The directory of a page.

        Raises:
            TooManyTagsError: it names more below it than a pyramid has.
        """
        below = page.subifds or ()
        if len(below) > MOST_BELOW:
            raise TooManyTagsError(f"a page names {len(below):,} directories below it, and a pyramid {MOST_BELOW}")
        is_reduced = bool(page.subfiletype & (FILETYPE.REDUCEDIMAGE | FILETYPE.MASK))
        return cls(page.offset, (page.imagelength, page.imagewidth), is_reduced, page.is_tiled, below)


def arrange(listed: Sequence[Listed], form_of: Callable[[int, bool], PageForm], says_its_pages: bool) -> Arrangement:
    """The frames among the directories of a file, and the smaller copies of each.

    Args:
        form_of: of the directory at an offset, and whether it is below a page, so that nobody has looked at it yet;
            InputError or BrokenTiffError where it can be no frame
        says_its_pages: the file's metadata say what its directories are; those that are not marked are frames
    """
    frames = [place for place, page in enumerate(listed) if not page.is_reduced] or list(range(len(listed)))
    if not says_its_pages and _is_unmarked_pyramid([listed[place] for place in frames]):
        frames = frames[:1]
    found = Arrangement(frames)
    others = sorted(set(range(len(listed))) - set(frames))
    copies: list[tuple[int, int, int | None]] = [
        (_owner(number, others, frames), listed[place].offset, place) for number, place in enumerate(others)
    ]
    copies += [(frame, offset, None) for frame in frames for offset in listed[frame].below]
    # Once for each owner: thousands of directories may be below one page.
    forms = {owner: form_of(listed[owner].offset, False) for owner in {owner for owner, _, _ in copies}}
    for owner, offset, place in copies:
        where = "a SubIFD" if place is None else f"directory {place + 1}"
        try:
            form = form_of(offset, place is None)
        except (InputError, BrokenTiffError):
            found.left_out.append(f"{where} is no picture like its page (a mask, perhaps); it is left out")
            continue
        size, whole = form.layout, forms[owner].layout
        same_kind = replace(size, height=whole.height, width=whole.width) == whole
        if same_kind and _is_smaller((size.height, size.width), (whole.height, whole.width)):
            found.smaller.setdefault(owner, []).append(Smaller(form, offset, place))
        else:
            found.left_out.append(
                f"{where} ({size.width} x {size.height}) is no smaller copy of a page "
                f"({whole.width} x {whole.height}); it is left out"
            )
    return found


def _is_unmarked_pyramid(frames: Sequence[Listed]) -> bool:
    """Some scanners mark nothing: tiles, each page smaller than the one before by one factor for both sides.

    Labels and overviews among them are stored in strips.
    """
    sizes = [page.size for page in frames if page.is_tiled]
    if len(sizes) < 2 or not frames[0].is_tiled:
        return False
    return all(_is_smaller(small, sizes[0]) and small < large for large, small in itertools.pairwise(sizes))


def _owner(number: int, others: Sequence[int], frames: Sequence[int]) -> int:
    """The frame that a directory belongs to: the one before; or, where all frames come first, one after another."""
    if len(frames) > 1 and others[0] > frames[-1] and len(others) % len(frames) == 0:
        return frames[number % len(frames)]
    before = bisect_left(frames, others[number])
    return frames[max(before - 1, 0)]


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
