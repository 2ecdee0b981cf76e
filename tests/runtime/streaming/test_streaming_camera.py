"""Cameras by stand-ins: what they give, and how they fail."""

from __future__ import annotations

import time
from fractions import Fraction

import cv2
import numpy as np
import pytest
from support.cameras import Capture, bgr
from support.sources import collect

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.ends import Picture, StreamInfo


def test_a_camera_gives_rgb_after_the_frame_that_told_its_kind() -> None:
    capture = Capture(bgr(9), bgr(1), bgr(2), None, rate=29.97)
    asked: list[int | str] = []
    source = CameraSource(3, lambda device: asked.append(device) or capture)
    assert asked == [3]
    assert source.info == StreamInfo("camera 3", 6, 8, "uint8", 3, (0, 255), Fraction(2997, 100), live=True)
    given: list[Picture] = []
    with pytest.raises(InputError, match=r"camera 3: .*gave none"):
        collect(source, given)
    assert [item.frame.pixels[0, 0].tolist() for item in given] == [[1, 1, 101], [2, 2, 102]]
    assert [(item.number, item.name) for item in given] == [(1, "frame_00000001"), (2, "frame_00000002")]
    source.close()
    source.close()
    assert capture.released == 2


def test_a_cameras_clock_is_the_arrival_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 100.25, 100.5, 100.5, 101.0])
    source = CameraSource(0, lambda _: Capture(*[bgr()] * 5))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    pictures = [picture for _, picture in zip(range(4), source, strict=False)]
    assert [picture.pts for picture in pictures] == [250_000, 500_000, 500_001, 1_000_000]  # never twice the same
    assert {picture.time_base for picture in pictures} == {Fraction(1, 1_000_000)}
    assert [picture.arrived for picture in pictures] == [100.25, 100.5, 100.5, 101.0]


@pytest.mark.parametrize(("shape", "dtype", "limits"), [((6, 8), "uint8", (0, 255)), ((6, 8, 1), "uint16", None)])
def test_a_grey_camera_gives_grey_frames(shape: tuple[int, ...], dtype: str, limits: tuple[int, int] | None) -> None:
    source = CameraSource("/dev/video0", lambda _: Capture(*[bgr(7, shape, dtype)] * 2))
    assert (source.info.name, source.info.channels, source.info.range) == ("camera /dev/video0", 1, limits)
    picture = next(iter(source))
    assert picture.frame.pixels.shape == (6, 8)
    assert picture.frame.dtype == dtype


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_camera_that_does_not_know_its_rate_has_none(rate: float) -> None:
    assert CameraSource(0, lambda _: Capture(bgr(), rate=rate)).info.rate is None


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        (Capture(opens=False), "camera 0: expected a camera"),
        (Capture(), "gave none"),
        (Capture(cv2.error("driver")), r"but OpenCV failed \(driver\)"),
        (Capture(bgr(shape=(6, 8, 4))), "4 channels"),
        (Capture(bgr(shape=(6, 8, 2))), r"got \(6, 8, 2\)"),
        (Capture(bgr(dtype="float64")), "got float64"),
    ],
)
def test_a_camera_that_gives_nothing_usable_is_released_and_an_error(capture: Capture, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CameraSource(0, lambda _: capture)
    assert capture.released == 1


def test_a_camera_that_is_not_there_is_an_error_without_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="camera 99: "):
        CameraSource(99)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (bgr(shape=(6, 9, 3)), "got 6x9 colour uint8"),
        (bgr(shape=(6, 8)), "got 6x8 grey uint8"),
        (bgr(dtype="uint16"), "got 6x8 colour uint16"),
    ],
)
def test_a_frame_of_another_kind_ends_a_camera(other: np.ndarray, message: str) -> None:
    source = CameraSource(0, lambda _: Capture(bgr(), bgr(), other, bgr()))
    given: list[Picture] = []
    with pytest.raises(InputError, match=f"camera 0: .*{message}"):
        collect(source, given)
    assert len(given) == 1
