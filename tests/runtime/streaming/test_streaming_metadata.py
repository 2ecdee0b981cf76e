"""What a video says beside its pixels: it comes back out of the output, or it is named."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from support.bundles import BundleMaker
from support.clips import STEP, Clip, frames_of, sink_of, through, video_sink, video_source
from support.commands import run_command

from zsn2m_runtime.streaming.opening import open_sink
from zsn2m_runtime.streaming.options import SinkOptions
from zsn2m_runtime.streaming.video import decoder
from zsn2m_runtime.streaming.video.metadata import SIDE_DATA
from zsn2m_runtime.streaming.video.source import VideoSource

ONE_THREAD = ("--model", "mbd", "--provider", "cpu", "--threads", "1")
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
HDR = {"x264-params": f"mastering-display={DISPLAY}:cll=1000,400"}
HDR_NAMES = {"HDR10 content light level", "HDR10 mastering display"}


@pytest.fixture
def hdr(tmp_path: Path) -> Path:
    return Clip("libx264", "yuv420p10le", tags=(1, 9, 16, 9), options=HDR).write(tmp_path / "hdr.mkv")


@pytest.mark.parametrize(
    ("out", "how", "kept"),
    [
        ("out.mkv", {}, True),
        ("out.mp4", {}, True),
        ("out.mp4", {"codec": "libx265"}, True),
        ("out.webm", {"codec": "libsvtav1"}, True),
        ("out.mkv", {"lossless": True}, False),
        ("out.webm", {"pixel_format": "yuv420p"}, False),
        ("out.mov", {"codec": "prores_ks"}, False),
        ("out.y4m", {}, False),
    ],
)
def test_hdr10_metadata_is_kept_or_named(
    hdr: Path, tmp_path: Path, out: str, how: dict[str, Any], kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    before = VideoSource(hdr)
    assert before.hdr.light == (1000, 400)
    assert before.hdr.display == pytest.approx((0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.005, 1000))
    lost = sink_of(hdr, tmp_path / out, **how).lost
    after = VideoSource(tmp_path / out).hdr
    if kept:
        assert after.light == before.hdr.light
        assert after.display == pytest.approx(before.hdr.display, rel=1e-3, abs=1e-4)
        assert not HDR_NAMES & set(lost)
    else:
        assert after.display is None and after.light is None
        assert set(lost) >= HDR_NAMES
        assert "not kept of the source: HDR10 content light level, HDR10 mastering display" in caplog.text


@pytest.mark.parametrize(("out", "kept"), [("out.mov", True), ("out.mp4", True), ("out.mkv", True), ("out.avi", False)])
def test_a_timecode_is_kept_or_named(tmp_path: Path, out: str, kept: bool) -> None:
    first = tmp_path / "in.mov"
    clip = Clip()
    with av.open(str(first), "w") as container:
        stream = clip._add_video(container)
        stream.metadata["timecode"] = "10:00:00:07"
        for number, time in enumerate(clip.times):
            container.mux(stream.encode(clip._frame(number, time)))
        container.mux(stream.encode(None))
    source = VideoSource(first)
    assert source.facts["timecode"] == "10:00:00:07"
    assert source.decoder.left_out == []  # the track with nothing but that
    lost = sink_of(first, tmp_path / out).lost
    found = VideoSource(tmp_path / out).facts.get("timecode")
    assert (found == "10:00:00:07", "timecode" not in lost) == (kept, kept)


@pytest.mark.parametrize(
    ("out", "how", "kind"),
    [
        ("out.mp4", {}, "yuv444p"),
        ("out.mkv", {"codec": "libx265"}, "yuv444p"),
        ("out.webm", {}, "yuv420p"),
        ("out.mkv", {"codec": "ffv1"}, "yuv420p"),
    ],
)
def test_odd_sizes_stay_and_so_does_their_chroma_or_it_is_said(
    tmp_path: Path, out: str, how: dict[str, Any], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = Clip("ffv1", "yuv420p", size=(65, 47)).write(tmp_path / "in.mkv")
    with caplog.at_level("INFO"):
        changed = sink_of(first, tmp_path / out, **how).changed
    frame = frames_of(tmp_path / out)[0]
    assert (frame.width, frame.height, frame.format.name) == (65, 47, kind)
    if kind == "yuv420p":
        assert changed == ()
    else:
        assert changed[0].startswith("pixel format yuv420p became yuv444p: libx26")
        assert "takes no odd sizes" in caplog.text


def test_chapters_tags_and_stereo_are_kept_or_named(tmp_path: Path) -> None:
    first = tmp_path / "in.mkv"
    chapter = {"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}}
    with av.open(str(Clip().write(tmp_path / "plain.mkv"))) as plain, av.open(str(first), "w") as container:
        container.metadata.update({"title": "a walk", "comment": "by hand"})
        container.set_chapters([chapter])  # type: ignore[list-item]
        stream = container.add_stream_from_template(plain.streams.video[0], opaque=True)
        stream.metadata["stereo_mode"] = "left_right"
        container.add_attachment("font.ttf", "font/ttf", b"not really a font")
        for packet in plain.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    facts = VideoSource(first).facts
    assert {"chapters", "stereo 3D layout", "tag title", "tag comment"} <= set(facts)
    assert sink_of(first, tmp_path / "out.mkv").lost == ()
    again = VideoSource(tmp_path / "out.mkv")
    assert again.facts == facts
    assert [bytes(found.data) for found in again.decoder.attachments] == [b"not really a font"]
    lost = set(sink_of(first, tmp_path / "out.mp4").lost)
    assert {"stereo 3D layout", "attachment (font.ttf)"} <= lost
    assert "chapters" not in lost
    lost = set(sink_of(first, tmp_path / "out.y4m", pixel_format="yuv420p").lost)
    assert {"chapters", "stereo 3D layout", "tags of the file (title, comment)"} <= lost


def test_an_ordinary_clip_loses_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Clip(audio=True, tags=(1, 1, 1, 1), aspect=Fraction(4, 3)).write(tmp_path / "in.mp4")
    with caplog.at_level("INFO"):
        for out in ("out.mp4", "out.mov", "out.mkv"):
            sink = sink_of(first, tmp_path / out)
            assert (sink.lost, sink.changed) == ((), ())
    assert not caplog.messages


@pytest.mark.parametrize("out", ["out.avi", "out.y4m"])
@pytest.mark.parametrize("times", [[0, STEP, 4 * STEP], [0, STEP, 2 * STEP + 400], range(0, 9 * STEP, STEP)])
def test_times_that_became_a_constant_rate_are_named(tmp_path: Path, out: str, times: Any) -> None:
    changed = sink_of(Clip(times=times).write(tmp_path / "in.mp4"), tmp_path / out).changed
    assert any("times became a constant rate of " in each for each in changed) is (len(times) == 3)


class Captions:
    """Side data as a frame has it that PyAV cannot make: closed captions from the sixth frame on."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: Any) -> set[str]:
        self.count += 1
        return {SIDE_DATA["A53_CC"]} if self.count > 5 else set()


def test_what_only_later_frames_have_is_named_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decoder, "side_data", Captions())
    sink = sink_of(Clip().write(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    assert sink.lost == ("closed captions (of later frames)",)
    assert "out.mp4: not kept of later frames: closed captions" in caplog.text


def test_tracks_that_stay_behind_are_named(tmp_path: Path) -> None:
    first = tmp_path / "in.mkv"
    with av.open(str(Clip(audio=True).write(tmp_path / "plain.mkv"))) as plain, av.open(str(first), "w") as container:
        [video], [audio] = plain.streams.video, plain.streams.audio
        streams = [container.add_stream_from_template(each, opaque=True) for each in (video, video, audio)]
        for packet in plain.demux():
            if packet.size:
                packet.stream = streams[2 if packet.stream.type == "audio" else 0]
                container.mux(packet)
    assert sink_of(first, tmp_path / "out.mkv").lost == ("video (h264)",)
    source = VideoSource(first)
    images = open_sink(f"{tmp_path}/out/", source, None, SinkOptions())  # type: ignore[arg-type]
    assert {"audio (aac)", "video (h264)", "times"} <= set(images.lost)  # type: ignore[attr-defined]


@pytest.fixture
def faults(shared_data: Path) -> Path:
    """The folder of faulty files."""
    return shared_data / "faults"


@pytest.mark.parametrize(
    ("name", "out", "options", "lost", "changed"),
    [
        ("prores.mov", "out.mov", (), [], []),
        ("hdr10.mkv", "out.mkv", (), [], []),
        ("hdr10.mkv", "out.mkv", ("--lossless",), sorted(HDR_NAMES), ["pixel format yuv420p10le became gbrp10le"]),
        ("odd420.mkv", "out.mp4", (), [], ["pixel format yuv420p became yuv444p: libx264 takes no odd sizes in it"]),
    ],
)
def test_the_report_names_what_was_lost_and_changed(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path, faults: Path, name: str, out: str,
    options: tuple[str, ...], lost: list[str], changed: list[str],
) -> None:  # fmt: skip
    bundle = make_bundle() if "odd" in name else make_bundle("uint16", 3, (0.0, 1023.0), "mbd")
    ended = run_command(capsys, "stream", bundle, faults / name, "-o", tmp_path / out, "--json", *options, *ONE_THREAD)
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert (report["lost"], report["changed"]) == (lost, changed)


def test_through_is_what_a_stream_does(tmp_path: Path) -> None:
    assert frames_of(through(Clip().write(tmp_path / "in.mp4"), tmp_path / "out.mp4"))


@pytest.mark.parametrize("used", [True, False])
def test_transparent_colours_of_a_palette_are_named(tmp_path: Path, used: bool) -> None:
    picture = Image.new("P", (64, 48))
    picture.putpalette([0, 0, 0, 255, 0, 0] + [0] * 762)
    if used:
        picture.putpixel((3, 3), 1)
    picture.save(tmp_path / "one.png", transparency=1)
    source = video_source(tmp_path / "one.png", format="png_pipe")
    assert source.kind.name == "pal8"
    assert ("transparent colours of the palette" in source.facts) is used
    sink = video_sink(tmp_path / "out.mp4", source.info, source=source)
    assert ("transparent colours of the palette" in sink.lost) is used
    sink.salvage()
