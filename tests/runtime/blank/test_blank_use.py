"""Blank areas in use and in training: kept bit for bit, hidden from the network, not learned from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.bundles import BundleMaker, Model
from support.commands import run_command

from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.frames.scene import scene_of
from zsn2m_deploy.training import train
from zsn2m_runtime.blank.areas import blank_areas, filled
from zsn2m_runtime.blank.facts import blank_facts
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import training_stats, unlike
from zsn2m_runtime.sample_types import Pixels


def scene(size: tuple[int, int] = (128, 144), seed: int = 1000, sigma: float = 12.0) -> Pixels:
    """A noisy colour frame of 8 bits."""
    generator = np.random.default_rng(seed)
    down, along = np.mgrid[: size[0], : size[1]]
    clean = 110 + 60 * (np.hypot(down - 60, along - 70) < 30) + along / 4
    return (clean[..., None] + generator.normal(0, sigma, (*size, 3))).round().clip(0, 255).astype(np.uint8)


def test_padding_stays_and_does_not_bleed(each_denoiser: Denoiser) -> None:
    denoiser = each_denoiser
    frame = scene((96, 100))
    frame[:20], frame[:, 90:], frame[50:66, 30:50] = 0, (1, 200, 3), 255
    blank = blank_areas(frame)
    assert blank is not None
    clean = denoiser(frame)
    np.testing.assert_array_equal(clean[blank], frame[blank])
    np.testing.assert_array_equal(clean[~blank], denoiser(filled(frame, blank))[~blank])
    other = frame.copy()
    other[blank] = 255 - frame[blank]  # what a blank area holds makes no difference beside it
    np.testing.assert_array_equal(denoiser(other)[~blank], clean[~blank])


def test_strips_give_what_the_whole_frame_gives(each_model: Model, each_denoiser: Denoiser) -> None:
    frame = scene((400, 40))
    frame[:30], frame[200:230], frame[380:] = 0, 99, 7
    in_strips = Denoiser(*each_model, threads=1, strip_pixels=1000)
    np.testing.assert_array_equal(in_strips(frame), each_denoiser(frame))


def test_what_alpha_hides_stays_and_makes_no_difference(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle(), "mbd", threads=1)
    frame, alpha = scene((60, 70)), np.full((60, 70), 255, np.uint8)
    alpha[20:31, 10:17] = 0
    clean = denoiser(np.dstack((frame, alpha)))
    np.testing.assert_array_equal(clean[alpha == 0], np.dstack((frame, alpha))[alpha == 0])
    frame[alpha == 0] = np.random.default_rng(1).integers(0, 255, (77, 3))
    np.testing.assert_array_equal(denoiser(np.dstack((frame, alpha)))[alpha > 0], clean[alpha > 0])


def test_a_frame_of_one_value_stays(make_bundle: BundleMaker) -> None:
    frame = np.full((40, 50, 3), 9, np.uint8)
    clean = Denoiser(make_bundle(), "mbd", threads=1)(frame)
    np.testing.assert_array_equal(clean, frame)
    assert clean is not frame


def padded(frame: Pixels, name: str) -> Pixels:
    """With a third of it blank."""
    result = frame.copy()
    if name == "bars":
        result[:24], result[-24:] = 37, 37
    else:
        down, along = np.mgrid[: frame.shape[0], : frame.shape[1]]
        result[np.hypot(down - 64, along - 72) > 62] = 0 if name == "black" else 180
    return result


@pytest.mark.parametrize("name", ["bars", "black", "aperture"])
def test_noise_and_familiarity_do_not_see_padding(name: str) -> None:
    frame = scene()
    plain, found = estimate_noise([frame]), estimate_noise([padded(frame, name)])
    assert found.sigma([frame]) == pytest.approx(plain.sigma([frame]), rel=0.05)
    assert found.correlated == plain.correlated
    assert unlike(padded(frame, name), plain.record(), training_stats([frame], plain)) == ()
    assert unlike(frame, found.record(), training_stats([padded(frame, name)], found)) == ()


def test_a_frame_that_is_blank_nearly_all_over_is_refused() -> None:
    frame = scene()
    with pytest.raises(InputError, match="blank"):
        scene_of(Frame(frame, np.zeros(frame.shape[:2], np.uint8)))
    frame[:, 3:] = 0
    with pytest.raises(InputError, match="blank"):
        train([frame], load_config(None, "fast", video=False))


def test_the_scene_of_a_frame_with_bars_is_what_is_between() -> None:
    frame = scene()
    assert scene_of(Frame(frame)).pixels is frame
    found = scene_of(Frame(padded(frame, "bars")))
    np.testing.assert_array_equal(found.pixels, frame[24:-24])
    assert found.blank is None
    round_one = scene_of(Frame(padded(frame, "black")))
    assert round_one.blank is not None
    assert round_one.blank.shape == round_one.pixels.shape[:2]


def test_crops_have_few_blank_pixels_and_say_which() -> None:
    frame, shown = torch.rand(3, 96, 96), torch.ones(1, 96, 96)
    shown[:, :, 40:56] = 0
    schedule = load_config(None, "fast").sensor.schedule.model_copy(update={"crop_side": 32, "max_crops": 1})
    crops = CropSampler([frame], schedule, 8, torch.Generator().manual_seed(0), [shown])
    found = torch.cat([crops() for _ in range(20)])
    assert found.shape[1] == 4
    assert float(found[:, 3].mean()) > 0.99


@pytest.mark.parametrize(("name", "least"), [("bars", 0.4), ("nan", 0.2)])
def test_facts_in_words(name: str, least: float) -> None:
    frame = scene((100, 100))
    if name == "nan":
        frame = frame.astype(np.float32)
        frame[:20] = np.nan
    else:
        frame[:40] = (1, 2, 3)
    facts = blank_facts(Frame(frame))
    assert facts is not None
    assert facts.share == pytest.approx(least)
    assert ("6,000 NaN" if name == "nan" else "value 1 2 3") in facts.in_words()
    assert blank_facts(Frame(scene())) is None


def test_inspect_and_denoise_say_what_is_blank(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    frame = scene((100, 100))
    frame[:12] = 77
    np.save(tmp_path / "frame.npy", frame)
    assert "12 % of the samples (value 77 77 77)" in run_command(capsys, "inspect", tmp_path / "frame.npy").out
    said: dict[str, Any] = run_command(capsys, "inspect", tmp_path / "frame.npy", "--json").json
    assert said["blank"]["share"] == pytest.approx(0.12)
    out = tmp_path / "clean.npy"
    [row] = run_command(capsys, "denoise", make_bundle(), tmp_path / "frame.npy", "-o", out, "--json").json["files"]
    assert row["blank"] == pytest.approx(0.12)
    np.testing.assert_array_equal(np.load(out)[:12], frame[:12])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bars", "black", "aperture", "nan"])
def test_training_with_padding_is_as_good_as_without(name: str, tmp_path: Path) -> None:
    """The bundle's own door, NaN included: result, report and verdict are made."""
    from zsn2m_deploy.api import train_and_export
    from zsn2m_deploy.frames.reading import FrameOptions

    frame = scene()
    clean = scene(sigma=0).astype(np.float64)
    used = padded(frame, "black" if name == "nan" else name)
    mask = blank_areas(used)
    assert mask is not None
    if name == "nan":
        used = used.astype(np.float32)
        used[mask] = np.nan
    options = FrameOptions(value_range=(0, 255)) if name == "nan" else None
    config = load_config(None, "fast", video=False)
    results: list[Pixels] = []
    for number, trained_on in enumerate((frame, used)):
        made = train_and_export(trained_on, tmp_path / f"{number}.zsn2m", config, options if number else None)
        results.append(Denoiser(made.path, threads=1)(trained_on))
        if number:
            np.testing.assert_array_equal(results[-1][mask], used[mask])
            assert "blank" in " ".join(made.manifest.training.hints)
            json.loads((made.path / "report.json").read_text())
    errors = [10 * np.log10(np.square(result.astype(np.float64) - clean)[~mask].mean()) for result in results]
    assert errors[1] <= errors[0] + 0.25
