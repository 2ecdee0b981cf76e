"""Mosaics, stripes, dither: each is found in frames drawn with it, with its figures; nothing is found in others."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.mosaics import BAYER, SIGMA, Array, bayer, kinds, noise, scene, whole

from zsn2m_runtime.files import open_image
from zsn2m_runtime.patterns import Patterns, find_patterns, mosaic_refusal
from zsn2m_runtime.patterns.mosaic import Mosaic

SEEDS = range(1000, 1008)  # those below tune
QUAD = ("RRGG", "RRGG", "GGBB", "GGBB")
X_TRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
RAW = np.array([0.55, 1.0, 0.7])  # a sensor's red and blue before white balance


def filtered(picture: Array, letters: tuple[str, ...]) -> Array:
    """The same with any square of filters."""
    mosaic, side = np.empty(picture.shape[:2]), len(letters)
    for y in range(side):
        for x in range(side):
            mosaic[y::side, x::side] = picture[y::side, x::side, "RGB".index(letters[y][x])]
    return mosaic


def grey_frame(seed: int, side: int = 160, sigma: float = SIGMA) -> Array:
    grey = scene(seed, side).mean(axis=2)
    return np.asarray(grey + noise(seed, grey.shape, sigma))


@pytest.mark.parametrize("layout", BAYER)
def test_a_bayer_mosaic_is_found_with_its_layout(layout: str) -> None:
    found = []
    for seed in SEEDS:
        picture = bayer(scene(seed) * RAW, layout)
        found.append(find_patterns(whole(picture + noise(seed, picture.shape))))
    mosaics = [one.mosaic for one in found if one.mosaic]
    assert len(mosaics) >= 7
    assert all(one.mosaic or one.repetition for one in found)  # where red is as blue, it is a checkerboard
    assert all(layout in one.layouts and len(one.layouts) == 2 and one.period == 2 for one in mosaics)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_mosaic_is_found_in_any_unit(dtype: str) -> None:
    mosaic = bayer(scene(1000) * RAW, "GRBG") + noise(1000, (160, 160))
    frame = (16 * mosaic).astype(np.uint16) if dtype == "uint16" else (mosaic / 1e4).astype(np.float32)
    found = find_patterns(frame).mosaic
    assert found is not None
    assert "GRBG" in found.layouts


def test_a_colour_frame_is_one_where_all_its_channels_are() -> None:
    """Demosaicked frames keep a checkerboard in green."""
    mosaic = whole(bayer(scene(1000) * RAW, "GRBG") + noise(1000, (160, 160)))
    plain = whole(scene(1000).mean(axis=2) + noise(1001, (160, 160)))
    black, white = np.zeros_like(mosaic), np.full_like(mosaic, 255)
    for channels in ([mosaic] * 3, [black, mosaic, black], [mosaic, mosaic, white]):  # grey stored as colours, tinted
        assert find_patterns(np.stack(channels, axis=2)).mosaic
    assert not find_patterns(np.stack([plain, mosaic, plain], axis=2)).mosaic


def test_figures_of_a_flat_mosaic_are_right() -> None:
    picture = np.zeros((128, 128, 3)) + np.array([500.0, 1000.0, 800.0])
    found = find_patterns((bayer(picture, "RGGB") + noise(1, (128, 128), 30)).astype(np.float32)).mosaic
    assert found is not None
    assert found.contrast == pytest.approx(np.std([500, 1000, 1000, 800]), rel=0.05)
    assert found.noise == pytest.approx(30, rel=0.05)
    assert found.share == 1


@pytest.mark.parametrize("side", [16, 24, 47, 100])
def test_small_mosaics_are_found(side: int) -> None:
    frame = bayer(np.zeros((side, side, 3)) + np.array([90.0, 180.0, 140.0]), "RGGB") + noise(side, (side, side), 9)
    assert "mosaic" in kinds(whole(frame))


def test_what_an_average_keeps_of_its_sensor_s_filters_is_not_worth_a_word() -> None:
    residue = bayer(np.zeros((128, 128, 3)) + np.array([0.0, 0.5, 1.0]), "GRBG")
    frame = 100 + residue + noise(0, (128, 128), 1.2)
    assert kinds(whole(frame)) == ()
    assert kinds(whole(frame + 7 * residue)) == ("mosaic",)


@pytest.mark.parametrize("letters", [QUAD, X_TRANS])
def test_other_mosaics_are_found(letters: tuple[str, ...]) -> None:
    for seed in SEEDS:
        picture = filtered(scene(seed) * RAW, letters)
        found = find_patterns(whole(picture + noise(seed, picture.shape)))
        assert found.mosaic or found.repetition  # of red and blue alike, quad Bayer is a checkerboard
        assert not (found.mosaic and found.mosaic.layouts)


def test_a_polarisation_mosaic_is_found() -> None:
    picture = np.full((128, 128), 100.0)
    picture[0::2, 0::2] += 20  # 90 degrees
    picture[1::2, 1::2] -= 20
    picture[0::2, 1::2] += 8  # 45
    picture[1::2, 0::2] -= 8
    found = find_patterns(whole(picture + noise(0, picture.shape)))
    assert found.mosaic
    assert not found.mosaic.checkered


def test_a_mosaic_stored_as_colour_is_found() -> None:
    grey = bayer(scene(1000) * RAW, "RGGB") + noise(1000, (160, 160))
    assert "mosaic" in kinds(whole(np.repeat(grey[..., None], 3, axis=2)))


def test_the_error_names_the_option_of_a_bayer_mosaic() -> None:
    found = find_patterns(whole(bayer(scene(1000) * RAW, "GBRG") + noise(1000, (160, 160)))).mosaic
    assert found is not None
    assert "--mosaic GRBG or --mosaic GBRG" in mosaic_refusal(found)


def test_the_command_that_the_error_names_for_other_mosaics_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = whole(scene(1000)[..., 0])
    text = mosaic_refusal(Mosaic(2, (), 1.0, 15.0, 12.0, checkered=False))
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "FRAME.tif", frame)
    monkeypatch.chdir(tmp_path)
    exec(text.split('python -c "')[1].split('"')[0], {})
    for y in (0, 1):
        for x in (0, 1):
            np.testing.assert_array_equal(tifffile.imread(f"plane_{y}{x}.tif"), frame[y::2, x::2])
    assert "--mosaic none" in text


REPEATED = {
    "rows": lambda y, x: y % 2,
    "columns": lambda y, x: x % 2,
    "both": lambda y, x: (x + y) % 2,
}


@pytest.mark.parametrize("direction", REPEATED)
def test_lines_and_checkerboards_of_period_2_are_no_mosaic(direction: str) -> None:
    for seed in SEEDS:
        pattern = 16.0 * REPEATED[direction](*np.mgrid[:160, :160])
        found = find_patterns(whole(grey_frame(seed) + pattern))
        assert found.mosaic is None
        assert found.repetition is not None
        assert (found.repetition.direction, found.repetition.period) == (direction, 2)
        assert found.repetition.contrast == pytest.approx(8, rel=0.2)
        assert (found.rows, found.columns) == (None, None)


@pytest.mark.parametrize("period", [3, 4, 6])
def test_columns_of_other_periods_are_found(period: int) -> None:
    pattern = 20.0 * (np.arange(192) % period >= period // 2)
    for seed in SEEDS:
        assert kinds(whole(grey_frame(seed, 192) + pattern)) == ("regular detail",)


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize("sigma", [5.0, 40.0])
def test_checkerboards_of_larger_squares_are_no_mosaic(side: int, sigma: float) -> None:
    squares = 40.0 * ((np.indices((128, 128)) // side).sum(axis=0) % 2)
    found = find_patterns(whole(100 + squares + noise(side, squares.shape, sigma)))
    assert found.mosaic is None
    assert found.repetition is not None
    assert (found.repetition.direction, found.repetition.period) == ("both", 2 * side)


WALLS = {
    "lines": lambda y, x, p: (x % p < 2) | (y % p < 2),
    "bricks": lambda y, x, p: (y % (p // 2) < 2) | ((x + y // (p // 2) % 2 * (p // 2)) % p < 2),
    "tiles": lambda y, x, p: (x % p < p // 2) ^ (y % p < p // 2),
    "dots": lambda y, x, p: (x % p - p / 2) ** 2 + (y % p - p / 2) ** 2 < (p / 3) ** 2,
}


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("period", [8, 10, 12, 16, 18, 24])
def test_walls_and_tiles_are_no_mosaic(wall: str, period: int) -> None:
    picture = 150 - 90.0 * WALLS[wall](*np.mgrid[:160, :160], period)
    for sigma in (5, 25):
        assert find_patterns(whole(picture + noise(period, picture.shape, sigma))).mosaic is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [1, 2, 3])
def test_squares_without_noise_bring_no_warning_of_numpy(side: int) -> None:
    squares = 80 * ((np.indices((128, 128)) // side).sum(axis=0) % 2) + 88
    assert "mosaic" not in kinds(squares.astype(np.uint8))


@pytest.mark.parametrize("axis", ["rows", "columns"])
@pytest.mark.parametrize("share", [0.25, 1.5])
def test_the_deviation_of_stripes_is_told(axis: str, share: float) -> None:
    pixels = []
    for seed in SEEDS:
        offsets = noise(seed, (192, 1), share * SIGMA)
        frame = (grey_frame(seed, 192) + (offsets if axis == "rows" else offsets.T)).astype(np.float32)
        found = find_patterns(frame)
        stripes, none = (found.rows, found.columns) if axis == "rows" else (found.columns, found.rows)
        assert none is None
        assert stripes is not None
        true = np.std(np.diff(offsets[:, 0])) / np.sqrt(2)
        assert stripes.sigma == pytest.approx(true, rel=0.15)
        assert (stripes.channel, stripes.half) == (None, "")
        pixels.append(stripes.pixel_sigma)
    assert np.median(pixels) == pytest.approx(SIGMA, rel=0.15)


def test_faint_stripes_are_found() -> None:
    found = [
        find_patterns((grey_frame(seed, 192) + noise(seed, (192, 1), 0.2 * SIGMA)).astype(np.float32)).rows
        for seed in range(1000, 1012)
    ]
    assert sum(one is not None for one in found) >= 11


def test_stripes_of_one_channel_are_found_there() -> None:
    for seed in SEEDS:
        frame = scene(seed) + noise(seed, (160, 160, 3))
        frame[..., 2] += noise(seed, (1, 160), 6)
        found = find_patterns(whole(frame))
        assert found.rows is None
        assert found.columns is not None
        assert found.columns.channel == 2


def test_stripes_that_differ_from_half_to_half_are_found() -> None:
    for seed in SEEDS:
        taps = noise(seed, (192, 2), 8.0)
        found = find_patterns(whole(grey_frame(seed, 192) + taps.repeat(96, axis=1))).rows
        assert found is not None
        assert found.half == "each"
        taps[:, 1] = 0
        found = find_patterns(whole(grey_frame(seed, 192) + taps.repeat(96, axis=1))).rows
        assert found is not None
        assert found.half == "left"


def test_stripes_beside_constant_bars_are_told_as_without_them() -> None:
    frame = grey_frame(1000, 192) + noise(1000, (192, 1), 8.0)
    frame[:40] = frame[-40:] = 0.0
    frame[:, :30] = 0.0
    found = find_patterns(frame.astype(np.float32)).rows
    assert found is not None
    assert found.sigma == pytest.approx(8, rel=0.2)


def dithered(picture: Array, how: str) -> Array:
    """The picture in black and white."""
    height, width = picture.shape
    if how == "diffused":  # Floyd and Steinberg, 1976
        left = picture.copy()
        for y in range(height):
            for x in range(width):
                value = 255.0 * (left[y, x] > 127)
                error = left[y, x] - value
                left[y, x] = value
                for down, across, part in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                    if y + down < height and 0 <= x + across < width:
                        left[y + down, x + across] += error * part / 16
        return left.astype(np.uint8)
    matrix = np.array([[0.0]])
    for _ in range(2):  # Bayer's, 4 x 4
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    if how == "halftone":
        angle = 2 * np.pi * np.arange(6) / 6
        matrix = (np.cos(angle)[:, None] + np.cos(angle)).argsort(axis=None).argsort().reshape(6, 6)
    threshold = np.tile((matrix + 0.5) / matrix.size, (height // len(matrix) + 1, width // len(matrix) + 1))
    return 255 * (picture / 255 > threshold[:height, :width]).astype(np.uint8)


@pytest.mark.parametrize("how", ["diffused", "ordered", "halftone"])
def test_dithered_pictures_are_found(how: str) -> None:
    for seed in range(1000, 1003):
        picture = cv2.GaussianBlur(scene(seed, 96).mean(axis=2), (0, 0), 2)
        found = find_patterns(dithered(picture, how))
        assert found.dither is not None
        assert found.dither.values == 2
        assert (found.mosaic, found.repetition, found.rows, found.columns) == (None,) * 4


@pytest.mark.parametrize("times", [(2, 2), (1, 2), (3, 1)])
def test_repeated_pixels_are_found(times: tuple[int, int]) -> None:
    frame = whole(grey_frame(1000, 96)).repeat(times[0], axis=0).repeat(times[1], axis=1)
    found = find_patterns(frame).enlarged
    assert found is not None
    assert (found.down, found.across) == times


def correlated(seed: int) -> Array:
    return scene(seed) + 20 * cv2.GaussianBlur(noise(seed, (160, 160, 3), 1), (0, 0), 1.0)


def jpeg(seed: int) -> Array:
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", whole(scene(seed)), (cv2.IMWRITE_JPEG_QUALITY, 60))[1], 1))


def hot_pixels(seed: int) -> Array:
    frame = whole(grey_frame(seed))
    frame[np.random.default_rng(seed).random(frame.shape) < 0.01] = 255
    return frame


def demosaicked(seed: int) -> Array:
    """Noise of a sensor behind a linear demosaicking: its variance differs from pixel to pixel."""
    return np.asarray(cv2.cvtColor(whole(bayer(scene(seed), "RGGB") + noise(seed, (160, 160))), cv2.COLOR_BayerBG2RGB))


def stripes_of_the_picture(seed: int) -> Array:
    """Blinds: dark lines at no pixel's distance, in a third of the frame."""
    frame = grey_frame(seed)
    lines = 40 * (np.sin(2 * np.pi * np.arange(160) / 7.3) > 0)
    frame[:, 50:110] += lines[:, None]
    return whole(frame)


ORDINARY = {
    "white noise": lambda seed: whole(scene(seed) + noise(seed, (160, 160, 3))),
    "little noise": lambda seed: whole(grey_frame(seed, sigma=1.0)),
    "much noise": lambda seed: whole(grey_frame(seed, sigma=60.0)),
    "no noise": lambda seed: whole(scene(seed)),
    "few photons": lambda seed: np.random.default_rng(seed).poisson(scene(seed)[..., 0] / 60).astype(np.uint8),
    "single photons": lambda seed: np.random.default_rng(seed).random((160, 160)) < scene(seed)[..., 0] / 400,
    "correlated": lambda seed: whole(correlated(seed)),
    "JPEG": jpeg,
    "hot pixels": hot_pixels,
    "demosaicked": demosaicked,
    "lines": stripes_of_the_picture,
    "constant": lambda seed: np.full((160, 160), seed % 250, np.uint8),
    "horizon": lambda seed: whole(grey_frame(seed) + 80.0 * (np.arange(160) > 80)[:, None] - 40),
    "gradient": lambda seed: whole(np.linspace(20, 230, 160)[:, None] + noise(seed, (160, 160))),
    "shaking light": lambda seed: whole(grey_frame(seed) + 10 * np.sin(np.arange(160) / 12.0)[:, None]),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_nothing_is_found_in_ordinary_frames(name: str) -> None:
    found = [kinds(np.asarray(ORDINARY[name](seed)).astype(np.uint8)) for seed in range(1000, 1010)]
    assert found == [()] * 10


@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (16, 16), (17, 300), (16, 16, 3), (300, 17, 3)])
def test_nasty_sizes(shape: tuple[int, ...]) -> None:
    for sigma in (0.0, 9.0):
        assert find_patterns((100 + noise(0, shape, sigma)).astype(np.float32)) == Patterns()


def test_large_frames_are_looked_at_all_over() -> None:
    frame = np.full((1200, 2600), 90.0) + noise(0, (1200, 2600))
    assert kinds(whole(frame)) == ()
    assert kinds(whole(frame + noise(1, (1, 2600), 4.0))) == ("column noise",)
    assert kinds(whole(frame + 20 * (np.mgrid[:1200, :2600].sum(axis=0) % 2))) == ("regular detail",)


def test_the_files_of_known_faults(shared_data: Path) -> None:
    expected = {
        "min_bayer.tif": ("mosaic",),
        "stripes.tif": ("row noise",),
        "min_rownoise.tif": ("row noise",),
        "lines_period2.png": ("regular detail",),
        "min_pad.tif": (),
        "registered.tif": (),
        "letterbox.png": (),
        "cutout.png": (),
    }
    for name, found in expected.items():
        with open_image(shared_data / "faults" / name) as image:
            assert kinds(image.read().pixels) == found, name


@pytest.mark.parametrize("folder", ["kodak24", "set14", "sidd_val/noisy", "polyu/noisy", "fmd/noisy", "cells/noisy"])
def test_nothing_is_found_in_real_frames(shared_data: Path, folder: str) -> None:
    found = {}
    for path in sorted((shared_data / folder).iterdir())[1::8]:
        with open_image(path) as image:
            found[path.name] = kinds(image.read().pixels)
    assert set(found.values()) == {()}
