"""Where the content of the previous result is in the present frame: optical flow between small grey copies of both.

Constants are measured: docs/decisions/motion.md, unless their line says otherwise.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.sample_types import Nchw

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

FACTOR = 4  # pixels of the frame a pixel of the small copies; half of it gains 1 dB at four times the time
MOST_PIXELS = 2**16  # of a small copy, else it is halved again: 1080p takes an eighth
LEAST_SIDE = 16  # pixels of a small copy, else it is less small: OpenCV's flow needs 12
ENDS = (0.5, 99.5)  # percentiles of the previous result that become black and white of the 8 bits that the flow takes
STRIDE = 4  # small pixels between patches of 8: 3 takes twice the time
DETAIL = 5  # small pixels over which a mean is taken away, so that detail is left
NORMAL_MEDIAN = 0.6745  # of the size of a normal variable, in units of its standard deviation
BLOCK = 8  # small pixels, side of the blocks that are compared
LEAST_ALIKE = 0.5  # of the detail that came over, the share that the frame has: same scenes 0.58 to 1.2, others to 0.4
LEAST_CHANGE = 0.7  # of blocks' means, in units of that of single pixels: plain scenes reach 0.36, cuts have 1.06
MISMATCH = 10.0  # deviations of the mean of DETAIL x DETAIL small pixels: more is no noise
ROUNDING = 1e-5  # of the largest detail: what is less is that of float32 (chosen)
MARGIN = 2  # small pixels around a mismatch that belong to it: the network sees them together


def moved(previous: Nchw, noisy: Nchw) -> Nchw | None:
    """The previous result where its content is in the present frame; None after a cut, and below 16 x 16 pixels.

    Where it shows something else, as after something that passed or under a light that blinks, it is the frame.

    Shape:
        previous, noisy: (1, c, h, w), of one size, finite; any units
        returns: (1, c, h, w)

    Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it.
    """
    height, width = noisy.shape[2:]
    if min(height, width) < LEAST_SIDE:
        return None
    factor = _factor(height, width)
    before, now = (_small_grey(planes, factor) for planes in (previous, noisy))
    flow = _flow(before, now)
    before = _brought(before, flow)
    if is_cut(before, now):
        return None
    whole = np.asarray(cv2.resize(flow * np.float32(factor), (width, height)), np.float32)
    there = np.empty_like(previous)
    for plane, result in zip(previous[0], there[0], strict=True):
        _brought(plane, whole, result)
    _replace(there, noisy, mismatch(before, now))
    return there


def still(previous: Nchw, noisy: Nchw) -> Nchw | None:
    """The previous result as it is, for a camera that stands still; None, and the frame, where `moved` has it."""
    height, width = noisy.shape[2:]
    if min(height, width) < LEAST_SIDE:
        return None
    before, now = (_small_grey(planes, _factor(height, width)) for planes in (previous, noisy))
    if is_cut(before, now):
        return None
    mask = mismatch(before, now)
    if not mask.any():
        return previous
    there = previous.copy()
    _replace(there, noisy, mask)
    return there


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


def mismatch(before: Floats, now: Floats) -> Bytes:
    """Where two pictures of one scene show different things, as beside what moves: 1 there, 0 elsewhere.

    The mean of their difference over a few pixels, beside that of the whole picture, is larger than noise makes it;
    how large noise is the same difference says. Light that changes everywhere by as much is no difference.

    Shape:
        before, now: (h, w): the result before, where its content is now, and the noisy frame; returns: (h, w)
    """
    change = now - before
    mean = cv2.blur(change, (DETAIL, DETAIL))
    detail = np.abs(change - mean)
    noisy = detail > ROUNDING * detail.max()  # clipped areas have no noise
    grain = np.median(detail[noisy]) / NORMAL_MEDIAN / DETAIL if noisy.any() else 0.0
    found = (np.abs(mean - np.median(mean)) > MISMATCH * grain).astype(np.uint8)
    return np.asarray(cv2.dilate(found, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)), np.uint8)


def _replace(result: Nchw, noisy: Nchw, mask: Bytes) -> None:
    """Put the frame into a result where the mask, of the size of the small copies, is 1."""
    height, width = noisy.shape[2:]
    whole = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    for plane, replaced in zip(noisy[0], result[0], strict=True):
        cv2.copyTo(plane, whole, replaced)


def _factor(height: int, width: int) -> int:
    """Pixels of the frame that a pixel of the small copies has on each side."""
    factor = FACTOR
    while height * width > factor**2 * MOST_PIXELS:
        factor *= 2
    while min(height, width) < factor * LEAST_SIDE:
        factor //= 2
    return factor


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
    return np.asarray(search.calc(present, past, np.empty(0, np.float32)), np.float32)


def _brought(picture: Floats, flow: Floats, result: Floats | None = None) -> Floats:
    how = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
    brought = cv2.remap(picture, flow, None, how, result, cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(brought, np.float32)


def _block_means(picture: Floats) -> Floats:
    rows, columns = (side // BLOCK for side in picture.shape)
    whole = picture[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
