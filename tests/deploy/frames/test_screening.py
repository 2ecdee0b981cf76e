"""Mosaics are refused, stripes and regular detail are said: in training, in use, on the terminal and in the report."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command
from support.mosaics import SIGMA, Array, bayer, kinds, noise, whole
from support.trainings import STILLS, small

from zsn2m_deploy import api
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.screening import screen
from zsn2m_deploy.training import train
from zsn2m_runtime.batch import Job, run_jobs
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.running import Stream
from zsn2m_runtime.streaming.watching import Watch

SIDE = 64
QUICK = small(2)


def plain(seed: int, channels: int = 1) -> Array:
    """A ramp with noise."""
    ramp = np.linspace(60, 180, SIDE)[:, None, None] + noise(seed, (SIDE, SIDE, channels))
    return np.asarray(ramp.squeeze())


def mosaic(seed: int, channels: int = 1) -> Array:
    colours = np.zeros((SIDE, SIDE, 3)) + np.array([80.0, 170.0, 120.0])
    frame = bayer(colours, "RGGB") + noise(seed, (SIDE, SIDE))
    return frame if channels == 1 else np.repeat(frame[..., None], channels, axis=2)


def striped(seed: int, channels: int = 1) -> Array:
    frame = plain(seed, channels)
    return np.asarray(frame + noise(seed + 1, (SIDE, *(1,) * (frame.ndim - 1)), SIGMA))


def lined(seed: int) -> Array:
    return np.asarray(plain(seed) + 30.0 * (np.arange(SIDE) % 2))


@pytest.mark.parametrize("seed", range(1000, 1004))
def test_an_ordinary_frame_passes(seed: int) -> None:
    found = screen([whole(plain(seed)), whole(plain(seed + 10))], "refuse")
    assert (found.warnings, found.unmodelled) == ((), None)


def test_a_mosaic_is_refused_before_any_work_wherever_it_is_among_the_frames() -> None:
    frames = [whole(plain(1000)), whole(mosaic(1000))]
    with pytest.raises(InputError, match=r"frame 2 of 2.*--mosaic RGGB or --mosaic BGGR.*--mosaic none"):
        train(frames, small(10**7))


def test_a_mosaic_that_is_a_picture_is_trained_on_and_warned_of() -> None:
    trained = train([whole(mosaic(1000))], QUICK.updated({"mosaic": "none"}))
    assert [text.partition(":")[0] for text in trained.warnings] == ["mosaic"]
    assert trained.unmodelled is not None
    assert trained.config.mosaic == "none"


@pytest.mark.parametrize(
    ("draw", "kind", "reason"),
    [(striped, "row noise", "rows share noise"), (lined, "regular detail", "regular detail")],
)
def test_what_stays_or_may_be_lost_is_warned_of_with_the_frames_that_have_it(
    draw: object, kind: str, reason: str
) -> None:
    frames = [whole(plain(1000)), whole(draw(1001)), whole(draw(1002))]  # type: ignore[operator]
    found = screen(frames, "refuse")
    [warning] = found.warnings
    assert warning.startswith(f"{kind} (in 2 of 3 frames, the first is frame 2): ")
    assert found.unmodelled is not None
    assert reason in found.unmodelled


@pytest.mark.parametrize("removed", [True, False])
def test_stripes_are_in_the_bundle_s_verdict_if_they_stay_and_no_psnr_is_stated(tmp_path: Path, removed: bool) -> None:
    sensor = {"schedule": {"iterations": 2, "crop_side": 48}, "scenes": 1, "correct_offsets": removed}
    config = small(2, "adapt", sensor=sensor)
    bundle = api.train_and_export(whole(striped(1000)), tmp_path / "a.zsn2m", config)
    training = bundle.manifest.training
    assert any("each row has an offset" in text for text in (training.hints if removed else training.warnings))
    assert removed or training.summary["verdict"].startswith("look closer")
    report = json.loads((bundle.path / "report.json").read_text())
    assert report["self_check"]["psnr"] is None
    assert report["self_check"]["reason"].startswith(
        "rows, columns or frames shared" if removed else "rows share noise"
    )


def test_the_command_line_refuses_a_mosaic_and_names_its_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_image(tmp_path / "raw.tif", Frame(whole(mosaic(1000))))
    ended = run_command(capsys, "train-and-export", tmp_path / "raw.tif", "-o", tmp_path / "a.zsn2m")
    assert ended.code == 3
    assert ended.err.lstrip().startswith("error: raw.tif: expected a picture, but got a mosaic")
    assert not (tmp_path / "a.zsn2m").exists()


def test_a_page_of_a_stack_is_refused(tmp_path: Path) -> None:
    pages = np.stack([whole(plain(1000)), whole(mosaic(1000))])[..., None]
    np.save(tmp_path / "stack.npy", pages)
    with pytest.raises(InputError, match=r"page 2.*frame 2 of 2"):
        api.train_and_export([tmp_path / "stack.npy"], tmp_path / "a.zsn2m", QUICK, api.FrameOptions(pages="all"))


@pytest.mark.parametrize(("draw", "row"), [(mosaic, "mosaic"), (striped, "row noise"), (lined, "regular detail")])
def test_inspect_shows_it(capsys: pytest.CaptureFixture[str], tmp_path: Path, draw: object, row: str) -> None:
    frame = whole(draw(1000))  # type: ignore[operator]
    save_image(tmp_path / "a.png", Frame(frame))
    assert f"\n{row} " in run_command(capsys, "inspect", tmp_path / "a.png").out
    found = run_command(capsys, "inspect", tmp_path / "a.png", "--json").json["patterns"]
    given = {name for name, value in found.items() if value}
    assert given == {{"mosaic": "mosaic", "row noise": "rows", "regular detail": "repetition"}[row]}


def test_denoise_refuses_a_mosaic_and_warns_of_stripes(make_bundle: BundleMaker, tmp_path: Path) -> None:
    denoiser = Denoiser(make_bundle(), "mbd", "cpu", 1)
    for name, frame in (("mosaic", mosaic(1000, 3)), ("striped", striped(1000, 3)), ("plain", plain(1000, 3))):
        save_image(tmp_path / f"{name}.png", Frame(whole(frame)))
    jobs = [Job(tmp_path / f"{name}.png", tmp_path / "out" / f"{name}.png") for name in ("mosaic", "striped", "plain")]
    refused, warned, fine = run_jobs(denoiser, jobs)
    assert isinstance(refused.error, InputError)
    assert "mosaic.png" in str(refused.error)
    assert "--no-check" in str(refused.error)
    assert not jobs[0].target.exists()
    assert [sentence.partition(":")[0] for sentence in warned.unlike] == ["row noise"]
    assert (fine.error, fine.unlike) == (None, ())
    assert next(run_jobs(denoiser, jobs, check=False)).error is None


def test_a_bundle_of_such_pictures_takes_them(make_bundle: BundleMaker, bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content["method"].update(mosaic="none"))
    frame = whole(mosaic(1000, 3))
    assert Denoiser(bundle, "mbd", "cpu", 1).unlike(frame) == ()
    assert Denoiser(make_bundle(), "mbd", "cpu", 1).unlike(frame)[0].startswith("mosaic: it looks like")


def test_a_stream_of_a_mosaic_is_warned_of(make_bundle: BundleMaker, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(Denoiser(make_bundle(), "mbd", "cpu", 1).differences)
    with caplog.at_level(logging.WARNING):
        watch.check(Frame(whole(mosaic(1000, 3))), "frame 1")
        watch.finish()
    assert [text.startswith("frame 1: mosaic: it looks like") for text in watch.found] == [True]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_alpha_hides_is_not_warned_of(make_bundle: BundleMaker, tmp_path: Path, channels: int) -> None:
    denoiser = Denoiser(make_bundle(channels=channels, method="mbd"), "mbd", "cpu", 1)
    frame, hidden = whole(plain(1000, channels)), whole(mosaic(1000, channels))
    alpha = np.full(frame.shape[:2], 255, np.uint8)
    alpha[:, :40] = 0
    frame[:, :40] = hidden[:, :40]
    cutout = Frame(frame, alpha)
    assert denoiser.differences(Frame(frame))
    save_image(tmp_path / "a.png", cutout)
    result = next(run_jobs(denoiser, [Job(tmp_path / "a.png", tmp_path / "b.png")]))
    assert (result.error, result.unlike) == (None, ())
    stream = Stream(denoiser, ImageSource([tmp_path / "a.png"]), NullSink())
    assert stream.run().unlike == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stripes", "min_rownoise"])
def test_stripes_go_and_stay_where_that_is_asked_for(shared_data: Path, tmp_path: Path, name: str) -> None:
    with open_image(shared_data / "faults" / f"{name}.tif") as image:
        frame = image.read()
    left = {}
    for removed in (True, False):
        config = STILLS.updated({"sensor": {"correct_offsets": removed}})
        bundle = api.train_and_export(frame.pixels, tmp_path / f"{removed}.zsn2m", config)
        left[removed] = kinds(Denoiser(bundle.path, provider="cpu")(frame.pixels))
    assert left[True] == ()
    assert left[False]


def test_slow_bands_are_warned_of_and_no_psnr_is_stated() -> None:
    config = TrainConfig.from_preset("instant").updated({"device": "cpu", "video": False})
    bands = 20 * np.sin(np.arange(160) / 2)[:, None]
    noisy = np.random.default_rng(0).normal(120, 8, (160, 160))
    said = [train([(noisy + part).astype(np.float32)], config) for part in (0.0, bands)]
    assert not any(text.startswith("slow bands") for text in said[0].warnings)
    assert any(text.startswith("slow bands: rows repeat with a period of 12.") for text in said[1].warnings)
    assert (said[0].unmodelled, said[1].unmodelled is None) == (None, False)
