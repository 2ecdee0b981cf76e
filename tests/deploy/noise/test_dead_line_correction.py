"""Dead lines: the graph replaces them as NumPy does; unasked they are kept and said, and are no noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.exported import grey_graph, three_ways
from support.scenes import scene
from support.trainings import small

from zsn2m_deploy import api
from zsn2m_deploy.bundle.export import export
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.noise.dead_lines import DeadLineCorrection
from zsn2m_deploy.preparation import prepare
from zsn2m_deploy.training import train
from zsn2m_export.graph import SensorGraph
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import MOST_REACH
from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise_record import DeadLinesRecord
from zsn2m_runtime.sample_types import Pixels

SIDE, SIGMA = 128, 12.0
COLUMNS, ROWS = (40, 70, 71), (90,)
ASKED = {"sensor": {"correct_defects": True}}
INSTANT = TrainConfig.from_preset("instant").updated({"device": "cpu"})
TINY = small(2, "adapt", sensor={"schedule": {"iterations": 2, "crop_side": 48}, "scenes": 1})


def sound(seed: int = 3) -> tuple[Pixels, Pixels]:
    """Noisy, 8 bits, and clean."""
    made = scene("gauss", channels=1, seed=seed, side=SIDE)
    clean = made.clean.reshape(SIDE, SIDE)
    noise = np.random.default_rng(seed).normal(0, SIGMA, clean.shape)
    return np.rint(clean + noise).clip(0, 255).astype(np.uint8), clean


def spoilt(frame: Pixels) -> Pixels:
    dead = frame.copy()
    dead[:, COLUMNS[0]], dead[:, list(COLUMNS[1:])], dead[list(ROWS)] = 0, 255, 17
    return dead


@pytest.mark.parametrize(("columns", "rows"), [((1, 4, 5), ()), ((), (0, 3)), ((0, 8), (6,))])
def test_the_graph_replaces_them_as_numpy_does(columns: tuple[int, ...], rows: tuple[int, ...], tmp_path: Path) -> None:
    found = DeadLinesRecord(columns=columns, rows=rows, height=7, width=9)
    runs = three_ways(grey_graph(DeadLineCorrection(found)), 1, tmp_path)
    for size in ((7, 9), (9, 7), (7, 10), (8, 9), (1, 1), (20, 30)):
        pixels = np.random.default_rng(0).random(size).astype(np.float32)
        frame, expected = torch.from_numpy(to_nchw(pixels)), without_dead_lines(pixels, found)
        for run in runs:
            np.testing.assert_allclose(from_nchw(np.asarray(run(frame)), np.float32), expected, atol=1e-6)


def test_unasked_they_are_said_and_are_no_noise() -> None:
    noisy, _ = sound()
    trained = train([spoilt(noisy)], INSTANT)
    assert any("3 columns (41, 71, 72, from 1) and 1 row (91" in said for said in trained.warnings)
    assert not any("repeat" in said for said in trained.warnings)  # which dead lines are taken for
    assert trained.corrections.lines is None
    assert not trained.noise.correlated
    assert trained.noise.sigma([noisy]) == pytest.approx(SIGMA, rel=0.15)


def test_asked_they_are_replaced_and_the_result_is_as_of_a_sound_frame() -> None:
    noisy, clean = sound()
    errors = []
    for frame, options in ((noisy, {}), (spoilt(noisy), ASKED), (spoilt(noisy), {})):
        trained = train([frame], INSTANT.updated(options))
        network = trained.networks["sensor"]
        sensor = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=0.0)
        normalisation = Normalisation(offset=trained.offset, scale=trained.scale)
        graph = SensorGraph(network, network.stride, sensor, normalisation, network.before_padding())
        with torch.no_grad():
            result = from_nchw(graph(torch.from_numpy(to_nchw(frame.astype(np.float32)))).numpy(), np.float32)
        errors.append(float(np.square(result - clean).mean()))
        assert any("dead" in said for said in trained.warnings) == (not options and frame is not noisy)
    assert errors[1] < 1.25 * errors[0]  # 3 % of the samples are missing
    assert errors[2] > 5 * errors[0]


def test_lines_that_few_frames_have_are_not_the_sensors() -> None:
    frames = [sound(seed)[0] for seed in range(3)]
    trained = train([spoilt(frames[0]), *frames[1:]], INSTANT.updated(ASKED))
    assert trained.corrections.lines is None
    assert trained.noise.sigma([frames[1]]) == pytest.approx(SIGMA, rel=0.15)
    assert any("leaves them where fewer than half of the frames have them" in said for said in trained.warnings)


def in_the_scene(frame: Pixels) -> Frame:
    hidden = np.zeros(frame.shape, np.uint8)
    hidden[:80, 80:] = 1
    return Frame(frame, 1 - hidden)


def letterboxed(frame: Pixels) -> Frame:
    boxed = frame.copy()
    boxed[:20], boxed[-12:], boxed[:, :9] = 0, 0, 0
    return Frame(boxed)


def unknown(frame: Pixels) -> Frame:
    there = frame.astype(np.float32)
    there[30:60, 90:] = np.nan
    return Frame(there)


@pytest.mark.parametrize("blanked", [in_the_scene, letterboxed, unknown])
@pytest.mark.parametrize("options", [{}, ASKED])
def test_beside_blank_areas_they_stay_and_it_is_said_of_which_numbers_and_why(
    blanked: Callable[[Pixels], Frame], options: dict[str, object]
) -> None:
    noisy, _ = sound()
    frame = noisy.copy()
    frame[:, 40], frame[100] = 0, 255
    found = prepare([blanked(frame)], INSTANT.updated(options), torch.device("cpu"), (0, 255))
    (said,) = [text for text in found.screened.warnings if text.startswith("dead lines")]
    assert "1 column (41, from 1) and 1 row (101, from 1)" in said
    assert said.endswith("--correct-defects leaves them where frames have blank areas: cut those off, or the lines")
    assert found.corrections.lines is None
    (group,) = found.groups
    assert not group.noise.correlated
    assert group.noise.sigma([noisy]) == pytest.approx(SIGMA, rel=0.15)


def test_in_frames_of_two_sizes_they_stay_and_it_is_said_why() -> None:
    frames = [spoilt(sound(seed)[0]) for seed in range(2)]
    found = prepare([Frame(frames[0]), Frame(frames[1][:, :-8])], INSTANT.updated(ASKED), torch.device("cpu"), (0, 255))
    assert found.corrections.lines is None
    assert any("leaves them where frames have different sizes" in said for said in found.screened.warnings)
    np.testing.assert_array_equal(found.scenes[0].pixels, frames[0])
    known = DeadLinesRecord(columns=COLUMNS, rows=ROWS, height=SIDE, width=SIDE)
    alive = [without_dead_lines(frame, known) for frame in frames]
    same = prepare([Frame(alive[0]), Frame(alive[1][:, :-8])], INSTANT, torch.device("cpu"), (0, 255))
    for seen, expected in zip(found.groups, same.groups, strict=True):
        np.testing.assert_array_equal(seen.noise.slope, expected.noise.slope)
        np.testing.assert_array_equal(seen.noise.floor, expected.noise.floor)
        np.testing.assert_array_equal(seen.noise.correlation, expected.noise.correlation)


def test_lines_that_stay_are_trained_on_where_single_pixels_are_corrected() -> None:
    frame = spoilt(sound()[0])
    for place in range(7, SIDE, 11):
        frame[place, (37 * place) % 30 + 2] = 255
    found = prepare([in_the_scene(frame)], INSTANT.updated(ASKED), torch.device("cpu"), (0, 255))
    assert found.corrections.defects is not None
    scene = found.scenes[0].pixels
    assert (scene[80:, COLUMNS[0]] == frame[80:, COLUMNS[0]]).all()  # as the exported graph sees them
    assert (scene[ROWS[0]] == frame[ROWS[0]]).all()
    assert (scene != frame)[80:].any()


def test_a_bundle_keeps_them_and_says_where_they_stay(tmp_path: Path) -> None:
    noisy, _ = sound()
    bundle = api.train_and_export(spoilt(noisy), tmp_path / "a.zsn2m", TINY.updated(ASKED))
    assert bundle.manifest.dead_lines == DeadLinesRecord(columns=COLUMNS, rows=ROWS, height=SIDE, width=SIDE)
    assert any("dead or stuck 3 columns" in hint for hint in bundle.manifest.training.hints)
    assert bundle.manifest.method.model_dump()["sensor"]["correct_defects"] is False  # single pixels: there are none
    denoiser = Denoiser(bundle.path, provider="cpu")
    other, _ = sound(4)
    assert not any(text.startswith("dead") for text in denoiser.unlike(spoilt(other)))
    assert not any(text.startswith("dead columns") for text in denoiser.unlike(other[8:]))
    assert any("dead rows: expected a frame 128 pixels high" in text for text in denoiser.unlike(other[8:]))
    assert not denoiser.averages
    first, changed = denoiser(spoilt(other)), spoilt(other)
    changed[:, list(COLUMNS)], changed[list(ROWS)] = 99, 98
    np.testing.assert_array_equal(denoiser(changed), first)
    assert bundle.model().receptive_radius == MOST_REACH
    export(bundle.path)
    np.testing.assert_array_equal(Denoiser(bundle.path, provider="cpu")(changed), first)


def test_frames_with_dead_columns_alone_are_cut_in_strips(tmp_path: Path) -> None:
    noisy, _ = sound()
    noisy[:, 50] = 0
    bundle = api.train_and_export(noisy, tmp_path / "a.zsn2m", TINY.updated(ASKED))
    assert bundle.model().receptive_radius < SIDE
    whole, strips = (Denoiser(bundle.path, provider="cpu", strip_pixels=pixels) for pixels in (SIDE**2, 1))
    np.testing.assert_array_equal(strips(noisy), whole(noisy))
