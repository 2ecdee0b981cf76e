"""Frames from callers' arrays, and the one conversion to NCHW and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import SAMPLE_DTYPES, Frame, as_frame, check_finite, from_nchw, to_nchw


def counting(*shape: int, dtype: str = "uint16") -> np.ndarray[Any, Any]:
    """Every sample another value."""
    return (np.arange(np.prod(shape)) % 100).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize(
    ("shape", "channels", "pixels_shape"), [((3, 5), 1, (3, 5)), ((3, 5, 1), 1, (3, 5)), ((3, 5, 3), 3, (3, 5, 3))]
)
def test_as_frame_takes_grey_and_colour(
    dtype: str, shape: tuple[int, ...], channels: int, pixels_shape: tuple[int, ...]
) -> None:
    array = counting(*shape, dtype=dtype)
    frame = as_frame(array)
    assert (frame.dtype, frame.channels, frame.pixels.shape, frame.alpha) == (dtype, channels, pixels_shape, None)
    np.testing.assert_array_equal(frame.as_array(), array.reshape(pixels_shape))


def test_as_frame_splits_alpha_off_and_as_array_puts_it_back() -> None:
    array = counting(3, 5, 4)
    frame = as_frame(array)
    assert frame.channels == 3
    np.testing.assert_array_equal(frame.pixels, array[:, :, :3])
    np.testing.assert_array_equal(frame.alpha, array[:, :, 3])
    np.testing.assert_array_equal(frame.as_array(), array)


def test_with_pixels_keeps_alpha() -> None:
    frame = Frame(counting(2, 3), alpha=counting(2, 3) + 7)
    changed = frame.with_pixels(np.zeros((2, 3), np.uint16))
    assert changed.alpha is frame.alpha
    assert changed.as_array().shape == (2, 3, 2)


NO_NUMBERS = "save the numbers of a picture"


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        ("bool", r"array\..*back"),
        ("complex64", r"array\..*back"),
        ("longdouble", r"array\..*back"),
        ("S4", NO_NUMBERS),
        ("datetime64[s]", NO_NUMBERS),
    ],
)
def test_as_frame_refuses_other_dtypes_and_says_what_converts(dtype: str, advice: str) -> None:
    with pytest.raises(InputError, match=f"cam: .*{advice}"):
        as_frame(np.zeros((4, 4), dtype), "cam")


@pytest.mark.parametrize("shape", [(), (5,), (4, 4, 2), (4, 4, 5), (3, 5, 7), (1, 4, 4, 3)])
def test_as_frame_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="cam: expected shape"):
        as_frame(np.zeros(shape, np.uint8), "cam")


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0, 3), (4, 0, 1)])
def test_as_frame_refuses_no_pixels(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="at least one pixel"):
        as_frame(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_check_finite_refuses_a_frame_without_a_finite_pixel(value: float) -> None:
    pixels = np.ones((4, 5, 3), np.float32)
    pixels[..., 1] = value
    with pytest.raises(InputError, match=r"cam: .*in every pixel"):
        check_finite(Frame(pixels), "cam")
    pixels[2, 3] = 0
    check_finite(Frame(pixels))


def test_check_finite_lets_the_largest_floats_and_integers_pass() -> None:
    check_finite(Frame(np.full((2, 2), np.finfo(np.float32).max, np.float32)))
    check_finite(Frame(np.full((2, 2), 65535, np.uint16)))


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (3, 5, 3), (1, 7, 3)])
def test_nchw_round_trip_is_exact(dtype: str, shape: tuple[int, ...]) -> None:
    pixels = counting(*shape, dtype=dtype)
    planes = to_nchw(pixels)
    assert planes.dtype == np.float32
    assert planes.shape == (1, 1 if len(shape) == 2 else 3, *shape[:2])
    back = from_nchw(planes, dtype)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)


def test_to_nchw_puts_red_first_and_keeps_sensor_units() -> None:
    pixels = np.zeros((2, 2, 3), np.uint16)
    pixels[0, 1] = (60000, 7, 1)
    assert to_nchw(pixels)[0, :, 0, 1].tolist() == [60000.0, 7.0, 1.0]


def test_all_16_bit_values_survive() -> None:
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(from_nchw(to_nchw(pixels), np.uint16), pixels)


def test_integers_are_rounded_half_to_even_and_floats_are_not() -> None:
    planes = np.array([[[[0.5, 1.5, 2.5, 2.4999, 254.5, 254.51]]]], np.float32)
    assert from_nchw(planes, np.uint8).tolist() == [[0, 2, 2, 2, 254, 255]]
    np.testing.assert_array_equal(from_nchw(planes, np.float32), planes[0, 0])


@pytest.mark.parametrize("view", ["mirrored", "transposed", "every second", "big-endian"])
def test_memory_layout_does_not_matter(view: str) -> None:
    base = counting(6, 8, 3)
    views = {
        "mirrored": base[::-1, ::-1],
        "transposed": base.transpose(1, 0, 2),
        "every second": base[1::2, ::2],
        "big-endian": base.astype(">u2"),
    }
    pixels = as_frame(views[view]).pixels
    planes = to_nchw(pixels)
    assert planes.flags.c_contiguous
    np.testing.assert_array_equal(planes[0].transpose(1, 2, 0), pixels)
    back = from_nchw(planes, pixels.dtype)
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("dtype", [*SAMPLE_DTYPES, ">u2"])
@pytest.mark.parametrize("channels", [1, 3])
def test_from_nchw_is_the_plain_rounding_bit_for_bit(dtype: str, channels: int) -> None:
    high = 127 if dtype == "int8" else 255
    planes = np.random.default_rng(0).uniform(0, high, (1, channels, 37, 53)).astype(np.float32)
    planes[0, 0, 0, :8] = np.arange(8) + 0.5  # ties
    pixels = planes[0].transpose(1, 2, 0) if channels == 3 else planes[0, 0]
    expected = (pixels if np.dtype(dtype).kind == "f" else np.rint(pixels)).astype(dtype)
    back = from_nchw(planes, dtype)
    assert (back.dtype, back.tobytes()) == (np.dtype(dtype), expected.tobytes())
    cut = from_nchw(planes[:, :, 3:, 5:], dtype)  # planes that are no whole memory
    np.testing.assert_array_equal(cut, expected[3:, 5:])
