"""Every bad request ends in its exit code and a message that says what to do: no traceback, nothing written."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes
from support.commands import run_command, untrained, write_frame
from support.refusals import Refused, mounted

from zsn2m_deploy import api
from zsn2m_deploy.cli.interrupts import end_interrupted
from zsn2m_runtime.atomic import one_at_a_time
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.errors import UnavailableError

TINY = "[mbd.schedule]\niterations = 2\nlearning_rate = {rate}\ncrop_side = 16\nmax_crops = 1\nflips = false\n"


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """A copy of an 8-bit colour bundle."""
    return shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")


def never(*_: object) -> NoReturn:
    """In the place of training where it must not begin."""
    raise AssertionError("training began")


def write_bad(folder: Path, name: str) -> Path:
    """A frame that nobody can denoise or train on."""
    path = folder / name
    good = noisy_planes(3, 40, 40, 255)[0].transpose(1, 2, 0)
    match name:
        case "text.png":
            path.write_text("hello, I am text\n")
        case "cut.png":
            write_frame(path, side=40)
            path.write_bytes(path.read_bytes()[:-1000])
        case "empty.png":
            path.write_bytes(b"")
        case "two.npy":
            np.save(path, good[:, :, :2].astype(np.uint8))
        case "complex.npy":
            np.save(path, good.astype(np.complex64))
        case "folder":
            path.mkdir()
    return path


BAD_FRAMES = ("missing.png", "text.png", "cut.png", "empty.png", "two.npy", "complex.npy", "folder")


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_an_unreadable_frame_for_denoise(refused: Refused, bundle: Path, tmp_path: Path, name: str) -> None:
    path = write_bad(tmp_path, name)
    assert name in refused(3, "denoise", bundle, path, "-o", tmp_path / "out", "--threads", 1)


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_an_unreadable_frame_for_training(
    refused: Refused, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "train_networks", never)
    assert name in refused(3, "train-and-export", write_bad(tmp_path, name), "-o", tmp_path / "new.zsn2m")


@pytest.mark.parametrize("name", BAD_FRAMES[:-1])
def test_an_unreadable_frame_for_inspect(refused: Refused, tmp_path: Path, name: str) -> None:
    assert name in refused(3, "inspect", write_bad(tmp_path, name))


def test_a_float_frame_without_a_finite_pixel(refused: Refused, tmp_path: Path) -> None:
    frame = np.full((20, 20), np.nan, np.float32)
    np.save(tmp_path / "nan.npy", frame)
    for command in (["inspect", "nan.npy"], ["train-and-export", "nan.npy", "--range", 0, 1]):
        message = refused(3, *command)
        assert "nan.npy" in message
        assert "NaN" in message


def test_a_float_frame_without_a_range(refused: Refused, tmp_path: Path) -> None:
    np.save(tmp_path / "float.npy", np.random.default_rng(0).random((20, 20), dtype=np.float32))
    assert "add --range LOW HIGH" in refused(3, "train-and-export", "float.npy")


def test_a_frame_too_small_to_train_on(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "small.png", side=15)
    assert "16 x 16" in refused(3, "train-and-export", "small.png")


def test_frames_of_two_sensors(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    write_frame(tmp_path / "b.png", dtype="uint16")
    assert "uint16" in refused(3, "train-and-export", "a.png", "b.png")


def test_frames_that_do_not_fit_the_bundle(refused: Refused, bundle: Path, tmp_path: Path) -> None:
    write_frame(tmp_path / "deep.png", dtype="uint16")
    np.save(tmp_path / "grey.npy", np.zeros((20, 20), np.uint8))
    message = refused(3, "denoise", bundle, "deep.png", "-o", "out")
    assert "deep.png: expected uint8" in message and "uint16" in message
    assert "grey.npy: " in refused(3, "denoise", bundle, "grey.npy", "-o", "out.npy")


def test_damaged_bundles(refused: Refused, bundle: Path, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    content = bytearray((bundle / "grd.onnx").read_bytes())
    content[999] ^= 4
    (bundle / "grd.onnx").write_bytes(content)
    for command in (["denoise", bundle, "a.png", "-o", "b.png"], ["verify", bundle], ["inspect", bundle]):
        assert "grd.onnx: its SHA-256" in refused(5, *command)
    assert "grd.onnx" in refused(5, "export", bundle)


def test_a_bundle_of_a_newer_version(refused: Refused, bundle: Path, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    content = json.loads((bundle / "manifest.json").read_text()) | {"schema_version": 2}
    (bundle / "manifest.json").write_text(json.dumps(content))
    message = refused(5, "denoise", bundle, "a.png", "-o", "b.png")
    assert "manifest.json: expected schema version 1" in message and "pip install" in message


def test_no_bundle(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    for name in ("none.zsn2m", "none.onnx", "a.png"):
        assert name in refused(5, "denoise", name, "a.png", "-o", "b.png")
    for name in ("none.zsn2m", "a.png"):
        assert f"{name}: expected a bundle" in refused(5, "verify", name)


def test_providers(refused: Refused, bundle: Path, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    absent = refused(4, "denoise", bundle, "a.png", "-o", "b.png", "--provider", "directml")
    assert "provider directml" in absent
    assert "'gpu'" in refused(2, "denoise", bundle, "a.png", "-o", "b.png", "--provider", "gpu")
    assert "directml" in refused(4, "verify", bundle, "--provider", "directml")


def test_contradicting_requests(refused: Refused, bundle: Path, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    assert "a.png: expected an output" in refused(2, "denoise", bundle, "a.png", "-o", "a.png")
    assert "a.png" in refused(2, "denoise", bundle, "a.png", "-o", ".")
    assert "'x'" in refused(2, "denoise", bundle, "a.png", "-o", "b.png", "--model", "x")
    assert "bit depth of 8" in refused(2, "train-and-export", "a.png", "--bit-depth", 12)
    assert "both" in refused(2, "train-and-export", "a.png", "--bit-depth", 8, "--range", 0, 255)
    assert "LOW below HIGH" in refused(2, "train-and-export", "a.png", "--range", 9, 3)
    assert "device" in refused(2, "train-and-export", "a.png", "--device", "toaster")


def test_an_unknown_configuration_key_names_the_nearest(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    (tmp_path / "c.toml").write_text("[mbd]\nresiduals = true\n")
    message = refused(2, "train-and-export", "a.png", "--config", "c.toml")
    assert "c.toml: " in message and "did you mean 'mbd.residual'" in message
    (tmp_path / "c.toml").write_text("strength = -1\n")
    assert "c.toml: strength: " in refused(2, "train-and-export", "a.png", "--config", "c.toml")
    (tmp_path / "c.toml").write_text("strength = \n")
    assert "c.toml: expected a TOML" in refused(2, "train-and-export", "a.png", "--config", "c.toml")


def test_an_existing_bundle_is_refused_before_training_begins(
    refused: Refused, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "train_networks", never)
    write_frame(tmp_path / "cam.png")
    for arguments in (["-o", bundle], []):  # cam.zsn2m is the default too
        message = refused(6, "train-and-export", "cam.png", *arguments)
        assert "cam.zsn2m: " in message and "--overwrite" in message


def test_a_folder_that_is_no_bundle_is_not_overwritten(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "train_networks", never)
    write_frame(tmp_path / "a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "wedding.jpg").write_bytes(b"precious")
    assert "photos" in refused(6, "train-and-export", "a.png", "-o", "photos", "--overwrite")


@pytest.mark.parametrize(("options", "reason"), [("size=16k", "the disk is full"), ("ro", "read-only")])
def test_an_output_that_cannot_be_written(
    refused: Refused, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, reason: str
) -> None:
    monkeypatch.setattr(api, "train_networks", untrained)
    generator = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", generator.integers(0, 256, (100, 100, 3), np.uint8))  # 30 kB, as the weights are 90
    with mounted(tmp_path / "disk", options) as disk:
        message = refused(6, "denoise", bundle, "a.npy", "-o", disk / "b.npy")
        assert "b.npy: " in message and reason in message
        assert reason in refused(6, "train-and-export", "a.npy", "-o", disk / "new.zsn2m")


@pytest.mark.parametrize("module", ["torch", "onnx", "safetensors"])
def test_training_without_its_packages(
    refused: Refused, bundle: Path, tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == module else find_spec(name, *rest)
    )
    write_frame(tmp_path / "a.png")
    for command in (["train-and-export", "a.png"], ["export", bundle]):
        message = refused(4, *command)
        assert module in message and "pip install 'zsn2m-deploy[cpu,train]'" in message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["training", "export"])
def test_interrupted(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, moment: str
) -> None:
    partial: list[bool] = []

    def interrupt(*_: object) -> NoReturn:
        partial.append(any(tmp_path.glob(".partial-*/weights.safetensors")))
        signal.raise_signal(number)
        raise AssertionError("the signal was ignored")

    write_frame(tmp_path / "a.png")
    monkeypatch.setattr(api, "train_networks", interrupt if moment == "training" else untrained)
    monkeypatch.setattr("zsn2m_deploy.bundle.networks.write_models", interrupt)
    before = signal.signal(number, signal.default_int_handler)  # a background job would ignore it
    try:
        assert refused(130, "train-and-export", "a.png").startswith("interrupted: ")
    finally:
        signal.signal(number, before)
    assert partial == [moment == "export"]  # and there was something to remove


def test_a_second_interrupt_changes_nothing() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        with pytest.raises(SystemExit) as ended:
            end_interrupted()
        assert ended.value.code == 130
        for number in numbers:  # while a thread that imports is waited for
            signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    "turned_into", [UnavailableError("onnxruntime"), ImportError("initialization failed")], ids=repr
)
def test_interrupted_while_a_package_is_imported(
    refused: Refused, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turned_into: Exception
) -> None:
    """Some make an ImportError of what is raised in them; that the package is missing would be wrong."""

    def interrupt(*_: object, **__: object) -> NoReturn:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise turned_into from None
        raise AssertionError("the signal was ignored")

    monkeypatch.delenv("ZSN2M_DEBUG", raising=False)
    monkeypatch.setattr("zsn2m_runtime.denoiser.Denoiser.__init__", interrupt)
    frame = write_frame(tmp_path / "a.png")
    assert refused(130, "denoise", bundle, frame, "-o", "b.png").startswith("interrupted: ")


@pytest.mark.parametrize("meanwhile", ["removed", "another size", "a pipe"])
def test_a_frame_that_changes_while_the_network_trains(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """What minutes of training gave is not lost with it."""
    frame = write_frame(tmp_path / "a.png")

    def trained(*arguments: Any) -> Any:
        frame.unlink()
        if meanwhile == "another size":
            write_frame(frame, side=33)
        elif meanwhile == "a pipe":
            os.mkfifo(frame)
        return untrained(*arguments)

    monkeypatch.setattr(api, "train_networks", trained)
    ended = run_command(capsys, "train-and-export", frame, "-o", tmp_path / "new.zsn2m")
    assert ended.code == 0, ended.err
    assert (tmp_path / "new.zsn2m" / "denoised.png").exists()


def test_training_waits_for_an_export_into_the_bundle_that_it_replaces(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the export, which read the old bundle, would put it back."""
    monkeypatch.setattr(api, "train_networks", untrained)
    frame, before = write_frame(tmp_path / "a.png"), load_bundle(bundle).manifest.created
    with ThreadPoolExecutor() as pool:
        with one_at_a_time(bundle):
            training = pool.submit(api.train_and_export, frame, bundle, overwrite=True)
            with pytest.raises(TimeoutError):
                training.result(3)
            assert load_bundle(bundle).manifest.created == before
        assert training.result(60).manifest.created != before


def test_a_loss_that_is_not_finite(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png")
    (tmp_path / "c.toml").write_text(TINY.format(rate="1e30"))
    message = refused(7, "train-and-export", "a.png", "--method", "mbd", "--config", "c.toml")
    assert "stage mbd is nan" in message and "mbd.schedule.learning_rate" in message


def test_a_network_that_died(refused: Refused, tmp_path: Path) -> None:
    write_frame(tmp_path / "a.png", side=40)
    (tmp_path / "c.toml").write_text("[mbd]\nresidual = false\n" + TINY.format(rate="1e-9"))  # stays as good as black
    assert "MBD-Net died" in refused(7, "train-and-export", "a.png", "--method", "mbd", "--config", "c.toml")


def test_a_bug_is_named_as_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> NoReturn:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("zsn2m_runtime.doctor.diagnose", broken)
    monkeypatch.delitem(os.environ, "ZSN2M_DEBUG", raising=False)
    ended = run_command(capsys, "doctor")
    assert ended.code == 1
    assert "ZeroDivisionError: oops; this is a bug" in ended.err
    assert "Traceback" not in ended.err
    monkeypatch.setenv("ZSN2M_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run_command(capsys, "doctor")
