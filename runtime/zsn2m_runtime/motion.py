"""Where the content of a frame was before: optical flow between small grey copies of it and of the previous result.

Constants are measured: docs/decisions/motion.md, unless their line says otherwise.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.several_threads import at_once

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

FACTOR = 2  # pixels of the frame a pixel of the small copies
MOST_PIXELS = 2**17  # of a small copy, else it is smaller: 1080p takes a quarter
LEAST_SIDE = 16  # pixels of a small copy, else it is less small: OpenCV's flow needs 12
ENDS = (0.5, 99.5)  # percentiles of the previous result that become black and white of the 8 bits that the flow takes
REFINEMENTS = 5  # of the smooth flow: they gain 0.35 dB for twice its time
STRIDE = 4  # small pixels between patches of 8: 3 takes twice the time, 5 loses 0.01 dB, and small frames
DETAIL = 5  # small pixels over which a mean is taken away, so that detail is left
BLOCK = 8  # small pixels, side of the blocks that are compared
UNEVEN = 0.25  # change of vectors from a pixel to the next, above which motion is in doubt
DOUBT = 10.0  # of a frame's variance that a change of 1 more adds
NEAR = 5  # small pixels, side of the squares whose largest change counts
LEAST_ALIKE = 0.5  # of the detail that came over, the share that the frame has: same scenes 0.58 to 1.2, others to 0.4
LEAST_CHANGE = 0.7  # of blocks' means, in units of that of single pixels: plain scenes reach 0.36, cuts have 1.06


@dataclass(frozen=True)
class Flow:
    """Where the content of a frame's pixels was before.

    Shape:
        small: (h, w, 2), x and y in pixels of the frame, from a pixel of a smaller copy to where its content was; None:
            everything is where it was
    """

    small: Floats | None = None
    _of_sizes: dict[tuple[int, int], Floats] = field(default_factory=dict, compare=False, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def bring(self, planes: Nchw, spare: Nchw | None = None) -> Nchw:
        """Planes of the frame before, moved; borders repeated.

        Args:
            spare: what may be written to
        Shape:
            (1, c, h, w) -> (1, c, h, w)
        """
        if self.small is None:
            return planes
        moved = np.empty_like(planes) if spare is None or spare.shape != planes.shape else spare
        vectors = self._vectors(planes.shape[2], planes.shape[3])
        for plane, result in zip(planes[0], moved[0], strict=True):
            _remapped(plane, vectors, cv2.INTER_CUBIC | cv2.WARP_RELATIVE_MAP, result)
        return moved

    def bring_part(self, planes: Nchw, rows: Places, columns: Places) -> Nchw:
        """What `bring` has in some rows and columns. Shape: (1, c, h, w), (n,), (m,) -> (1, c, n, m)."""
        part = np.ix_(rows, columns)
        if self.small is None:
            return planes[:, :, part[0], part[1]]
        places = self._vectors(planes.shape[2], planes.shape[3])[part]  # a copy
        places += np.stack(np.meshgrid(columns, rows), axis=2).astype(np.float32)
        return np.stack([_remapped(plane, places, cv2.INTER_CUBIC) for plane in planes[0]])[None]

    def bring_small(self, picture: Floats, size: tuple[int, int]) -> Floats:
        """A picture of the frame before that is smaller than its height and width, moved. Shape: (h, w) -> (h, w)."""
        if self.small is None:
            return picture
        vectors = self._vectors(*picture.shape) * np.float32(picture.shape[1] / size[1])
        return _brought(picture, vectors)

    def doubt(self, cells: tuple[int, int], width: int) -> Floats | None:
        """Where vectors change from pixel to pixel: at what moves before other things, and uncovers them.

        Args:
            cells: rows and columns of the parts of the frame that are asked for
            width: of the frame
        Returns:
            of each cell, by how much more than from noise the frame before may differ, in units of a frame's variance;
            None: nothing moves
        """
        if self.small is None:
            return None
        change = sum(np.square(cv2.Sobel(self.small, cv2.CV_32F, *of, ksize=3, scale=1 / 8)) for of in ((1, 0), (0, 1)))
        uneven = np.sqrt(np.sum(change, axis=2)) * np.float32(self.small.shape[1] / width)
        most = cv2.dilate(uneven, np.ones((NEAR, NEAR), np.uint8))
        found = np.float32(DOUBT) * np.maximum(np.asarray(most) - np.float32(UNEVEN), 0)
        return np.asarray(cv2.resize(found, cells[::-1]), np.float32)

    def _vectors(self, height: int, width: int) -> Floats:
        """At each pixel of that size; made once."""
        with self._turn:
            if (height, width) not in self._of_sizes:
                vectors = cv2.resize(np.asarray(self.small), (width, height))
                self._of_sizes[height, width] = np.asarray(vectors, np.float32)
            return self._of_sizes[height, width]


def flow(previous: Nchw, noisy: Nchw, seen: Nchw | None = None) -> Flow | None:
    """Of a frame, by optical flow from the previous result; None after a cut, and below 16 x 16 pixels.

    Args:
        seen: of what the previous result was made, with what clipping does to light; None: nothing is clipped
    Shape:
        previous, noisy, seen: (1, c, h, w), of one size, finite; any units
    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it.
    """
    factor = _factor(*noisy.shape[2:])
    if factor is None:
        return None
    before, now = at_once(lambda: _small_grey(previous, factor), lambda: _small_grey(noisy, factor))
    vectors = _flow(before, now)
    clipped = None if seen is None else lambda: _brought(_small_grey(seen, factor), vectors)
    if is_cut(_brought(before, vectors), now, clipped):
        return None
    return Flow(vectors * np.float32(factor))


def still(previous: Nchw, noisy: Nchw, seen: Nchw | None = None) -> Flow | None:
    """Of a camera that stands still; None where `flow` has it."""
    factor = _factor(*noisy.shape[2:])
    if factor is None:
        return None
    before, now = at_once(lambda: _small_grey(previous, factor), lambda: _small_grey(noisy, factor))
    clipped = None if seen is None else lambda: _small_grey(seen, factor)
    return None if is_cut(before, now, clipped) else Flow()


def is_cut(before: Floats, now: Floats, seen: Callable[[], Floats] | None = None) -> bool:
    """Whether two pictures show different scenes: neither the detail nor the brightness of the one is in the other.

    The noise of `now` moves neither measure, as it is independent of `before`; light that changes leaves the detail.
    Clipping moves the brightness of noisy samples, at black by 0.4 of the noise: `seen` has that, too.

    Shape:
        before, now: (h, w), at least BLOCK x BLOCK: the result before, where its content is now, and the noisy frame
        seen: makes the same of the noisy mean that the result before was made of; asked where the detail differs
    """
    details = [picture - cv2.blur(picture, (DETAIL, DETAIL)) for picture in (before, now)]
    shared, own = (_block_means(np.multiply(details[0], detail, dtype=np.float64)) for detail in details[::-1])
    busy = own >= np.median(own)
    if np.median(shared[busy] / np.maximum(own[busy], np.finfo(np.float64).tiny)) >= LEAST_ALIKE:
        return False
    pasts = [before] if seen is None else [before, seen()]
    change = min(np.median(np.abs(_block_means(now - past))) for past in pasts)
    return bool(change > LEAST_CHANGE * np.median(np.abs(details[1] - details[0])))


def _factor(height: int, width: int) -> int | None:
    """Pixels of the frame that a pixel of the small copies has on each side; None: too few pixels for any."""
    if min(height, width) < LEAST_SIDE:
        return None
    factor = max(FACTOR, math.ceil(math.sqrt(height * width / MOST_PIXELS)))
    return min(factor, min(height, width) // LEAST_SIDE)


def _small_grey(planes: Nchw, factor: int) -> Floats:
    height, width = (side // factor for side in planes.shape[2:])
    whole = planes[0, :, : height * factor, : width * factor]  # blocks that cut pixels would take three times as long
    grey = functools.reduce(cv2.add, whole)  # before it becomes small: a third of the time
    small = cv2.resize(np.asarray(grey), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(len(whole)), np.float32)


def _flow(before: Floats, now: Floats) -> Floats:
    """Of each pixel of `now`, how far away it is in `before`. Shape: (h, w) -> (h, w, 2)."""
    low, high = np.percentile(before, ENDS)
    scale = 255 / (high - low) if high > low else 0.0
    present, past = (np.clip((picture - low) * scale, 0, 255).astype(np.uint8) for picture in (now, before))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    search.setFinestScale(0)
    search.setPatchStride(STRIDE)
    search.setVariationalRefinementIterations(REFINEMENTS)
    return np.asarray(search.calc(present, past, np.empty(0, np.float32)), np.float32)


def _brought(picture: Floats, vectors: Floats) -> Floats:
    return _remapped(picture, vectors, cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP)


def _remapped(picture: Floats, places: Floats, how: int, result: Floats | None = None) -> Floats:
    remapped = cv2.remap(picture, places, None, how, result, cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(remapped, np.float32)


def _block_means(picture: Floats | Doubles) -> Doubles:
    rows, columns = (side // BLOCK for side in picture.shape)
    whole = picture[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float64)
