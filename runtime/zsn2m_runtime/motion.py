"""Where the content of a frame was before: optical flow between small grey copies of it and of the previous result.

Constants are measured: docs/decisions/motion.md, unless their line says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Nchw

Floats = npt.NDArray[np.float32]

FACTOR = 2  # pixels of the frame a pixel of the small copies
MOST_PIXELS = 2**17  # of a small copy, else it is smaller: 1080p takes a quarter
LEAST_SIDE = 16  # pixels of a small copy, else it is less small: OpenCV's flow needs 12
ENDS = (0.5, 99.5)  # percentiles of the previous result that become black and white of the 8 bits that the flow takes
REFINEMENTS = 5  # of the smooth flow: they gain 0.35 dB for twice its time
STRIDE = 4  # small pixels between patches of 8: 3 takes twice the time
DETAIL = 5  # small pixels over which a mean is taken away, so that detail is left
BLOCK = 8  # small pixels, side of the blocks that are compared
LEAST_ALIKE = 0.5  # of the detail that came over, the share that the frame has: same scenes 0.58 to 1.2, others to 0.4
LEAST_CHANGE = 0.7  # of blocks' means, in units of that of single pixels: plain scenes reach 0.36, cuts have 1.06


@dataclass(frozen=True)
class Flow:
    """Where the content of a frame's pixels was before.

    Shape:
        vectors: (h, w, 2), x and y in pixels, from a pixel to where its content was; None: it was there
    """

    vectors: Floats | None = None

    def bring(self, planes: Nchw) -> Nchw:
        """Planes of the frame before, moved; borders repeated. Shape: (1, c, h, w) -> (1, c, h, w)."""
        if self.vectors is None:
            return planes
        return np.stack([_brought(plane, self.vectors, cv2.INTER_CUBIC) for plane in planes[0]])[None]

    def bring_small(self, picture: Floats) -> Floats:
        """A picture of the frame before that is some times smaller, moved. Shape: (h, w) -> (h, w)."""
        if self.vectors is None:
            return picture
        rows, columns = picture.shape
        scale = np.float32(columns / self.vectors.shape[1])
        return _brought(picture, np.asarray(cv2.resize(self.vectors, (columns, rows)), np.float32) * scale)


def flow(previous: Nchw, noisy: Nchw) -> Flow | None:
    """Of a frame, by optical flow from the previous result; None after a cut, and below 16 x 16 pixels.

    Shape:
        previous, noisy: (1, c, h, w), of one size, finite; any units
    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it.
    """
    height, width = noisy.shape[2:]
    if min(height, width) < LEAST_SIDE:
        return None
    factor = _factor(height, width)
    before, now = (_small_grey(planes, factor) for planes in (previous, noisy))
    vectors = _flow(before, now)
    if is_cut(_brought(before, vectors), now):
        return None
    return Flow(np.asarray(cv2.resize(vectors * np.float32(factor), (width, height)), np.float32))


def still(previous: Nchw, noisy: Nchw) -> Flow | None:
    """Of a camera that stands still; None where `flow` has it."""
    height, width = noisy.shape[2:]
    if min(height, width) < LEAST_SIDE:
        return None
    before, now = (_small_grey(planes, _factor(height, width)) for planes in (previous, noisy))
    return None if is_cut(before, now) else Flow()


def is_cut(before: Floats, now: Floats) -> bool:
    """Whether two pictures show different scenes: neither the detail nor the brightness of the one is in the other.

    The noise of `now` moves neither measure, as it is independent of `before`; light that changes leaves the detail.

    Shape:
        before, now: (h, w), at least BLOCK x BLOCK: the result before, where its content is now, and the noisy frame
    """
    details = [picture - cv2.blur(picture, (DETAIL, DETAIL)) for picture in (before, now)]
    shared, own = (_block_means(details[0] * detail) for detail in details[::-1])
    busy = own >= np.median(own)
    if np.median(shared[busy] / np.maximum(own[busy], np.finfo(np.float32).tiny)) >= LEAST_ALIKE:
        return False
    change = np.median(np.abs(_block_means(now - before)))
    return bool(change > LEAST_CHANGE * np.median(np.abs(details[1] - details[0])))


def _factor(height: int, width: int) -> int:
    """Pixels of the frame that a pixel of the small copies has on each side."""
    factor = max(FACTOR, math.ceil(math.sqrt(height * width / MOST_PIXELS)))
    return max(1, min(factor, min(height, width) // LEAST_SIDE))


def _small_grey(planes: Nchw, factor: int) -> Floats:
    height, width = (side // factor for side in planes.shape[2:])
    whole = planes[0, :, : height * factor, : width * factor]  # blocks that cut pixels would take three times as long
    small = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in whole]
    return np.asarray(np.mean(small, axis=0), np.float32)


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


def _brought(picture: Floats, vectors: Floats, how: int = cv2.INTER_LINEAR) -> Floats:
    flags = how | cv2.WARP_RELATIVE_MAP
    brought = cv2.remap(picture, vectors, None, flags, None, cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(brought, np.float32)


def _block_means(picture: Floats) -> Floats:
    rows, columns = (side // BLOCK for side in picture.shape)
    whole = picture[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
