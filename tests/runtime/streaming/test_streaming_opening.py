"""From what a user names to a source and a sink."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.clips import Clip

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming import opening
from zsn2m_runtime.streaming.ends import Source, StreamInfo
from zsn2m_runtime.streaming.image_sink import FolderSink, NullSink, StackSink
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.opening import open_sink, open_source
from zsn2m_runtime.streaming.options import SinkOptions, SourceOptions
from zsn2m_runtime.streaming.reconnecting import Reconnecting
from zsn2m_runtime.streaming.stack_copy import StackCopySink
from zsn2m_runtime.streaming.video import source as video_source
from zsn2m_runtime.streaming.video.demuxer import USUAL_READING, Reading
from zsn2m_runtime.streaming.video.raw_frames import raw_settings
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

SENSOR = Sensor(dtype="uint8", channels=3, range=(0, 255), noise_sigma=1.0)
INFO = StreamInfo("x", 6, 8, "uint8", 3, (0, 255))


class Opened:
    """What would be opened, and how."""

    def __init__(self, place: Any, reading: Reading = USUAL_READING, **how: Any) -> None:
        self.place, self.reading, self.how, self.info, self.closed = place, reading, how, INFO, 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one; it holds two images, a stack, a video and a folder of images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames").mkdir()
    for name in ("a1.png", "a2.png", "frames/b.png", "stack.tif"):
        save_image(tmp_path / name, Frame(np.zeros((6, 8, 3), np.uint8)))
    Clip(audio=True).write(tmp_path / "clip.mp4")
    return tmp_path


@pytest.fixture
def nothing_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "CameraSource", type("CameraSource", (Opened,), {}))
    monkeypatch.setattr(video_source, "VideoSource", type("VideoSource", (Opened,), {}))


def source_of(text: str, output: str | None = None, **options: Any) -> Source:
    return open_source(text, SourceOptions(**options), output)


@pytest.mark.parametrize("text", ["frames", "frames/", ".", "a*.png", "a1.png", "stack.tif", "a[12].png"])
def test_images_by_folder_pattern_or_name(folder: Path, text: str) -> None:
    source = source_of(text, rate=5.0)
    assert isinstance(source, ImageSource)
    assert source.info.rate == 5


@pytest.mark.usefixtures("nothing_opens")
@pytest.mark.parametrize(
    ("text", "kind", "live"),
    [
        ("0", "CameraSource", True),
        ("12", "CameraSource", True),
        ("/dev/video0", "CameraSource", True),
        ("rtsp://u:p@host:1/x.png", "VideoSource", True),
        ("RTSP://host/a?b=[c]*", "VideoSource", True),
        ("udp://127.0.0.1:1", "VideoSource", True),
        ("srt://127.0.0.1:1", "VideoSource", True),
        ("http://host/clip.mp4", "VideoSource", False),
        ("clip.mp4", "VideoSource", False),
    ],
)
def test_cameras_and_streams_come_back_and_files_do_not(folder: Path, text: str, kind: str, live: bool) -> None:
    source: Any = source_of(text)
    opened = source.source if isinstance(source, Reconnecting) else source
    assert (type(opened).__name__, isinstance(source, Reconnecting)) == (kind, live)
    assert opened.place == (int(text) if text.isdecimal() else text)
    assert opened.reading.live is (live and kind == "VideoSource")


@pytest.mark.usefixtures("nothing_opens")
@pytest.mark.parametrize(
    ("output", "tracks", "upright"),
    [("a.mp4", True, False), ("a.webm", True, False), ("a.avi", True, True), ("a.y4m", False, True),
     ("-", False, True), ("a/", False, True), ("a.tif", False, True), (None, False, True)],
)  # fmt: skip
def test_tracks_and_rotation_go_through_where_the_output_holds_them(
    folder: Path, output: str | None, tracks: bool, upright: bool
) -> None:
    source: Any = source_of("clip.mp4", output, deinterlace=True)
    assert (source.reading, source.how) == (Reading(deinterlace=True, pass_tracks=tracks), {"upright": upright})
    silent: Any = source_of("clip.mp4", output, tracks=False)
    assert silent.reading.pass_tracks is False


def test_raw_frames_are_described_for_ffmpeg() -> None:
    size = {"video_size": "640x480", "pixel_format": "gray10le"}
    for text, rate, expected in (
        ("640x480:gray10le@30000/1001", None, "30000/1001"),
        ("640x480:gray10le@12.5", None, "12.5"),
        ("640x480:gray10le", Fraction(2997, 100), "2997/100"),
        ("640x480:gray10le", None, "25"),
    ):
        assert raw_settings(text, rate) == {**size, "framerate": expected}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("640:gray", "WxH:FORMAT.* got '640:gray'"),
        ("0x480:gray", "size.* got 0x480"),
        ("640x480:grey", "pixel format.* got 'grey'"),
        ("640x480:gray@0", "rate.* got 0;"),
        ("640x480:gray@25/0", "rate.* got 25/0;"),
    ],
)
def test_raw_frames_that_cannot_be_are_a_usage_error(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        source_of("-", raw=text)


def test_names_that_are_empty_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="name of the source"):
        source_of("")
    with pytest.raises(UsageError, match="name of the output"):
        open_sink("", source_of("frames"), SENSOR, SinkOptions())


def test_names_that_are_too_long_are_refused(folder: Path) -> None:
    long = "a" * 5000
    with pytest.raises(InputError, match="nothing of that name"):
        source_of(long)
    source = source_of("frames")
    with pytest.raises(OutputError, match="the name is too long"):
        open_sink(f"{long}/", source, SENSOR, SinkOptions()).write(next(iter(source)))
    with pytest.raises(OutputError, match="the name is too long"):
        open_sink(f"{long}.mkv", source, SENSOR, SinkOptions())


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        (None, "frames", NullSink),
        ("out", "frames", FolderSink),
        ("out.d/", "frames", FolderSink),
        ("frames", "clip.mp4", FolderSink),
        ("out.tif", "stack.tif", StackCopySink),
        ("out.TIFF", "a*.png", StackSink),
        ("out.tif", "clip.mp4", StackSink),
        ("out.mkv", "clip.mp4", VideoSink),
        ("out.MP4", "frames", VideoSink),
    ],
)
def test_the_name_of_an_output_says_its_kind(folder: Path, text: str | None, source: str, kind: type) -> None:
    opened = source_of(source, text)
    sink = open_sink(text, opened, SENSOR, SinkOptions())
    assert type(sink) is kind
    sink.salvage()
    opened.close()


def test_a_folder_takes_its_files_type_from_the_source_unless_told(folder: Path) -> None:
    for source, options, expected in (
        ("frames", SinkOptions(), "b.png"),
        ("frames", SinkOptions(image_type="tif"), "b.tif"),
        ("clip.mp4", SinkOptions(), "frame_00000001.png"),
        ("clip.mp4", SinkOptions(image_type=".npy"), "frame_00000001.npy"),
    ):
        opened = source_of(source, "out/")
        open_sink("out/", opened, SENSOR, options).write(next(iter(opened)))
        assert (folder / "out" / expected).is_file()
        opened.close()


def test_a_source_is_closed_where_its_rate_is_stated_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Rated(Opened):
        def __init__(self, *arguments: Any, **how: Any) -> None:
            super().__init__(*arguments, **how)
            self.info = StreamInfo("x", 6, 8, "uint8", 3, (0, 255), Fraction(24))
            made.append(self)

    made: list[Rated] = []
    monkeypatch.setattr(video_source, "VideoSource", Rated)
    with pytest.raises(UsageError, match=r"24 a second.*--fps"):
        source_of("clip.mp4", rate=25.0)
    assert made[0].closed == 1


def test_a_camera_whose_number_opencv_refuses_is_an_error() -> None:
    with pytest.raises(InputError, match=r"camera 9{20}: .*number"):
        source_of("9" * 20)


def test_a_video_stays_a_video(folder: Path) -> None:
    source = source_of("clip.mp4", "out.mp4")
    assert isinstance(source, VideoSource)
    assert [track.type for track in source.decoder.tracks] == ["audio"]
    source.close()
