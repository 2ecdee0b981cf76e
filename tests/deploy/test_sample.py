"""The synthetic sample: its noise has the statistics asked for, its scene works at any size."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from zsn2m_deploy.sample import SampleConfig, clean_scene, sample_frames, write_sample
from zsn2m_deploy.sample.noise import noisy_pixels
from zsn2m_deploy.sample.scene import STEP, travelled
from zsn2m_deploy.sample.write import clean_twin
from zsn2m_runtime.errors import UsageError

SMALL = SampleConfig(width=96, height=80)


def flat_noise(config: SampleConfig, x: float, shape: tuple[int, ...] = (512, 512)) -> np.ndarray:
    """Noise, as a share of the span, on a flat field of value x."""
    level = round(x * config.peak) + config.black_level
    clean = np.full(shape, level, dtype=config.dtype)
    noisy = noisy_pixels(clean, config, np.random.default_rng([config.seed, 0]))
    assert noisy.dtype == clean.dtype
    assert noisy.shape == clean.shape
    return (noisy.astype(np.float64) - level) / config.peak


def correlation_at(noise: np.ndarray, rows: int, columns: int) -> float:
    first = noise[: noise.shape[0] - rows, : noise.shape[1] - columns]
    return float((first * noise[rows:, columns:]).mean() / noise.var())


def centroid_column(weights: np.ndarray) -> float:
    return float(weights.sum(axis=0) @ np.arange(weights.shape[1]) / weights.sum())


# --- the settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        *({"width": 15}, {"height": 16385}, {"channels": 2}, {"bit_depth": 12}, {"frames": 0}, {"seed": -1}),
        *({"photons": -1.0}, {"photons": float("nan")}, {"read_noise": 256.0}, {"correlation": 0.61}),
    ],
)
def test_settings_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"expected .*{next(iter(wrong))}.* but got"):
        SampleConfig(**wrong)  # type: ignore[arg-type]


def test_torch_is_not_imported() -> None:
    code = "import sys, zsn2m_deploy.sample; sys.exit('torch' in sys.modules)"
    paths = [str(Path(__file__).parents[2] / part) for part in (".", "export", "runtime")]
    environment = {"PYTHONPATH": ":".join(paths)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


# --- the noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit_depth", [8, 16])
@pytest.mark.parametrize("correlation", [0.0, 0.45])
@pytest.mark.parametrize("x", [0.3, 0.5])
def test_variance_is_shot_noise_plus_read_noise(bit_depth: int, correlation: float, x: float) -> None:
    config = SampleConfig(bit_depth=bit_depth, photons=150.0, read_noise=12.0, correlation=correlation)
    noise = flat_noise(config, x)
    expected = x / 150.0 + (12.0 / 255.0) ** 2
    assert noise.var() == pytest.approx(expected, rel=0.05)
    assert abs(noise.mean()) < 0.05 * np.sqrt(expected)


def test_each_part_of_the_noise_can_be_alone_or_absent() -> None:
    shot = flat_noise(SampleConfig(bit_depth=16, photons=40.0, read_noise=0.0), 0.5)
    assert shot.var() == pytest.approx(0.5 / 40.0, rel=0.05)
    read = flat_noise(SampleConfig(photons=0.0, read_noise=25.0), 0.5) * 255
    assert read.std() == pytest.approx(25.0, rel=0.025)
    none = SampleConfig(photons=0.0, read_noise=0.0, correlation=0.3)
    assert not flat_noise(none, 0.5).any()


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.4, 0.6])
def test_correlation_is_what_was_asked_for(correlation: float) -> None:
    noise = flat_noise(replace(SMALL, correlation=correlation), 0.5)
    assert correlation_at(noise, 0, 1) == pytest.approx(correlation, abs=0.03)
    assert correlation_at(noise, 1, 0) == pytest.approx(correlation, abs=0.03)
    assert correlation_at(noise, 1, 1) == pytest.approx(correlation**2, abs=0.03)
    assert correlation_at(noise, 0, 3) == pytest.approx(0.0, abs=0.03)


def test_correlated_noise_is_as_strong_at_the_border() -> None:
    noise = flat_noise(SampleConfig(correlation=0.6), 0.5, (16, 30000))
    assert noise[0].var() == pytest.approx(noise[8].var(), rel=0.08)


def test_channels_have_independent_noise() -> None:
    noise = flat_noise(SampleConfig(correlation=0.5), 0.5, (256, 256, 3)).reshape(-1, 3)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.03


def test_default_noise_is_about_sigma_25() -> None:
    noisy, clean = next(sample_frames(SampleConfig()))
    error = noisy.pixels.astype(np.float64) - clean.pixels
    assert 10 * np.log10(255**2 / (error**2).mean()) == pytest.approx(20.2, abs=0.4)
    assert (flat_noise(SampleConfig(), 0.5) * 255).std() == pytest.approx(25.0, rel=0.025)
    assert np.isin(noisy.pixels, (0, 255)).mean() < 0.02


# --- the scene ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (33, 17), (101, 203), (16, 300), (300, 16), (255, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_has_a_scene(size: tuple[int, int], channels: int) -> None:
    config = SampleConfig(width=size[0], height=size[1], channels=channels)
    scene = clean_scene(config)
    assert scene.shape == ((size[1], size[0], 3) if channels == 3 else (size[1], size[0]))
    assert scene.dtype == np.float32
    assert scene.min() >= 0.03  # also: no hole left unpainted, no NaN
    assert scene.max() <= 0.95
    assert scene.std() > 0.08


def test_grey_is_the_luma_of_the_colours() -> None:
    luma = clean_scene(SMALL) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(clean_scene(replace(SMALL, channels=1)), luma, atol=1e-5)


def test_clean_frame_is_the_scene_in_sensor_values() -> None:
    for config in (SMALL, replace(SMALL, bit_depth=16)):
        clean = next(sample_frames(config))[1].pixels
        assert clean.dtype.name == config.dtype
        expected = clean_scene(config) * config.peak + config.black_level
        np.testing.assert_allclose(clean, expected, atol=0.51)


def test_16_bit_is_a_12_bit_sensor_with_a_black_level() -> None:
    config = replace(SMALL, bit_depth=16)
    assert (config.black_level, config.white_level, config.peak) == (512, 4095, 3583)
    noisy, clean = next(sample_frames(config))
    assert 512 < clean.pixels.min() < clean.pixels.max() < 4095
    error = (noisy.pixels.astype(np.float64) - clean.pixels) / config.peak
    assert 10 * np.log10(1 / (error**2).mean()) == pytest.approx(20.2, abs=0.5)


# --- seeds and frames -----------------------------------------------------------------------------


def test_a_seed_always_gives_the_same_frames() -> None:
    config = replace(SMALL, frames=2, seed=7, correlation=0.3)
    for (noisy, clean), (noisy_again, clean_again) in zip(sample_frames(config), sample_frames(config), strict=True):
        np.testing.assert_array_equal(noisy.pixels, noisy_again.pixels)
        np.testing.assert_array_equal(clean.pixels, clean_again.pixels)


def test_another_seed_changes_the_noise_and_not_the_scene() -> None:
    noisy, clean = next(sample_frames(SMALL))
    noisy_other, clean_other = next(sample_frames(replace(SMALL, seed=1)))
    np.testing.assert_array_equal(clean.pixels, clean_other.pixels)
    assert (noisy.pixels != noisy_other.pixels).mean() > 0.9


def test_a_longer_sequence_starts_with_the_shorter_one() -> None:
    single = next(sample_frames(SMALL))
    first, second = sample_frames(replace(SMALL, frames=2))
    np.testing.assert_array_equal(single[0].pixels, first[0].pixels)
    assert len({noisy.pixels.tobytes() for noisy, _ in (first, second)}) == 2


def test_moving_objects_move_and_the_rest_stands_still() -> None:
    config = SampleConfig(width=200, height=200, frames=3)
    scenes = [clean_scene(config, index) for index in range(3)]
    changed = np.abs(scenes[1] - scenes[0]).max(axis=2) > 0
    assert 0.02 < changed.mean() < 0.2
    assert changed[10:80, 40:95].any()  # the large balloon
    assert not changed[80:95].any()  # mountains
    assert not changed[130:, :130].any()  # fan, sign and cloth


def test_motion_is_less_than_a_pixel_per_frame() -> None:
    positions = np.array([travelled(200.0, index) for index in range(400)])
    steps = np.hypot(*np.diff(positions, axis=0).T)
    np.testing.assert_allclose(steps, STEP, rtol=0.01)
    assert np.abs(positions).max() < 13.0  # never leaves its place


def test_the_drawn_boat_moves_by_the_stated_distance() -> None:
    config = SampleConfig(width=400, height=400)
    redness = [clean_scene(config, index)[190:228, 130:162] @ [1.0, -1.0, 0.0] for index in (0, 5)]
    first, second = (np.clip(red, 0.15, None) - 0.15 for red in redness)  # only the red sail
    assert centroid_column(second) - centroid_column(first) == pytest.approx(-travelled(400.0, 5)[0], abs=0.1)


def test_noise_is_independent_between_frames() -> None:
    config = SampleConfig(width=200, height=200, frames=2)
    noise = [noisy.pixels.astype(np.float64) - clean.pixels for noisy, clean in sample_frames(config)]
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_one_frame_makes_a_noisy_and_a_clean_file(tmp_path: Path, channels: int, bit_depth: int) -> None:
    config = replace(SMALL, channels=channels, bit_depth=bit_depth)
    files = write_sample(tmp_path / "out.png", config)
    assert files == [tmp_path / "out.png", tmp_path / "out_clean.png"]
    for file, frame in zip(files, next(sample_frames(config)), strict=True):
        stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert stored is not None
        np.testing.assert_array_equal(stored if channels == 1 else stored[..., ::-1], frame.pixels)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_frames_are_numbered(tmp_path: Path) -> None:
    files = write_sample(tmp_path / "out.png", replace(SMALL, frames=2))
    names = ["out_0000.png", "out_0000_clean.png", "out_0001.png", "out_0001_clean.png"]
    assert [file.name for file in files] == names
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("channels", [1, 3])
def test_tiff_frames_make_two_stacks(tmp_path: Path, channels: int) -> None:
    config = replace(SMALL, frames=3, channels=channels, bit_depth=16)
    files = write_sample(tmp_path / "out.tif", config)
    assert files == [tmp_path / "out.tif", clean_twin(tmp_path / "out.tif")]
    pairs = list(sample_frames(config))
    for position, file in enumerate(files):
        with tifffile.TiffFile(file) as stack:
            assert len(stack.pages) == 3
            for page, pair in zip(stack.pages, pairs, strict=True):
                np.testing.assert_array_equal(page.asarray(), pair[position].pixels)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_a_format_that_cannot_hold_the_frames_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="uint16"):
        write_sample(tmp_path / "out.jpg", replace(SMALL, bit_depth=16))
    assert not list(tmp_path.iterdir())
