"""A bundle that is replaced in mid-stream is taken up; no frame is lost, and a broken one changes nothing."""

from __future__ import annotations

import copy
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.denoisers import gain_denoiser, write_gain_model
from support.known_noise import plain_record
from support.sources import FakeSource

from zsn2m_runtime import reloading
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.reloading import Reloading, files_found
from zsn2m_runtime.sequence import MOTIONS, Sequence
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.running import Stream

Array = np.ndarray[Any, Any]

SENSOR = Sensor(dtype="uint8", channels=1, range=(0.0, 255.0), noise_sigma=1.0)
SCENE = np.random.default_rng(0).integers(60, 200, (20, 24))
BEFORE, MOST = 8, 2000  # frames before the swap, and in all if nothing is taken up
PATIENCE = 30.0  # seconds


@pytest.fixture(autouse=True)
def looks_at_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "INTERVAL", 0.0)


def picture(number: int) -> Array:
    """One scene with a little noise, so that there are no cuts."""
    return (SCENE + np.random.default_rng(number).integers(0, 9, SCENE.shape)).astype(np.uint8)


def replaced(path: Path, by: Path) -> None:
    """As a program does it that writes beside, then renames."""
    if path.is_dir():
        path.rename(path.with_name("old"))
    by.replace(path)


def model(path: Path) -> Path:
    return write_gain_model(path, SENSOR, 1.0)


def other_model(path: Path, sensor: Sensor = SENSOR) -> Path:
    return write_gain_model(path, sensor, 1.1)


def is_other(denoiser: Denoiser) -> bool:
    return bool(denoiser(picture(0)).mean() > 1.05 * picture(0).mean())


def after(found: Any, seconds: float = PATIENCE) -> Any:
    """What a function finds at last."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError("nothing was found")


def test_a_stream_goes_on_with_the_new_model_and_the_frames_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Denoiser, "noises", (plain_record(0.0, 7.0, 1),))
    monkeypatch.setattr(Denoiser, "averages", True)
    caplog.set_level(logging.INFO)
    old = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0))
    given: list[Array] = []

    def frames() -> Iterator[Array]:
        more = None
        while len(given) < MOST and (more is None or len(given) < more):
            if len(given) == BEFORE:
                replaced(tmp_path / "gain.onnx", other_model(tmp_path / "new.onnx"))
            if more is None and "was replaced" in caplog.text:
                more = len(given) + 5
            given.append(picture(len(given)))
            yield given[-1]

    results = list(old.stream(frames(), "none", reload=True))
    assert len(results) == len(given) < MOST
    new = Denoiser(tmp_path / "gain.onnx", threads=1)
    sequence, taken = Sequence(old, MOTIONS["none"]), None
    for number, (frame, result) in enumerate(zip(given, results, strict=True)):
        past = copy.deepcopy(sequence.past)  # the next mean is made of its planes
        right = sequence(Frame(frame)).pixels
        if taken is None and (right != result).any():
            taken = number
            sequence.past = past
            sequence.go_on_with(new)
            right = sequence(Frame(frame)).pixels
            assert (result != new(frame)).any()  # it still knows the frames before
        np.testing.assert_array_equal(result, right)
    assert taken is not None and taken > 1  # frames are read ahead of the results


def opened(path: Path) -> Reloading[Denoiser]:
    return Reloading(path, files_found(path), lambda: Denoiser(path, threads=1), SENSOR)


@pytest.mark.parametrize("fault", [OSError(116, "stale file handle"), MemoryError()])
def test_a_system_that_fails_while_a_bundle_is_opened_ends_no_stream(
    fault: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = model(tmp_path / "gain.onnx")

    def fails() -> Denoiser:
        raise fault

    watcher = Reloading(path, files_found(path), fails, SENSOR)
    replaced(path, other_model(tmp_path / "new.onnx"))
    after(lambda: watcher.newer() or "not taken up" in caplog.text)
    watcher.close()


@pytest.mark.parametrize("fault", ["broken", "other sensor"])
def test_what_cannot_be_used_is_said_and_not_taken_up(
    fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = model(tmp_path / "gain.onnx")
    watcher = opened(path)
    assert watcher.newer() is None
    if fault == "broken":
        path.write_bytes(path.read_bytes()[:100])
    else:
        replaced(path, other_model(tmp_path / "new.onnx", SENSOR.model_copy(update={"channels": 3})))
    after(lambda: watcher.newer() or "not taken up" in caplog.text)
    assert caplog.text.count("not taken up") == 1
    for _ in range(20):
        assert watcher.newer() is None
    replaced(path, other_model(tmp_path / "good.onnx"))
    assert is_other(after(watcher.newer))
    assert watcher.newer() is None
    watcher.close()


def test_no_bundle_at_all_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_gain_model(tmp_path / "gain.onnx", SENSOR, 1.0)
    watcher = opened(path)
    path.unlink()
    assert [watcher.newer() for _ in range(5)] == [None] * 5
    assert not caplog.text
    watcher.close()


def test_what_changed_before_the_stream_began_is_taken_up(tmp_path: Path) -> None:
    denoiser = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0))
    replaced(tmp_path / "gain.onnx", other_model(tmp_path / "new.onnx"))
    watcher = denoiser.reloading()
    assert is_other(after(watcher.newer))
    watcher.close()


class Swapping(FakeSource):
    """Replaces the bundle after some frames, first by half of one; ends some frames after it was taken up."""

    def __init__(self, bundle: Path, new: Path, caplog: pytest.LogCaptureFixture) -> None:
        super().__init__(MOST)
        self.bundle, self.new, self.caplog = bundle, new, caplog
        self.given = 0

    def __iter__(self) -> Iterator[Item]:
        for item in super().__iter__():
            self.given += isinstance(item, Picture)
            if self.given == BEFORE:
                replaced(self.bundle, shutil.copytree(self.new, self.new.with_name("half")))
                (self.bundle / "mbd.onnx").unlink()
            if self.given > BEFORE and not (self.bundle / "mbd.onnx").exists() and "not taken up" in self.caplog.text:
                shutil.copyfile(self.new / "mbd.onnx", self.bundle / "mbd.onnx")
            time.sleep(0.02)
            yield item
            if "was replaced" in self.caplog.text:
                return


def test_a_bundle_that_is_copied_slowly_is_taken_up_when_it_is_whole(
    make_bundle: BundleMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    new = shutil.copytree(bundle, tmp_path / "new.zsn2m")
    source = Swapping(bundle, new, caplog)
    report = Stream(Denoiser(bundle, "mbd", "cpu", 1), source, NullSink(), reload=True).run()
    assert report.frames_out == source.given < MOST
    assert caplog.text.index("not taken up") < caplog.text.index("was replaced")
