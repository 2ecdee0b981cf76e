"""A bundle for mosaics from end to end: trained, exported in every form, inspected, and used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.commands import run_command
from support.mosaics import bayer, noise, scene, whole
from support.rough import noisy_mosaic, rough_mosaic

import zsn2m_deploy as zsn2m
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit import run
from zsn2m_deploy.fit.checks import Error
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.noise.mosaics import shared_by_planes
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.training import train
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.mosaic_planes import planes_of
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.verify import verify_bundle

RAW = np.array([0.5, 1.0, 0.7])
SIZE = (159, 157)  # odd: the last row and column have half of a cell
SIGMA = 12.0


def clean() -> Pixels:
    return np.asarray(bayer(scene(1000) * RAW, "GBRG")[: SIZE[0], : SIZE[1]])


@pytest.fixture(scope="module")
def frame_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frame") / "raw.png"
    save_image(path, Frame(whole(clean() + noise(1000, SIZE, SIGMA))))
    return path


@pytest.fixture(scope="module")
def bundle(frame_file: Path, tmp_path_factory: pytest.TempPathFactory) -> zsn2m.Bundle:
    config = TrainConfig.from_preset("instant").updated({"mosaic": "GBRG"})
    path = tmp_path_factory.mktemp("bundles") / "raw.zsn2m"
    zsn2m.train_and_export(frame_file, path, config)
    zsn2m.export(path, "fp16")
    zsn2m.export(path, "int8")
    zsn2m.export(path, io="u8")
    return zsn2m.export(path)  # the weights again


def test_its_result_is_nearer_to_the_picture(bundle: zsn2m.Bundle, frame_file: Path) -> None:
    with open_image(frame_file) as noisy, open_image(bundle.path / "denoised.png") as denoised:
        before, after = (np.square(image.read().pixels - clean()).mean() for image in (noisy, denoised))
        np.testing.assert_array_equal(denoised.read().pixels, Denoiser(bundle.path)(noisy.read().pixels))
    assert after < before / 2


def test_every_model_of_it_gives_its_pixels(bundle: zsn2m.Bundle) -> None:
    assert [model.id for model in bundle.manifest.models] == ["sensor", "sensor.fp16", "sensor.int8", "sensor.u8"]
    assert all(check.passed for check in verify_bundle(bundle.path, "cpu"))


def test_what_it_says_of_its_sensor_and_noise(bundle: zsn2m.Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = bundle.manifest
    assert manifest.sensor.mosaic == MosaicRecord(pattern="GBRG")
    assert manifest.method.mosaic == "GBRG"
    assert manifest.noise is not None
    assert len(set(manifest.noise.slope)) == 1  # all planes share a line
    assert manifest.sensor.noise_sigma == pytest.approx(SIGMA, rel=0.15)
    assert "mosaics, GBRG" in run_command(capsys, "inspect", bundle.path).out
    report = json.loads((bundle.path / "report.json").read_text())
    assert report["self_check"]["psnr"] is not None
    assert (report["frame"]["height"], report["frame"]["width"]) == SIZE
    page = (bundle.path / "report.html").read_text()
    assert "GBRG mosaic" in page and f"{SIZE[1]} &times; {SIZE[0]} pixels" in page


def test_commands_for_the_next_step_have_the_bundles_place_and_the_options_of_its_frames(
    frame_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w").mkdir()
    place = tmp_path / "w" / "f.zsn2m"
    made = run_command(capsys, "train-and-export", frame_file, "--preset", "instant", "--mosaic", "gbrg", "-o", place)
    assert made.code == 0, made.err
    assert f"denoise {place} FRAME..." in made.out
    assert zsn2m.load_bundle(place).manifest.sensor.mosaic == MosaicRecord(pattern="GBRG")


def test_inspect_states_the_noise_of_the_planes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ramp = np.linspace(60, 180, 192)[:, None, None] * np.array([0.5, 1.0, 0.7])
    picture = np.broadcast_to(ramp, (192, 192, 3))
    save_image(tmp_path / "raw.png", Frame(whole(bayer(picture, "RGGB") + noise(0, (192, 192), SIGMA))))
    found = run_command(capsys, "inspect", tmp_path / "raw.png", "--json").json
    assert len(found["noise"]["slope"]) == 4
    assert found["noise"]["sigma"] == pytest.approx(SIGMA, rel=0.1)


def test_the_line_of_the_planes_is_as_low_as_the_lowest() -> None:
    levels = np.random.default_rng(0).random((1, 4, 16, 16)).astype(np.float32)
    noise_of_planes = NoiseModel.white(np.array([2e-3, 6e-3, 6e-3, 4e-3]), np.zeros(4))
    import torch

    clean_planes = torch.from_numpy(levels)
    found = shared_by_planes(noise_of_planes, [FirstGuess(clean_planes, clean_planes)])
    assert found.slope == pytest.approx([2e-3] * 4)
    assert found.floor == pytest.approx([0.0] * 4)


@pytest.mark.parametrize(("cleared", "share"), [(0.3, 0.25), (1.15, 1.0)])
def test_a_network_that_takes_a_mosaics_detail_for_noise_is_weakened(
    monkeypatch: pytest.MonkeyPatch, cleared: float, share: float
) -> None:
    import torch

    found = Error(error=0.1, margin=0.1, noise=1.0, removed=1.2, cleared=cleared)
    monkeypatch.setattr(run, "estimated_error", lambda *_: found)
    noisy = planes_of(Frame(noisy_mosaic(rough_mosaic(1000), gain=0.002, read=0.01, seed=1000)), "RGGB").pixels
    config = TrainConfig.from_preset("instant").updated({"mosaic": "RGGB", "device": "cpu", "keep_mean": False})
    trained = train([noisy], config)
    planes = (torch.from_numpy(to_nchw(noisy)) - trained.offset) / trained.scale
    with torch.no_grad():
        removed, alone = (planes - network(planes) for network in (trained.networks["sensor"], pretrained(4)))
    torch.testing.assert_close(removed, share * alone, atol=1e-5, rtol=0)
    said = [text for text in (*trained.hints, *trained.warnings) if "smallest error" in text]
    assert len(said) == (share < 1)
