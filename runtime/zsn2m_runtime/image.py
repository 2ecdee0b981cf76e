"""Frames in sensor units, and their conversion to and from float32 NCHW, which is done nowhere else.

A frame is `(h, w)` grey or `(h, w, 3)` RGB, of one of SAMPLE_DTYPES, with an optional alpha plane that results keep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.sample_types import (
    MOST_COMPUTED,
    SAMPLE_DTYPES,
    Mask,
    Nchw,
    Pixels,
    conversion_of,
    is_whole,
    limits_of,
    to_samples,
)

_MERGED_BY_OPENCV = ("uint8", "uint16", "int16", "float32")  # names of sample types


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame in sensor units.

    Shape:
        pixels: (h, w) grey, (h, w, 3) RGB or (h, w, 4) planes of a mosaic, of one of SAMPLE_DTYPES
        alpha: (h, w) of the same dtype, or None
    """

    pixels: Pixels
    alpha: Pixels | None = None

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB, 4 for the planes of a mosaic."""
        return 1 if self.pixels.ndim == 2 else int(self.pixels.shape[2])

    @property
    def dtype(self) -> str:
        """Name of the sample type, such as uint8 or float32."""
        return self.pixels.dtype.name

    @cached_property
    def blank(self) -> Mask | None:
        """Which pixels are blank, (h, w), as `blank_areas` finds them; None: no pixel is. Computed once."""
        from zsn2m_runtime.blank.areas import blank_areas

        return blank_areas(self.pixels, self.alpha)

    def with_pixels(self, pixels: Pixels) -> Frame:
        """The same frame with other pixels; alpha stays."""
        return Frame(pixels, self.alpha)

    def as_array(self) -> Pixels:
        """The frame as one array, with alpha, if any, as the last channel.

        Shape:
            returns: (h, w), (h, w, 3), (h, w, 2) grey + alpha, or (h, w, 4) RGB + alpha
        """
        if self.alpha is None:
            return self.pixels
        return np.dstack((self.pixels, self.alpha))


def as_frame(array: Pixels, name: str = "frame") -> Frame:
    """Check a caller's array and split off its alpha plane.

    Shape:
        array: (h, w), (h, w, 1), (h, w, 3) RGB or (h, w, 4) RGBA; of one of SAMPLE_DTYPES, sensor units
    Raises:
        InputError: another shape or dtype, no pixels, or masked samples.
    """
    if not isinstance(array, np.ndarray):
        raise InputError(
            f"{name}: expected a NumPy array, but got {type(array).__name__}; read the file first, or convert with "
            f"numpy.asarray"
        )
    if np.ma.is_masked(array):
        raise InputError(
            f"{name}: expected an array without masked samples, but got some; say what they are: array.filled(0), or "
            f"NaN, which is kept, where samples are floats"
        )
    if array.dtype.name not in SAMPLE_DTYPES:
        raise InputError(
            f"{name}: expected samples of {', '.join(SAMPLE_DTYPES)}, but got {array.dtype.name}; "
            f"{conversion_of(array.dtype.name)}"
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise InputError(
            f"{name}: expected shape (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA, but got {array.shape}; "
            f"pass one frame, with channels last"
        )
    if array.size == 0:
        raise InputError(f"{name}: expected at least one pixel, but got shape {array.shape}")
    if array.ndim == 3 and array.shape[2] == 4:
        return Frame(array[:, :, :3], array[:, :, 3])
    return Frame(array)


def check_finite(frame: Frame, name: str = "frame") -> None:
    """Refuse a frame without a finite pixel. In other frames NaN and infinity count as blank.

    Raises:
        InputError: no pixel is finite in all channels.
    """
    if frame.pixels.dtype.kind != "f":
        return
    finite = np.isfinite(frame.pixels)
    if not finite.reshape(*finite.shape[:2], -1).all(axis=2).any():
        raise InputError(
            f"{name}: expected finite samples, but got NaN or infinite ones in every pixel; there is nothing to denoise"
        )


def check_computable(frame: Frame, name: str = "frame") -> None:
    """Refuse finite values beyond MOST_COMPUTED, whose sums overflow in float32.

    Raises:
        InputError: there are such values.
    """
    if frame.pixels.dtype not in (np.float32, np.float64):
        return
    if frame.pixels.min() >= -MOST_COMPUTED and frame.pixels.max() <= MOST_COMPUTED:  # nearly every frame; no NaN
        return
    finite = np.isfinite(frame.pixels)
    least, most = (float(of(frame.pixels, where=finite, initial=0)) for of in (np.min, np.max))
    if min(least, most) < -MOST_COMPUTED or max(least, most) > MOST_COMPUTED:
        scale = math.floor(math.log10(max(-least, most)))
        raise InputError(
            f"{name}: expected values up to {MOST_COMPUTED:.3g}, the most that sums in float32, in which networks "
            f"compute, hold, but got {least:.3g} to {most:.3g}; scale it, for example array / 1e{scale}, and the "
            f"result back"
        )


def to_nchw(pixels: Pixels) -> Nchw:
    """Frame pixels as the network's input; values stay in sensor units.

    Shape:
        pixels: (h, w) or (h, w, 3)
        returns: (1, c, h, w) float32, contiguous
    """
    planes = pixels[None, None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes, dtype=np.float32)


def from_nchw(planes: Nchw, dtype: npt.DTypeLike, value_range: tuple[float, float] | None = None) -> Pixels:
    """The network's output as frame pixels; integers are rounded half to even.

    The exported graph has clamped the values to the sensor's range, as exactly as float32 can.

    Args:
        value_range: of the sensor; None: the dtype's
    Shape:
        planes: (1, c, h, w) float32
        returns: (h, w) or (h, w, 3)
    """
    dtype = np.dtype(dtype)
    if value_range is None:
        value_range = limits_of(dtype) if is_whole(dtype) else (-np.inf, np.inf)
    if dtype == np.uint8:  # OpenCV rounds and narrows in one pass, in half of NumPy's time (measured)
        channels = [cv2.convertScaleAbs(channel) for channel in planes[0]]
    else:
        channels = [to_samples(channel, dtype, value_range) for channel in planes[0]]
    # OpenCV takes 2 ms for a colour frame of 1920 x 1080, a fifth of NumPy's time (measured).
    merged = cv2.merge if dtype.name in _MERGED_BY_OPENCV else np.dstack
    pixels = channels[0] if len(channels) == 1 else merged(channels)
    return np.ascontiguousarray(pixels, dtype=dtype)
