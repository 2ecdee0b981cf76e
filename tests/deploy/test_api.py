"""The Python door: frames in, a whole bundle out, whatever came in; and nothing where something failed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from support.bundles import edit_manifest

import zsn2m_deploy as zsn2m
from zsn2m_deploy import api
from zsn2m_deploy.bundle import networks
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_deploy.report.words import self_check_in_words
from zsn2m_deploy.sample import SampleConfig, write_sample
from zsn2m_runtime.errors import BundleError, CheckFailedError, OutputError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.verify import verify_bundle

TINY = zsn2m.TrainConfig(method="full").updated(
    {
        "mbd": {"schedule": {"iterations": 30, "crop_side": 32}},
        "grd": {"widths": (8, 8), "schedule": {"iterations": 3, "crop_side": 32}},
    }
)
TINY_MBD = TINY.updated({"method": "mbd"})


def read(path: Path) -> Pixels:
    with open_image(path) as image:
        return image.read().pixels


@pytest.fixture(scope="module")
def frame_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("frame") / "cam.png", SampleConfig(width=61, height=47))[0]


@pytest.fixture(scope="module")
def bundle(frame_file: Path, tmp_path_factory: pytest.TempPathFactory) -> zsn2m.Bundle:
    return zsn2m.train_and_export(frame_file, tmp_path_factory.mktemp("bundles") / "cam.zsn2m", TINY)


def test_a_bundle_is_whole(bundle: zsn2m.Bundle, frame_file: Path) -> None:
    assert {path.name for path in bundle.path.iterdir()} == {
        "manifest.json", "weights.safetensors", "test_input.npy", "test_output_mbd.npy", "test_output_grd.npy",
        "mbd.onnx", "mbd.ts", "grd.onnx", "grd.ts", "denoised.png", "preview.png",
        "report.html", "report.json",
    }  # fmt: skip
    assert bundle.manifest.default == "grd"
    assert [check.passed for check in verify_bundle(bundle.path)] == [True, True]
    denoised = zsn2m.Denoiser(bundle.path)(read(frame_file))
    np.testing.assert_array_equal(read(bundle.path / "denoised.png"), denoised)
    assert read(bundle.path / "preview.png").shape[1] > 3 * 61


def test_the_report_tells_of_this_bundle(bundle: zsn2m.Bundle, tmp_path: Path) -> None:
    facts = json.loads((bundle.path / "report.json").read_text())
    training = bundle.manifest.training
    assert (facts["bundle"], facts["frame"]["name"]) == ("cam.zsn2m", "cam.png")
    assert facts["chosen"] == training.chosen
    assert facts["chosen"].startswith("noise of ")
    assert facts["warnings"] == list(training.warnings)
    assert training.summary["verdict"].startswith(f"{facts['verdict']}: ")
    assert training.summary["self-check"] == f"PSNR {self_check_in_words(SelfCheck(**facts['self_check']))}"
    assert [stage["stage"] for stage in facts["training"]["stages"]] == ["mbd", "grd"]
    assert {model["id"]: model["default"] for model in facts["models"]} == {"mbd": False, "grd": True}
    page = (bundle.path / "report.html").read_text(encoding="utf-8")
    assert "cam.zsn2m" in page and len(page) < 1_000_000
    copy = shutil.copytree(bundle.path, tmp_path / "copy.zsn2m")
    (copy / "report.html").write_text("changed")
    with pytest.raises(BundleError, match=r"report\.html"):
        zsn2m.load_bundle(copy)


def test_exporting_again_gives_the_same_pixels(bundle: zsn2m.Bundle, frame_file: Path) -> None:
    frame = read(frame_file)
    zsn2m.export(bundle.path, "int8")
    before = {model: zsn2m.Denoiser(bundle.path, model)(frame) for model in ("mbd", "grd", "mbd.int8")}
    again = zsn2m.export(bundle.path)
    assert again.manifest.extras == bundle.manifest.extras
    assert {model.id for model in again.manifest.models} == {"mbd", "grd", "mbd.int8", "grd.int8"}
    for model, pixels in before.items():
        np.testing.assert_array_equal(zsn2m.Denoiser(bundle.path, model)(frame), pixels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda method: method["mbd"].pop("level_blind"), "some are missing"),
        (lambda method: method.update(later=1), "another version"),
    ],
)
def test_another_versions_method_is_not_guessed_at(
    bundle: zsn2m.Bundle, tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "copy.zsn2m")
    edit_manifest(copy, lambda content: change(content["method"]))
    with pytest.raises(BundleError, match=message):
        zsn2m.export(copy)


def test_an_export_that_gives_other_pixels_is_refused(bundle: zsn2m.Bundle, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle.path, tmp_path / "copy.zsn2m")
    edit_manifest(copy, lambda content: content["method"]["mbd"].update(level_blind=False))
    with pytest.raises(CheckFailedError, match="the pixels that it gave before"):
        zsn2m.export(copy)


def test_a_failing_gate_writes_no_bundle_and_keeps_the_old_one(
    bundle: zsn2m.Bundle, frame_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise CheckFailedError("they differ")

    monkeypatch.setattr("zsn2m_deploy.bundle.networks.write_models", refuse)
    before = (bundle.path / "manifest.json").read_bytes()
    with pytest.raises(CheckFailedError):
        zsn2m.train_and_export(frame_file, tmp_path / "new.zsn2m", TINY_MBD)
    with pytest.raises(CheckFailedError):
        zsn2m.export(bundle.path)
    assert list(tmp_path.iterdir()) == []
    assert (bundle.path / "manifest.json").read_bytes() == before
    zsn2m.load_bundle(bundle.path)


def test_a_gate_that_fails_beside_the_report_writes_no_bundle(
    frame_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, look, looked_into = networks.write_models, api.findings, threading.Event()

    def look_and_tell(*given: Any) -> Any:
        looked_into.set()
        return look(*given)

    def refuse_video(folder: Path, models: Any, *given: Any) -> Any:
        if models[0].id == "sensor":
            return write(folder, models, *given)
        assert looked_into.wait(60)  # the report does not wait for this
        raise CheckFailedError("they differ")

    monkeypatch.setattr(networks, "write_models", refuse_video)
    monkeypatch.setattr(api, "findings", look_and_tell)
    with pytest.raises(CheckFailedError, match=r"^they differ$"):
        zsn2m.train_and_export(frame_file, tmp_path / "new.zsn2m", zsn2m.TrainConfig.from_preset("instant"))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_bundle_is_refused_before_training(
    bundle: zsn2m.Bundle, frame_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "train_networks", lambda *arguments: pytest.fail("trained"))
    with pytest.raises(OutputError, match="overwrite=True"):
        zsn2m.train_and_export(frame_file, bundle.path, TINY_MBD)


def test_a_stack_gives_its_first_page_as_16_bit_tiff(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    stack = (generator.normal(500, 5, (3, 40, 50)) + 20 * np.linspace(0, 1, 50)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    sensor = zsn2m.FrameOptions(bit_depth=12, pages="2-3")
    bundle = zsn2m.train_and_export(tmp_path / "stack.tif", tmp_path / "cam.zsn2m", TINY_MBD, sensor)
    assert bundle.manifest.sensor.range == (0.0, 4095.0)
    assert bundle.manifest.sensor.noise_sigma == pytest.approx(5.0, rel=0.15)
    denoised = read(bundle.path / "denoised.tif")
    assert (denoised.dtype, denoised.shape) == (np.uint16, (40, 50))
    changes = [float(np.std(denoised.astype(float) - page)) for page in stack]
    assert changes[1] < min(changes[0], changes[2])  # page 2 was the first to train on


def test_arrays_and_several_frames(tmp_path: Path) -> None:
    frames = [np.random.default_rng(seed).normal(0.5, 0.2, (33, 40, 3)).astype(np.float32) for seed in (1, 2)]
    sensor = zsn2m.FrameOptions(value_range=(0.0, 1.0))
    bundle = zsn2m.train_and_export(frames, tmp_path / "cam.zsn2m", TINY_MBD, sensor)
    assert len(bundle.manifest.training.frames) == 2
    assert np.load(bundle.path / "denoised.npy").shape == (33, 40, 3)


def test_names_complete_before_they_are_loaded() -> None:
    assert {"train_and_export", "Denoiser", "load_bundle"} <= set(dir(zsn2m))


def test_unknown_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'denoise'"):
        zsn2m.denoise  # noqa: B018
