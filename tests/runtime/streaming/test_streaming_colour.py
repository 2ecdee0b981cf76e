"""YUV and RGB by the book, which pixel formats there are for it, and frames that are shown turned."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.streaming.video.colour import FULL, LIMITED, WEIGHTS, Colour, YuvConverter
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat, depth_of, nearest, planar
from zsn2m_runtime.streaming.video.rotation import ONE, check_quarter_turns, upright

HALF_A_LEVEL = 0.51  # rounding, and what single precision adds to it


def rgb_by_the_book(yuv: np.ndarray, matrix: int, value_range: int, bits: int) -> np.ndarray:
    """H.273 in double precision: codes to values, values to RGB, RGB to codes; neither rounded nor clamped."""
    red, blue = WEIGHTS[matrix]
    scale = 2 ** (bits - 8)
    luma, u, v = np.moveaxis(yuv.astype(np.float64), -1, 0)
    if value_range == FULL:
        luma, u, v = luma / (2**bits - 1), (u - 128 * scale) / (2**bits - 1), (v - 128 * scale) / (2**bits - 1)
    else:
        luma, u, v = (
            (luma - 16 * scale) / (219 * scale),
            (u - 128 * scale) / (224 * scale),
            (v - 128 * scale) / (224 * scale),
        )
    r, b = luma + 2 * (1 - red) * v, luma + 2 * (1 - blue) * u
    g = (luma - red * r - blue * b) / (1 - red - blue)
    return np.stack((r, g, b), -1) * (2**bits - 1)


CASES = list(itertools.product(WEIGHTS, (LIMITED, FULL), (8, 10, 12, 16)))


@pytest.mark.parametrize(("matrix", "value_range", "bits"), CASES)
def test_yuv_becomes_rgb_by_the_book(matrix: int, value_range: int, bits: int) -> None:
    high = 2**bits - 1
    yuv = np.random.default_rng(0).integers(0, high + 1, (40, 50, 3)).astype(np.uint16)
    rgb = YuvConverter(Colour(matrix, range=value_range), bits, "clip").to_rgb(yuv)
    assert rgb.dtype == (np.uint8 if bits == 8 else np.uint16)
    exact = np.clip(rgb_by_the_book(yuv, matrix, value_range, bits), 0, high)
    assert np.abs(rgb - exact).max() < HALF_A_LEVEL


@pytest.mark.parametrize(("matrix", "value_range", "bits"), CASES)
def test_rgb_comes_back_from_yuv(matrix: int, value_range: int, bits: int) -> None:
    converter = YuvConverter(Colour(matrix, range=value_range), bits, "clip")
    rgb = np.random.default_rng(0).integers(0, 2**bits, (40, 50, 3)).astype(np.uint8 if bits == 8 else np.uint16)
    difference = converter.to_rgb(converter.to_yuv(rgb)).astype(int) - rgb
    assert np.abs(difference).max() <= 2  # levels: each of three rounded numbers counts up to 1.9-fold
    assert abs(difference.mean()) < 0.1  # no offset


@pytest.mark.parametrize(("bits", "white"), [(8, 235), (10, 940), (12, 3760)])
def test_white_of_limited_range_is_white_and_black_is_black(bits: int, white: int) -> None:
    converter = YuvConverter(Colour().with_defaults(720), bits, "clip")
    grey = 2 ** (bits - 1)
    yuv = np.array([[[white, grey, grey], [16 * 2 ** (bits - 8), grey, grey]]], np.uint16)
    assert converter.to_rgb(yuv).tolist() == [[[2**bits - 1] * 3, [0] * 3]]
    assert np.array_equal(converter.to_yuv(converter.to_rgb(yuv)), yuv)


def test_full_range_blue_does_not_wrap_round() -> None:
    blue = np.array([[[0, 0, 255]]], np.uint8)  # its Cb is 255.5
    assert YuvConverter(Colour(6, range=FULL), 8, "clip").to_yuv(blue)[0, 0, 1] == 255


def test_what_a_stream_does_not_say_is_what_players_assume() -> None:
    assert Colour().with_defaults(720) == Colour(matrix=1, range=LIMITED)
    assert Colour().with_defaults(719) == Colour(matrix=6, range=LIMITED)
    assert Colour(9, 9, 16, FULL).with_defaults(100) == Colour(9, 9, 16, FULL)


def test_a_matrix_that_is_no_weighted_sum_is_refused() -> None:
    with pytest.raises(InputError, match=r"clip: .*matrix.*14 of H.273"):
        YuvConverter(Colour(matrix=14), 10, "clip")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yuv420p", ("yuv", 8, (2, 2))),
        ("yuvj422p", ("yuv", 8, (2, 1))),
        ("nv12", ("yuv", 8, (2, 2))),
        ("p010le", ("yuv", 10, (2, 2))),
        ("yuyv422", ("yuv", 8, (2, 1))),
        ("yuv444p12le", ("yuv", 12, (1, 1))),
        ("gray", ("grey", 8, (1, 1))),
        ("gray10be", ("grey", 10, (1, 1))),
        ("monow", ("grey", 8, (1, 1))),
        ("bgr0", ("rgb", 8, (1, 1))),
        ("rgb565le", ("rgb", 8, (1, 1))),
        ("pal8", ("rgb", 8, (1, 1))),
        ("x2rgb10le", ("rgb", 10, (1, 1))),
        ("gbrp9le", ("rgb", 9, (1, 1))),
        ("rgb48be", ("rgb", 16, (1, 1))),
    ],
)
def test_a_pixel_format_is_known_by_its_name(name: str, expected: tuple[str, int, tuple[int, int]]) -> None:
    assert PixelFormat.of(name) == PixelFormat(name, *expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["grayf32le", "gbrpf16le", "xyz12le", "cuda"])
def test_pixels_that_no_array_here_holds_have_no_format(name: str) -> None:
    assert PixelFormat.of(name) is None


@pytest.mark.parametrize(
    ("want", "offered", "found"),
    [
        ("yuvj420p", ["yuv444p", "yuv420p"], "yuv420p"),
        ("yuv422p", ["yuv420p", "yuv444p", "yuv422p10le"], "yuv444p"),
        ("yuv420p9le", ["yuv420p", "yuv420p10le", "yuv420p12le"], "yuv420p10le"),
        ("bgr0", ["yuv420p", "yuv444p"], "yuv444p"),
        ("bgr24", ["yuv444p", "gbrp"], "gbrp"),
        ("gray10be", ["gray", "gray10le"], "gray10le"),
        ("gray", ["yuv444p", "yuv420p"], "yuv420p"),
        ("p010le", ["yuv420p10le", "yuv420p"], "yuv420p10le"),
        ("yuv420p12le", ["yuv420p", "yuv420p10le"], None),
        ("yuv420p", ["gray", "rgba"], "rgba"),
        ("yuva420p", ["yuv420p", "yuv444p"], None),
        ("yuva420p", ["yuv420p", "yuva444p", "rgba"], "yuva444p"),
    ],
)
def test_the_nearest_pixel_format_loses_nothing(want: str, offered: list[str], found: str | None) -> None:
    kind = PixelFormat.of(want)
    assert kind is not None
    assert nearest(kind, offered) == found


def test_odd_sizes_take_a_pixel_format_whose_chroma_fills_them() -> None:
    kind, offered = PixelFormat("yuv420p", "yuv", 8, (2, 2)), ["yuv420p", "yuv422p", "yuv444p"]
    assert [nearest(kind, offered, size) for size in ((64, 48), (64, 49), (65, 48))] == [
        "yuv420p",
        "yuv422p",
        "yuv444p",
    ]


def test_names_and_depths_of_planar_formats() -> None:
    assert [planar("grey", 8), planar("rgb", 10), planar("yuv", 8, "420")] == ["gray", "gbrp10le", "yuv420p"]
    assert [depth_of(255), depth_of(1023), depth_of(65535), depth_of(1000)] == [8, 10, 16, None]


@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("signs", list(itertools.product((-1, 1), repeat=2)))
def test_upright_puts_every_pixel_where_the_matrix_says(swaps: bool, signs: tuple[int, int]) -> None:
    a, b, c, d = (0, signs[0], signs[1], 0) if swaps else (signs[0], 0, 0, signs[1])
    pixels = np.arange(6).reshape(2, 3)
    turned = upright(pixels, (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30))
    points = {(a * x + c * y, b * x + d * y): pixels[y, x] for y in range(2) for x in range(3)}
    left, top = (min(point[axis] for point in points) for axis in (0, 1))
    assert {(x + left, y + top): value for (y, x), value in np.ndenumerate(turned)} == points


def test_a_slant_is_no_quarter_turn() -> None:
    slant = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)
    with pytest.raises(InputError, match="quarter turns"):
        check_quarter_turns(slant, "clip")
