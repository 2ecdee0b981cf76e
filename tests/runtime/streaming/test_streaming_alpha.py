"""Alpha goes through a stream as it is, or the stream is refused before its first frame."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import HEIGHT, RAW, WIDTH, Clip, info_of, pixels_of, ramp, through, video_sink, video_source
from support.commands import run_command

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

ONE_THREAD = ("--model", "mbd", "--provider", "cpu", "--threads", "1")
LOSSLESS_VP9 = {"lossless": "1"}
# Codec, pixel format and suffix of sources that hold alpha.
SOURCES = {
    "vp9": ("libvpx-vp9", "yuva420p", ".webm", LOSSLESS_VP9),
    "vp9 in Matroska": ("libvpx-vp9", "yuva420p", ".mkv", LOSSLESS_VP9),
    "vp8": ("libvpx", "yuva420p", ".webm", {"qmax": "4", "b": "9M", "auto-alt-ref": "0"}),
    "prores 4444": ("prores_ks", "yuva444p10le", ".mov", {}),
    "ffv1": ("ffv1", "yuva420p", ".mkv", {}),
    "ffv1 in 12 bits": ("ffv1", "gbrap12le", ".mkv", {}),
    "png": ("png", "rgba", ".mov", {}),
    "qtrle": ("qtrle", "argb", ".mov", {}),
}


def holed(number: int, pixel_format: str, size: tuple[int, int]) -> av.VideoFrame:
    """A ramp whose alpha is 0 in the left quarter, then rises with each row and frame."""
    frame = ramp(number, "yuva420p" if av.VideoFormat(pixel_format).is_rgb else pixel_format, size)
    high = 2 ** frame.format.components[0].bits - 1
    plane = frame.planes[3]
    rows = np.frombuffer(plane, np.uint8 if high == 255 else np.uint16).reshape(plane.height, -1)
    rows[...] = ((np.arange(plane.height) * 3 + number) % 256 * (high // 255))[:, None]
    rows[:, : size[0] // 4] = 0
    return frame if frame.format.name == pixel_format else frame.reformat(format=pixel_format)


def clip_of(kind: str, folder: Path) -> Path:
    codec, pixel_format, suffix, options = SOURCES[kind]
    return Clip(codec, pixel_format, range(0, 4 * 1001, 1001), picture=holed, options=options).write(
        folder / f"in{suffix}"
    )


def frames_in(place: Any, **read: Any) -> list[Frame]:
    source = video_source(place, pass_tracks=False, **read)
    return [item.frame for item in source if isinstance(item, Picture)]


def alpha_of(frame: Frame) -> Pixels:
    assert frame.alpha is not None
    return frame.alpha.astype(float)


@pytest.mark.parametrize("kind", SOURCES)
def test_alpha_is_read_where_there_is_some(kind: str, tmp_path: Path) -> None:
    path = clip_of(kind, tmp_path)
    frames = frames_in(path)
    high = {"prores 4444": 4095, "ffv1 in 12 bits": 4095}.get(kind, 255)
    assert VideoSource(path).info.alpha
    for number, frame in enumerate(frames):
        expected = (np.arange(HEIGHT) * 3 + number) % 256 / 255
        tolerance = 0.02 if kind == "vp8" else 0.004
        assert np.abs(alpha_of(frame)[:, WIDTH // 4 + 8 :] / high - expected[:, None]).mean() < tolerance
        assert alpha_of(frame)[:, : WIDTH // 4 - 8].max() <= 0.02 * high
    opaque = frames_in(path, alpha=False)
    assert [frame.alpha for frame in opaque] == [None] * 4
    assert np.abs(opaque[0].pixels.astype(int) - frames[0].pixels).max() <= high // 100


@pytest.mark.parametrize("name", ["ya8", "ya16le", "rgba", "gbrap10le", "gbrap12le", "ya16be", "bgra"])
def test_raw_frames_with_alpha_come_back_bit_for_bit(name: str) -> None:
    frame = av.VideoFrame(WIDTH, HEIGHT, name)
    high = 2 ** frame.format.components[0].bits - 1
    generator = np.random.default_rng(7)
    data = b""
    for index, plane in enumerate(frame.planes):
        packed = sum(part.plane == index for part in frame.format.components)
        samples = generator.integers(0, high + 1, plane.width * plane.height * packed)
        data += samples.astype(np.uint8 if high == 255 else ">u2" if name.endswith("be") else "<u2").tobytes()
    how = {"format": "rawvideo", "options": {**RAW, "pixel_format": name}, "name": "in"}
    [first] = frames_in(io.BytesIO(data), **how)
    assert first.alpha is not None
    kept = {"ya16be": "ya16le"}.get(name, name)
    out = io.BytesIO()
    source = video_source(io.BytesIO(data), **how)
    sink = video_sink(out, source.info, source=source, container="rawvideo", pixel_format=kept)
    for item in source:
        sink.write(item)
    sink.finish()
    [again] = frames_in(io.BytesIO(out.getvalue()), **{**how, "options": {**RAW, "pixel_format": kept}})
    np.testing.assert_array_equal(again.pixels, first.pixels)
    np.testing.assert_array_equal(again.alpha, first.alpha)


@pytest.mark.parametrize(
    ("kind", "out", "codec"),
    [
        ("vp9", "out.webm", "vp9"),
        ("vp9", "out.mkv", "vp9"),
        ("vp9", "out.mov", "prores"),
        ("vp9", "out.avi", "ffv1"),
        ("prores 4444", "out.mkv", "ffv1"),
        ("ffv1 in 12 bits", "out.mkv", "ffv1"),
        ("png", "out.webm", "vp9"),
        ("qtrle", "out.mov", "prores"),
    ],
)
def test_alpha_goes_through_with_an_encoder_that_keeps_it(kind: str, out: str, codec: str, tmp_path: Path) -> None:
    first = clip_of(kind, tmp_path)
    result = through(first, tmp_path / out)
    with av.open(str(result)) as video:
        assert video.streams.video[0].codec_context.codec.canonical_name == codec
    before, after = frames_in(first), frames_in(result)
    assert len(after) == len(before) == 4
    scale = [2 ** (8 if frames[0].dtype == "uint8" else 12 if "12" in kind else 10) - 1 for frames in (before, after)]
    scale = [VideoSource(place).info.range[1] for place in (first, result)]
    for noisy, clean in zip(before, after, strict=True):
        difference = np.abs(alpha_of(noisy) / scale[0] - alpha_of(clean) / scale[1])
        assert difference.mean() < 0.01


@pytest.mark.parametrize("kind", ["vp9", "prores 4444", "ffv1 in 12 bits"])
def test_lossless_keeps_alpha_bit_for_bit(kind: str, tmp_path: Path) -> None:
    first = clip_of(kind, tmp_path)
    for noisy, clean in zip(
        frames_in(first), frames_in(through(first, tmp_path / "out.mkv", lossless=True)), strict=True
    ):
        np.testing.assert_array_equal(noisy.alpha, clean.alpha)
        np.testing.assert_array_equal(noisy.pixels, clean.pixels)


@pytest.mark.parametrize("kind", ["vp9", "prores 4444", "png"])
@pytest.mark.parametrize(
    ("out", "how"),
    [("out.mp4", {}), ("out.y4m", {}), ("out.mkv", {"codec": "libx264"}), ("out.mp4", {"codec": "libvpx-vp9"})],
)
def test_an_output_without_alpha_is_refused_alike(kind: str, out: str, how: dict[str, Any], tmp_path: Path) -> None:
    first = clip_of(kind, tmp_path)
    with pytest.raises(UsageError, match=r"alpha.*--no-alpha"):
        through(first, tmp_path / out, pixel_format="yuva420p" if how.get("codec") == "libvpx-vp9" else None, **how)
    through(first, tmp_path / out, {"alpha": False}, pixel_format="yuv420p" if kind == "prores 4444" else None)
    assert pixels_of(tmp_path / out)


def test_depth_is_lowered_only_when_told(tmp_path: Path) -> None:
    first = clip_of("prores 4444", tmp_path)  # which FFmpeg decodes to 12 bits
    with pytest.raises(UsageError, match=r"yuva444p12le.* prores_ks takes 10.*yuva444p10le"):
        through(first, tmp_path / "out.mov")
    [frame, *_] = frames_in(through(first, tmp_path / "out.mov", pixel_format="yuva444p10le"))
    assert np.abs(alpha_of(frame) - alpha_of(frames_in(first)[0])).mean() < 0.004 * 4095


def test_images_with_alpha_become_a_video_with_alpha(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    for number in range(2):
        pixels = generator.integers(0, 256, (48, 64, 3)).astype(np.uint8)
        save_image(tmp_path / f"in{number}.png", Frame(pixels, np.full((48, 64), 40 * number + 9, np.uint8)))
    source = ImageSource([tmp_path / "in0.png", tmp_path / "in1.png"])
    sink = VideoSink(tmp_path / "out.webm", source.info)
    for item in source:
        sink.write(item)
    assert [round(float(alpha_of(frame).mean())) for frame in frames_in(Path(sink.finish()))] == [9, 49]


def test_an_opaque_frame_among_transparent_ones_is_refused(tmp_path: Path) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    sink = VideoSink(tmp_path / "out.mp4", info_of(pixels, 255))
    with pytest.raises(Exception, match=r"got a 48x64 .*and alpha"):
        sink.write(Picture(Frame(pixels, pixels[:, :, 0]), 1, "frame 1"))
    sink.salvage()


def test_what_lies_under_alpha_0_stays(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    first, out = clip_of("vp9", tmp_path), tmp_path / "out.mkv"
    ended = run_command(capsys, "stream", make_bundle(), first, "-o", out, "--lossless", *ONE_THREAD)
    assert ended.code == 0, ended.err
    changed = 0
    for noisy, clean in zip(frames_in(first), frames_in(out), strict=True):
        np.testing.assert_array_equal(noisy.alpha, clean.alpha)
        hidden = noisy.alpha == 0
        np.testing.assert_array_equal(noisy.pixels[hidden], clean.pixels[hidden])
        changed += int((noisy.pixels != clean.pixels).sum())
    assert changed


def test_the_command_line_leaves_alpha_out_when_told(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path, shared_data: Path
) -> None:
    first = shared_data / "faults/alpha.webm"
    refused = run_command(capsys, "stream", make_bundle(), first, "-o", tmp_path / "out.mp4", *ONE_THREAD)
    assert refused.code == 2
    assert "--no-alpha" in refused.err
    kept = run_command(capsys, "stream", make_bundle(), first, "-o", tmp_path / "out.webm", *ONE_THREAD)
    assert kept.code == 0, kept.err
    assert frames_in(tmp_path / "out.webm")[0].alpha is not None
    ended = run_command(
        capsys, "stream", make_bundle(), first, "-o", tmp_path / "out.mp4", "--no-alpha", "--json", *ONE_THREAD
    )
    assert ended.code == 0, ended.err
