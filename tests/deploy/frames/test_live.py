"""Training frames from cameras and network streams: some apart, at their depth, under names without passwords."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from support.cameras import Capture, bgr
from support.clips import Clip
from support.commands import run_command

from zsn2m_deploy.frames import live as live_frames
from zsn2m_deploy.frames.live import APART, short_name, take_frames
from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.streaming import opening, places
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.options import SourceOptions
from zsn2m_runtime.streaming.video import source as video_module
from zsn2m_runtime.streaming.video.source import VideoSource

PLACES = {
    "0": "camera0",
    "12": "camera12",
    "/dev/video3": "video3",
    "rtsp://user:secret@cam.local:554/a?token=secret": "cam.local",
    "rtsp://10.0.0.9/user=admin&password=secret": "10.0.0.9",
    "udp://127.0.0.1:5000": "127.0.0.1",
    "udp://@:5000": "stream",
    "srt://[::1]:9000?passphrase=secret": "_1",
}


@pytest.mark.parametrize("source", PLACES)
def test_names_hold_no_password(source: str) -> None:
    assert short_name(source) == PLACES[source].replace("_1", "_1")
    assert "secret" not in short_name(source)
    assert places.is_live(source)


def test_a_file_of_a_cameras_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places.is_live("0")
    (tmp_path / "0").mkdir()
    assert not places.is_live("0")
    assert not places.is_live("clip.mkv")
    Clip().write(tmp_path / "0" / "clip.mkv")
    with pytest.raises(InputError, match="image files"):
        opening.open_source("0", SourceOptions(), None)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> list[Capture]:
    """A camera 0 whose frames hold their number; the list of captures that were opened."""
    opened: list[Capture] = []

    def open_it(device: int | str) -> CameraSource:
        opened.append(Capture(*(bgr(number) for number in range(100))))
        return CameraSource(device, lambda _: opened[-1])

    monkeypatch.setattr(opening, "CameraSource", open_it)
    return opened


def test_frames_of_a_camera_are_some_apart_and_it_is_released(camera: list[Capture]) -> None:
    found = load_training_frames(["0"], FrameOptions(live_frames=2))
    assert found.names == (f"camera0 frame {APART}", f"camera0 frame {2 * APART}")
    assert [int(frame.pixels[0, 0, 0]) for frame in found.frames] == [APART, 2 * APART]  # red; the camera gives BGR
    assert (found.dtype, found.value_range, found.source, found.suffix) == ("uint8", (0, 255), None, ".png")
    assert camera[0].released


def test_three_frames_are_taken_unless_told(camera: list[Capture]) -> None:
    assert len(load_training_frames(["0"], FrameOptions()).frames) == live_frames.FRAMES == 3
    assert len(camera) == 1


def test_frames_are_kept_as_they_came(camera: list[Capture], tmp_path: Path) -> None:
    found = load_training_frames(["0"], FrameOptions(live_frames=2, keep_frames=tmp_path / "kept" / "of it"))
    names = sorted(path.name for path in (tmp_path / "kept" / "of it").iterdir())
    assert names == ["camera0_00000010.png", "camera0_00000020.png"]
    with open_image(tmp_path / "kept" / "of it" / names[1]) as image:
        np.testing.assert_array_equal(image.read().pixels, found.frames[1].pixels)
    with pytest.raises(UsageError, match="empty folder"):
        load_training_frames(["0"], FrameOptions(keep_frames=tmp_path / "kept" / "of it"))
    assert len(camera) == 1  # refused before it is opened


def test_a_camera_that_is_not_there_is_its_own_error() -> None:
    with pytest.raises(InputError, match="camera 99: "):
        take_frames("99", 1, None)


def test_what_ends_too_early_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip("ffv1", "gray10le").write(tmp_path / "clip.mkv")
    monkeypatch.setattr(video_module, "VideoSource", lambda text, reading, **how: VideoSource(clip, reading, **how))
    with pytest.raises(InputError, match=r"20 frames.*after 12"):
        take_frames("http://host/clip.mkv", 2, None)
    found = take_frames("http://host/clip.mkv", 1, tmp_path / "kept")
    assert (found.names, found.value_range, found.frames[0].dtype) == (("host frame 10",), (0, 1023), "uint16")
    with open_image(tmp_path / "kept" / "host_00000010.png") as image:  # ten bits stay ten bits
        np.testing.assert_array_equal(image.read().pixels, found.frames[0].pixels)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pages", "2"), "expected --pages for files"),
        (("--keep-frames", "kept"), "expected --frames and --keep-frames"),
        (("--frames", "2"), "expected --frames and --keep-frames"),
    ],
)
def test_options_of_the_other_kind_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, camera: list[Capture], options: tuple[str, ...], said: str
) -> None:
    source = "0" if "--pages" in options else str(Clip().write(tmp_path / "clip.mp4"))
    ended = run_command(capsys, "train-and-export", source, "-o", tmp_path / "a.zsn2m", *options)
    assert ended.code == 2
    assert said in ended.err
    assert camera == []


@pytest.fixture
def sent() -> Iterator[str]:
    """The address of an MPEG-TS stream that is being sent to this machine, 50 frames a second."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = threading.Event()
    clip = Clip(options={"g": "5", "tune": "zerolatency"}, size=(64, 48))
    thread = threading.Thread(target=_send, args=(f"udp://127.0.0.1:{port}?pkt_size=1316", clip, ended))
    thread.start()
    yield f"udp://127.0.0.1:{port}"
    ended.set()
    thread.join()


def _send(address: str, clip: Clip, ended: threading.Event) -> None:
    with av.open(address, "w", format="mpegts") as container:
        video = clip._add_video(container)
        number = 0
        while not ended.is_set():
            container.mux(video.encode(clip._frame(number % 20, 1001 * number)))
            number += 1
            time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="sends to the loopback address as POSIX systems do")
def test_frames_come_from_a_real_network_stream(sent: str) -> None:
    found = take_frames(sent, 2, None)
    assert found.names == ("127.0.0.1 frame 10", "127.0.0.1 frame 20")
    assert [frame.pixels.shape for frame in found.frames] == [(48, 64, 3)] * 2
    assert not np.array_equal(found.frames[0].pixels, found.frames[1].pixels)
    assert found.value_range == (0, 255)


@pytest.mark.slow
def test_a_camera_becomes_a_bundle(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(1000)
    reads = [generator.normal(120, 20, (64, 64, 3)).clip(0, 255).astype(np.uint8) for _ in range(40)]
    monkeypatch.setattr(opening, "CameraSource", lambda device: CameraSource(device, lambda _: Capture(*reads)))
    monkeypatch.chdir(tmp_path)
    arguments = ["0", "--frames", "2", "--preset", "fast", "--no-video", "--keep-frames", "kept", "--json"]
    ended = run_command(capsys, "train-and-export", *arguments)
    assert ended.code == 0, ended.err
    assert (tmp_path / "camera0.zsn2m" / "manifest.json").exists()
    assert [frame["name"] for frame in ended.json["training"]["frames"]] == ["camera0 frame 10", "camera0 frame 20"]
    assert len(list((tmp_path / "kept").iterdir())) == 2
