"""Which frames are trained on as mosaics, and of which pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.mosaics import bayer, noise, scene, whole

from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.config.networks import ScheduleConfig, SensorConfig
from zsn2m_deploy.fit.crops import CropSampler, orient, orient_planes
from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_deploy.frames.mosaics import mosaic_record
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.training import train
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord

RAW = np.array([0.5, 1.0, 0.7])  # a sensor's red and blue are weaker


def mosaic(pattern: str, seed: int = 1000) -> np.ndarray[Any, Any]:
    return whole(bayer(scene(seed) * RAW, pattern) + noise(seed, (160, 160)))


def found(asked: Any, stated: BayerPattern | None = None, frame: np.ndarray[Any, Any] | None = None) -> Any:
    record = MosaicRecord(pattern=stated, black=(64, 64, 64, 64)) if stated else None
    pixels = np.zeros((32, 32), np.uint8) if frame is None else frame
    return mosaic_record(asked, [record], [Frame(pixels)], ["a.tif"])


def test_a_file_says_the_pattern_and_its_levels() -> None:
    for asked in ("refuse", "auto", "GBRG"):
        assert found(asked, "GBRG") == MosaicRecord(pattern="GBRG", black=(64, 64, 64, 64))
    assert found("none", "GBRG") is None


def test_without_such_a_file_the_option_says_it() -> None:
    assert found("refuse") is None
    assert found("BGGR") == MosaicRecord(pattern="BGGR")


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_auto_finds_the_pattern_up_to_red_and_blue(pattern: BayerPattern) -> None:
    alike = {"RGGB": "RGGB", "BGGR": "RGGB", "GRBG": "GRBG", "GBRG": "GRBG"}[pattern]
    assert found("auto", frame=mosaic(pattern)) == MosaicRecord(pattern=alike)


def test_auto_does_not_guess() -> None:
    with pytest.raises(InputError, match=r"a.tif.*name it: --mosaic RGGB"):
        found("auto", frame=whole(scene(1000).mean(axis=2) + noise(1000, (160, 160))))


def test_contradictions_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a.tif.*--mosaic GBRG, as its file states, but got RGGB"):
        found("RGGB", "GBRG")
    with pytest.raises(InputError, match=r"one value a pixel.*3 channels"):
        found("RGGB", frame=np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="BGGR and RGGB"):
        records = [MosaicRecord(pattern=pattern) for pattern in ("RGGB", "BGGR")]
        mosaic_record("auto", records, [Frame(np.zeros((8, 8), np.uint8))] * 2, ["a.tif", "b.tif"])


def test_auto_refuses_frames_whose_pixels_show_different_filters() -> None:
    grey = whole(scene(1000).mean(axis=2) + noise(1000, (160, 160)))
    loaded = load_training_frames([grey, mosaic("GRBG"), mosaic("GBRG", 1001)], FrameOptions(), "auto")
    assert loaded.mosaic == MosaicRecord(pattern="GRBG")
    with pytest.raises(InputError, match=r"frame 1, frame 2: .*GRBG or GBRG and RGGB or BGGR"):
        load_training_frames([mosaic("RGGB"), mosaic("GRBG")], FrameOptions(), "auto")


def test_a_pattern_that_the_pixels_contradict_is_warned_of() -> None:
    [said] = load_training_frames([mosaic("RGGB")], FrameOptions(), "GRBG").warnings
    assert "expected a GRBG mosaic" in said and "RGGB or BGGR" in said
    for asked in ("RGGB", "BGGR", "none"):
        assert load_training_frames([mosaic("RGGB")], FrameOptions(), asked).warnings == ()


def test_frames_are_seen_as_planes_and_kept_as_they_are() -> None:
    frame = mosaic("GRBG")[:, :-1]
    loaded = load_training_frames([frame], FrameOptions(), "GRBG")
    np.testing.assert_array_equal(loaded.frames[0].pixels, frame)
    np.testing.assert_array_equal(mosaic_of(loaded.seen[0].pixels, "GRBG", frame.shape), frame)


def test_the_papers_methods_refuse_mosaics() -> None:
    from zsn2m_deploy.config.training import TrainConfig

    planes = planes_of(Frame(mosaic("RGGB")), "RGGB")
    with pytest.raises(UsageError, match="expected method adapt for mosaics, but got mbd"):
        train([planes], TrainConfig(method="mbd"))


@pytest.mark.parametrize("orientation", range(8))
def test_turned_planes_are_those_of_a_turned_mosaic(orientation: int) -> None:
    """Seen in a picture whose colour at each pixel is known: filters stay in their places."""
    picture = np.random.default_rng(0).random((18, 22, 3)).astype(np.float32)
    planes = torch.from_numpy(planes_of(Frame(bayer(picture, "RGGB")), "RGGB").pixels).movedim(2, 0)
    turned = orient(torch.from_numpy(picture[:-1, :-1]).movedim(2, 0), orientation).movedim(0, 2).numpy()
    expected = planes_of(Frame(bayer(turned, "RGGB")[:-1, :-1]), "RGGB").pixels
    np.testing.assert_array_equal(orient_planes(planes, orientation).movedim(0, 2).numpy(), expected)


def test_crops_of_planes_keep_their_size_and_what_is_blank() -> None:
    planes = torch.rand(4, 40, 44)
    shown = torch.ones(1, 40, 44)
    shown[:, :20] = 0
    schedule = ScheduleConfig(iterations=1, learning_rate=1e-3, crop_side=32, max_crops=2, flips=True)
    sampler = CropSampler([planes], schedule, 8, torch.Generator().manual_seed(0), [shown])
    for _ in range(8):
        crops = sampler()
        assert crops.shape == (1, 5, 32, 32)
        assert set(crops[:, 4].unique().tolist()) <= {0.0, 1.0}


def test_drawn_scenes_are_mosaics_of_the_frames_colours() -> None:
    palette = torch.tensor([[0.2, 0.5, 0.5, 0.8]]).repeat(64, 1)
    scenes = synthetic_scenes(palette, SensorConfig(scenes=2), 0)
    assert scenes.shape == (2, 4, 192, 192)
    assert scenes.median(dim=3).values.median(dim=2).values.mean(dim=0).tolist() == pytest.approx(
        [0.2, 0.5, 0.5, 0.8], abs=0.1
    )
