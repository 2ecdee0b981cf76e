"""The range of samples, stated or of their type, and whether float32 resolves the values in use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.sample_types import MOST_COMPUTED, Pixels, is_whole, limits_of

_WIDE = (10, 12, 14, 16, 18, 20, 24, 32)  # bits of converters that cameras and microscopes have
BIT_DEPTHS = {
    "uint8": (8,),
    "int8": (8,),
    "uint16": _WIDE[:4],
    "int16": _WIDE[:4],
    **dict.fromkeys(("uint32", "int32", "uint64", "int64"), _WIDE),
}
INEXACT_BYTES = 4  # samples of so many bytes may have more digits than float32 holds
SMALLEST = float(np.finfo(np.float32).tiny) * 2**23  # below it, float32 has fewer than its 24 bits
OUTLIERS = 1e6  # widths of the range: a sample so far out leaves 2**24 / 1e6, some 16, steps to the range
FEWEST_STEPS = 4096  # of float32 over the values in use: the 12 bits of a good camera


def bits_in_use(dtype: str, least: float, most: float) -> int | None:
    """The fewest bits of BIT_DEPTHS that hold these values; None if the type has no fewer, or is float."""
    for depth in BIT_DEPTHS.get(dtype, ()):
        low, high = range_of_bits(dtype, depth)
        if low <= least and most <= high:
            return depth if (low, high) != limits_of(dtype) else None
    return None


def range_of_bits(dtype: str, depth: int) -> tuple[float, float]:
    """Lowest and highest value of so many bits; the sign is one of them."""
    if limits_of(dtype)[0]:
        return -(2.0 ** (depth - 1)), 2.0 ** (depth - 1) - 1
    return 0.0, 2.0**depth - 1


def range_of_values(
    dtype: str,
    bit_depth: int | None,
    value_range: tuple[float, float] | None,
    stated: tuple[float, float] | None,
    name: str,
) -> tuple[float, float]:
    """Lowest and highest value: by the caller's options, else the file (`stated`), else the type.

    Raises:
        InputError: float frames without a range.
        UsageError: options that contradict the type or each other.
    """
    if bit_depth is not None and value_range is not None:
        raise UsageError("expected a bit depth or a range, but got both; leave one out")
    if value_range is not None:
        low, high = value_range
        if not (np.isfinite([low, high]).all() and low < high):
            raise UsageError(f"expected a finite range LOW HIGH with LOW below HIGH, but got {low:g} {high:g}")
        if is_whole(dtype) and (low < limits_of(dtype)[0] or high > limits_of(dtype)[1]):
            least, most = limits_of(dtype)
            raise UsageError(f"expected a range within {least} to {most} of {dtype}, but got {low:g} {high:g}")
        return float(low), float(high)
    if not is_whole(dtype):
        raise InputError(
            f"{name}: expected the range of float frames to be stated, but got none; add --range LOW HIGH "
            f"(what black and white are in this sensor's values), for example --range 0 1"
        )
    if bit_depth is None and stated:
        return stated
    if bit_depth is None:
        least, most = limits_of(dtype)
        return float(least), float(most)
    if bit_depth not in BIT_DEPTHS[dtype]:
        depths = ", ".join(str(depth) for depth in BIT_DEPTHS[dtype])
        raise UsageError(f"expected a bit depth of {depths} for {dtype} frames, but got {bit_depth}")
    return range_of_bits(dtype, bit_depth)


def check_range(frame: Frame, name: str, value_range: tuple[float, float]) -> None:
    """Refuse whole numbers outside of the range, and floats far from it.

    Raises:
        InputError
    """
    if not is_whole(frame.dtype):
        _check_outliers(frame, name, value_range)
        return
    least, most = int(frame.pixels.min()), int(frame.pixels.max())
    if least < value_range[0] or most > value_range[1]:
        raise InputError(
            f"{name}: expected values from {value_range[0]:g} to {value_range[1]:g}, but got {least} to {most}; "
            f"state the right --bit-depth or --range"
        )


def check_float_range(value_range: tuple[float, float]) -> None:
    """Refuse a stated range that float32 cannot hold or divide.

    Raises:
        UsageError
    """
    low, high = value_range
    if max(-low, high) > MOST_COMPUTED or high - low < SMALLEST:
        raise UsageError(
            f"expected a range LOW HIGH within -{MOST_COMPUTED:.3g} to {MOST_COMPUTED:.3g} and at least {SMALLEST:.3g} "
            f"wide, as float32 holds it, but got {low:g} {high:g}; state what black and white are in these frames"
        )


def _check_outliers(frame: Frame, name: str, value_range: tuple[float, float]) -> None:
    low, high = value_range
    reach = OUTLIERS * (high - low)
    finite = frame.pixels[np.isfinite(frame.pixels)]
    if low - reach <= float(finite.min(initial=low)) and float(finite.max(initial=high)) <= high + reach:
        return
    finite = finite.astype(np.float64)
    outside = finite[(finite < low - reach) | (finite > high + reach)]
    raise InputError(
        f"{name}: expected values near the range {low:g} to {high:g}, but got {outside.size} like "
        f"{float(outside.flat[0]):.3g}; set marks of missing values to NaN, which is kept, else state the right --range"
    )


def check_steps(pixels: Sequence[Pixels], names: Sequence[str]) -> None:
    """Refuse values in which float32 has too few steps, such as 1e9 to 1e9 + 100.

    Raises:
        InputError
    """
    wide = [frame for frame in pixels if frame.dtype.itemsize >= INEXACT_BYTES]
    finite = [frame[np.isfinite(frame)].reshape(1, -1) for frame in wide]
    frames = [frame for frame in finite if frame.size]
    if not frames:
        return
    base, top = min(float(frame.min()) for frame in frames), max(float(frame.max()) for frame in frames)
    unit = top - base or 1.0  # value_span computes in float32, which resolves the differences, not the values
    low, high = (base + unit * end for end in value_span([(frame - base) / unit for frame in frames]))
    step = float(np.spacing(np.float32(max(abs(low), abs(high), SMALLEST))))
    if low < high and (high - low) / step < FEWEST_STEPS:
        raise InputError(
            f"{', '.join(names)}: expected values that float32, in which networks compute, tells "
            f"apart, but got {low:.6g} to {high:.6g}, which it has in steps of {step:.3g}; subtract an offset first, "
            f"for example array - array.min(), and add it to the results (tiny values: multiply, and divide results)"
        )
