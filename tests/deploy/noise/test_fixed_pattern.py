"""A fixed pattern is found in frames of different scenes, and goes; in frames of one scene nothing is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.exported import grey_graph, three_ways
from support.mosaics import Array, bayer, noise, scene, whole
from support.trainings import small

from zsn2m_deploy import api
from zsn2m_deploy.bundle.export import export
from zsn2m_deploy.frames.scene import Scene
from zsn2m_deploy.noise.fixed_pattern import FixedPatternCorrection
from zsn2m_deploy.pretrain.offsets import find_offsets, fixed_pattern
from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import MOST_REACH
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord
from zsn2m_runtime.patterns import find_patterns

SIDE, PIXEL = 120, 12.0
CONFIG = small(2, "adapt", sensor={"schedule": {"iterations": 2, "crop_side": 48}, "scenes": 1})
SEEDS = range(1000, 1004)
CPU = torch.device("cpu")


def pattern(sigma: float) -> Array:
    return noise(99, (SIDE, SIDE), sigma)


def frames(sigma: float, scenes: bool = True) -> list[Array]:
    """Frames of different scenes, or of one, with a pattern."""
    pictures = [scene(seed if scenes else 1000, SIDE).mean(axis=2) for seed in SEEDS]
    shown = zip(pictures, SEEDS, strict=True)
    return [picture + pattern(sigma) + noise(seed, (SIDE, SIDE), PIXEL) for picture, seed in shown]


@pytest.mark.parametrize("sigma", [6.0, 12.0])
def test_the_pattern_of_different_scenes_is_found(sigma: float) -> None:
    found = fixed_pattern(frames(sigma), CPU)
    assert found is not None
    expected = sigma * PIXEL / np.sqrt(PIXEL**2 + len(SEEDS) * sigma**2)  # the best that so many frames tell
    assert found.sigma == pytest.approx(sigma, rel=0.25)
    assert (found.pattern - pattern(sigma)).std() < 1.35 * expected


@pytest.mark.parametrize(("sigma", "scenes"), [(0.0, True), (0.0, False), (12.0, False)])
def test_no_pattern_is_found_where_there_is_none_or_the_scene_stands_still(sigma: float, scenes: bool) -> None:
    assert fixed_pattern(frames(sigma, scenes), CPU) is None
    assert fixed_pattern(frames(12.0)[:1], CPU) is None


def test_frames_of_a_scene_that_was_there_before_count_once() -> None:
    """As in a video that stops and goes."""
    pictures = frames(12.0)
    again = [scene(1000, SIDE).mean(axis=2) + pattern(12.0) + noise(seed, (SIDE, SIDE), PIXEL) for seed in (7, 8, 9)]
    alone, mixed = fixed_pattern(pictures, CPU), fixed_pattern([pictures[0], *again, *pictures[1:]], CPU)
    assert alone is not None and mixed is not None
    np.testing.assert_allclose(mixed.pattern, alone.pattern, atol=0.1 * PIXEL)


@pytest.mark.parametrize("count", [2, 4])
def test_training_frames_keep_as_much_noise_as_a_new_frame_has_left(count: int) -> None:
    """A mean with their own noise in it would leave a fifth less of two frames, a tenth of four."""
    given = [Frame(frame) for frame in frames(PIXEL)[:count]]
    scenes = [Scene(frame.pixels, None) for frame in given]
    offsets, rest = find_offsets(scenes, given, [find_patterns(frame.pixels) for frame in given], CPU)
    assert offsets.pattern is not None
    kept = [(frame - scene(seed, SIDE).mean(axis=2)).std() for frame, seed in zip(rest, SEEDS, strict=False)]
    new = (pattern(PIXEL) + noise(7, (SIDE, SIDE), PIXEL) - offsets.pattern).std()
    assert np.mean(kept) == pytest.approx(new, rel=0.08)


def test_hot_pixels_are_no_part_of_the_pattern() -> None:
    hot = np.random.default_rng(0).choice(SIDE**2, 20, replace=False)
    given = frames(PIXEL)
    for frame in given:
        frame.flat[hot] += 200
    found = fixed_pattern(given, CPU)
    assert found is not None
    assert np.count_nonzero(found.pattern.flat[hot] == 0) >= 18
    assert np.count_nonzero(found.pattern == 0) <= 24


def test_the_graph_takes_it_from_frames_of_its_size_alone(tmp_path: Path) -> None:
    offsets = torch.from_numpy(noise(1, (1, 7, 9), 3.0)).float()
    runs = three_ways(grey_graph(FixedPatternCorrection(offsets)), 1, tmp_path)
    for size in ((7, 9), (9, 7), (7, 10), (8, 9), (1, 1), (20, 30)):
        frame = torch.rand(2, 1, *size)
        expected = frame - offsets if size == (7, 9) else frame
        for run in runs:
            torch.testing.assert_close(run(frame), expected)


@pytest.mark.parametrize("size", [(14, 18), (13, 17)])
@pytest.mark.parametrize("layout", BAYER_PATTERNS)
def test_the_graph_of_mosaics_takes_it_from_their_planes(
    layout: BayerPattern, size: tuple[int, int], tmp_path: Path
) -> None:
    offsets = noise(1, size, 3.0).astype(np.float32)
    planes = torch.from_numpy(to_nchw(planes_of(Frame(offsets), layout).pixels)[0])
    record = MosaicRecord(pattern=layout)
    sensor = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=1.0, mosaic=record)
    network = torch.nn.Conv2d(4, 4, 1, bias=False)
    torch.nn.init.dirac_(network.weight)
    normalisation = Normalisation(offset=0, scale=1)
    graph = MosaicGraph(SensorGraph(network, 1, sensor, normalisation, FixedPatternCorrection(planes)), layout)
    runs = three_ways(graph, 2, tmp_path)
    for of_frame in (size, size[::-1], (1, 1), (20, 31)):
        frame = torch.rand(2, 1, *of_frame)
        expected = frame - torch.from_numpy(offsets) if of_frame == size else frame
        for run in runs:
            torch.testing.assert_close(run(frame), expected)


@pytest.mark.slow
def test_a_bundle_of_mosaics_says_their_own_size(tmp_path: Path) -> None:
    size, layout = (2 * SIDE - 1, 2 * SIDE), "GRBG"
    offsets = noise(99, size, 12.0)
    clean = [bayer(scene(seed, size[1]), layout)[: size[0]] for seed in (*SEEDS, 1007)]
    noisy = [whole(picture + offsets + noise(seed, size, PIXEL)) for seed, picture in enumerate(clean)]
    bundle = api.train_and_export(noisy[:-1], tmp_path / "a.zsn2m", CONFIG.updated({"mosaic": layout}))
    found = bundle.manifest.fixed_pattern
    assert found is not None
    assert (found.height, found.width) == size
    denoiser = Denoiser(bundle.path, provider="cpu")
    assert denoiser.unlike(noisy[-1]) == ()
    assert [text.partition(":")[0] for text in denoiser.unlike(noisy[-1][2:])] == ["fixed pattern"]
    left = denoiser(noisy[-1]) - clean[-1]
    shifted = denoiser(noisy[-1][2:]) - clean[-1][2:]
    assert left.std() < 0.9 * shifted.std()
    export(bundle.path)
    np.testing.assert_array_equal(Denoiser(bundle.path, provider="cpu")(noisy[-1]), denoiser(noisy[-1]))


def test_a_bundle_of_several_frames_removes_it(tmp_path: Path) -> None:
    bundle = api.train_and_export([whole(frame) for frame in frames(12.0)], tmp_path / "a.zsn2m", CONFIG)
    found = bundle.manifest.fixed_pattern
    assert found is not None
    assert (found.height, found.width) == (SIDE, SIDE)
    assert found.sigma == pytest.approx(12.0, rel=0.25)
    assert bundle.model().receptive_radius == MOST_REACH
    assert any("the same pattern" in hint for hint in bundle.manifest.training.hints)
    assert bundle.manifest.sensor.noise_sigma < 1.25 * PIXEL
    other = whole(scene(1007, SIDE).mean(axis=2) + pattern(12.0) + noise(7, (SIDE, SIDE), PIXEL))
    denoiser = Denoiser(bundle.path, provider="cpu", strip_pixels=1)
    left = denoiser(other) - scene(1007, SIDE).mean(axis=2)
    shifted = Denoiser(bundle.path, provider="cpu")(other[1:]) - scene(1007, SIDE).mean(axis=2)[1:]
    assert left.std() < shifted.std()
    assert [text.partition(":")[0] for text in denoiser.unlike(other[1:])] == ["fixed pattern"]
    assert denoiser.unlike(other) == ()
    export(bundle.path)
    np.testing.assert_array_equal(Denoiser(bundle.path, provider="cpu")(other), denoiser(other))
