"""Sample types of frames, their limits, and the conversion of float32 results to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]
Pixels = npt.NDArray[Any]  # (h, w) or (h, w, 3), sensor units
Nchw = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]  # (h, w)
Strength = float | npt.NDArray[np.float32]  # of noise over that of the training frames: of a frame, or (h, w)

WHOLE_DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOAT_DTYPES = ("float16", "float32", "float64")
SAMPLE_DTYPES = (*WHOLE_DTYPES, *FLOAT_DTYPES)
# Sums over neighbours stay finite in float32 below it: docs/decisions/limits-of-inputs.md.
MOST_COMPUTED = float(np.finfo(np.float32).max) / 16
_EXACT_BYTES = 2  # float32 has 24 bits of significand, so integers of up to 2 bytes are exact


def is_whole(dtype: npt.DTypeLike) -> bool:
    """Whether samples are integers, so that results are rounded and clamped."""
    return np.dtype(dtype).kind in "ui"


def is_grey(pixels: Samples) -> bool:
    """Whether samples have one channel, or all channels are the same. Shape: (h, w) or (..., c)."""
    return pixels.ndim == 2 or bool((pixels == pixels[..., :1]).all())


def limits_of(dtype: npt.DTypeLike) -> tuple[int, int]:
    """The lowest and the highest value of an integer type, exactly."""
    info = np.iinfo(np.dtype(dtype))
    return int(info.min), int(info.max)


def to_samples(values: npt.NDArray[np.float32], dtype: npt.DTypeLike, value_range: tuple[float, float]) -> Samples:
    """Results of a network as samples; integers are rounded half to even.

    float32 cannot hold 4,294,967,295 and gives 4,294,967,296, which uint32 would turn into 0. Integers of 4 and 8 bytes
    are therefore clamped again, in float64. float16 is clamped to its largest value.

    Args:
        value_range: of the sensor
    Shape:
        values: any, sensor units; integers already clamped to the range in float32
        returns: the same
    """
    dtype = np.dtype(dtype).newbyteorder("=")
    if dtype == np.float16:
        most = np.float32(np.finfo(np.float16).max)
        return np.clip(values, -most, most).astype(dtype)
    if not is_whole(dtype):
        return values.astype(dtype, copy=False)
    rounded = np.rint(values)
    if dtype.itemsize <= _EXACT_BYTES:
        return rounded.astype(dtype)
    least, most_whole = limits_of(dtype)
    low, high = max(float(least), value_range[0]), min(_below(most_whole), value_range[1])
    return np.clip(rounded.astype(np.float64), low, high).astype(dtype)


def _below(whole: int) -> float:
    """The highest float64 that is not above an integer; float(2^63 - 1) would be 2^63."""
    near = float(whole)
    return near if int(near) <= whole else float(np.nextafter(near, 0))


def conversion_of(dtype: str) -> str:
    """Advice on converting an array of a dtype that frames cannot have, and its result back."""
    if dtype.startswith("complex"):
        return "denoise array.real and array.imag one at a time; real + 1j * imag brings them back"
    if dtype.startswith(("str", "bytes", "object", "datetime", "timedelta")):
        return "save the numbers of a picture"
    if dtype.startswith("void"):
        return "denoise one field at a time, array['NAME']"
    wide = "uint8" if dtype == "bool" else "float64"
    return f"convert with array.astype('{wide}'); array.astype('{dtype}') brings results back"
