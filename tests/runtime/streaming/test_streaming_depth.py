"""Videos in and out: pixels at their depth, of the pixel format that holds them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import (
    HEIGHT,
    RAW,
    WIDTH,
    Clip,
    frames_of,
    info_of,
    noise,
    pixels_of,
    ramp,
    samples,
    tags_of,
    through,
    video_sink,
    video_source,
    write_all,
)

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.video.source import VideoSource


@pytest.mark.parametrize(
    ("dtype", "channels", "high", "pixel_format"),
    [
        ("uint8", 3, 255, "bgr0"),
        ("uint8", 1, 255, "gray"),
        ("uint16", 3, 1023, "gbrp10le"),
        ("uint16", 1, 1023, "gray10le"),
        ("uint16", 3, 4095, "gbrp12le"),
        ("uint16", 1, 65535, "gray16le"),
        ("uint16", 3, 65535, "gbrp16le"),
    ],
)
@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".nut"])
def test_lossless_gives_every_sample_back(
    tmp_path: Path, suffix: str, dtype: str, channels: int, high: int, pixel_format: str
) -> None:
    arrays = noise(3, dtype, channels, high)
    sink = video_sink(tmp_path / f"out{suffix}", info_of(arrays[0], high), lossless=True)
    write_all(sink, arrays)
    place = Path(sink.finish())
    source = VideoSource(place)
    stated = (0, high) if high < 65535 else None  # 16 bits may carry 12
    assert (source.kind.name, source.info.range, source.info.dtype) == (pixel_format, stated, dtype)
    found = pixels_of(place)
    assert len(found) == 3
    assert all(np.array_equal(a, b) for a, b in zip(found, arrays, strict=True))
    again = pixels_of(through(place, tmp_path / f"again{suffix}", lossless=True))
    assert all(np.array_equal(a, b) for a, b in zip(again, arrays, strict=True))


def test_ten_bits_never_pass_through_eight(tmp_path: Path) -> None:
    steps = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 876  # of one level of 10 bits each

    def picture(*_: Any) -> av.VideoFrame:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
        luma, *chroma = (samples(plane, 1023) for plane in frame.planes)
        luma[:, :WIDTH] = 64 + steps
        for plane in chroma:
            plane[...] = 512
        return frame

    first = Clip("ffv1", "yuv420p10le", picture=picture).write(tmp_path / "in.mkv")
    source = VideoSource(first)
    assert (source.info.dtype, source.info.range) == ("uint16", (0, 1023))
    pixels = pixels_of(first)[0]
    exact = steps[..., None] / 876 * 1023  # 64 to 940 is 0 to 1023
    assert np.abs(pixels - exact).max() < 0.51
    assert np.array_equal(pixels_of(through(first, tmp_path / "lossless.mkv", lossless=True))[0], pixels)
    frame = frames_of(through(first, tmp_path / "out.mp4", codec="libx265", crf=0))[0]
    assert frame.format.name == "yuv420p10le"
    assert np.abs(samples(frame.planes[0], 1023)[:, :WIDTH] - 64.0 - steps).mean() < 1  # through 8 bits: 1 and more


def test_full_range_goes_through_without_an_offset(tmp_path: Path) -> None:
    first = Clip(tags=(2, 2, 2, 2), options={"crf": "0"}).write(tmp_path / "in.mp4")
    result = through(first, tmp_path / "out.mp4", crf=0)
    assert frames_of(result)[0].format.name == "yuvj420p"
    for before, after in zip(frames_of(first), frames_of(result), strict=True):
        for one, other in zip(before.planes, after.planes, strict=True):
            difference = samples(one)[:, : one.width].astype(int) - samples(other)[:, : one.width]
            assert np.abs(difference).max() <= 1
            assert abs(difference.mean()) < 0.1


def test_chroma_stays_in_its_place(tmp_path: Path) -> None:
    def picture(*_: Any) -> av.VideoFrame:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma, *chroma = (samples(plane) for plane in frame.planes)
        luma[...] = 128
        for plane in chroma:
            rows, columns = np.indices(plane.shape)
            plane[...] = 128 + 25 * np.sin(columns / 2) * np.cos(rows / 2)
        return frame

    first = Clip(picture=picture, options={"crf": "0"}).write(tmp_path / "in.mp4")
    before, after = (frames_of(place)[0] for place in (first, through(first, tmp_path / "out.mp4", crf=0)))
    for one, other in zip(before.planes[1:], after.planes[1:], strict=True):
        inside = np.s_[2:-2, 2 : one.width - 2]
        assert np.abs(samples(one)[inside].astype(int) - samples(other)[inside]).max() <= 2


def test_rgb_becomes_yuv_of_the_kind_that_players_assume(tmp_path: Path) -> None:
    first = Clip("ffv1", "bgr0", picture=lambda number, _, size: ramp(number, "yuv420p", size).reformat(format="bgr0"))
    place = first.write(tmp_path / "in.mkv")
    result = through(place, tmp_path / "out.mp4", crf=0)
    assert frames_of(result)[0].format.name == "yuv444p"
    assert tags_of(result) == (1, 2, 2, 6)  # BT.601, as below 720 rows
    for before, after in zip(pixels_of(place), pixels_of(result), strict=True):
        assert np.abs(before.astype(int) - after).max() <= 3


def test_full_range_of_a_pixel_format_needs_no_tag() -> None:
    luma = np.tile(np.arange(WIDTH, dtype=np.uint8) * 4, (HEIGHT, 1))
    data = luma.tobytes() + bytes([128]) * (luma.size // 2)
    options = {**RAW, "pixel_format": "yuvj420p"}
    (pixels,) = pixels_of(io.BytesIO(data), format="rawvideo", options=options)
    assert np.array_equal(pixels, np.repeat(luma[..., None], 3, 2))


@pytest.mark.parametrize("name", ["rgb24", "gbrp", "nv12", "yuv422p", "yuyv422", "gray", "pal8"])
def test_eight_bit_formats_become_uint8(name: str) -> None:
    data = np.full((HEIGHT, WIDTH * 4), 128, np.uint8).tobytes()
    source = video_source(io.BytesIO(data), format="rawvideo", options={**RAW, "pixel_format": name})
    assert (source.info.dtype, source.info.channels) == ("uint8", 1 if name == "gray" else 3)
    item = next(iter(source))
    assert isinstance(item, Picture)
    assert item.frame.pixels.shape == ((HEIGHT, WIDTH) if name == "gray" else (HEIGHT, WIDTH, 3))


def test_grey_keeps_its_values_in_a_codec_without_grey(tmp_path: Path) -> None:
    ramps = [np.tile(np.arange(WIDTH, dtype=np.uint8) * 4, (HEIGHT, 1))] * 3
    sink = video_sink(tmp_path / "out.mp4", info_of(ramps[0], 255), codec="libx264", pixel_format="yuv420p", crf=0)
    write_all(sink, ramps)
    frame = frames_of(Path(sink.finish()))[0]
    assert frame.color_range == 2
    assert np.array_equal(samples(frame.planes[0])[:, :WIDTH], ramps[0])


@pytest.mark.parametrize("name", ["gbrpf32le", "grayf32le"])
def test_floating_point_is_refused(name: str) -> None:
    data = io.BytesIO(bytes(HEIGHT * WIDTH * 12))
    with pytest.raises(InputError, match=rf"in: .*got {name}"):
        video_source(data, format="rawvideo", options={**RAW, "pixel_format": name}, name="in")


def test_a_codec_of_too_few_bits_is_refused_unless_the_pixel_format_is_named(tmp_path: Path) -> None:
    first = Clip("ffv1", "yuv420p12le").write(tmp_path / "in.mkv")
    with pytest.raises(UsageError, match=r"yuv420p12le.*libx264 takes 10.*--codec libx265"):
        through(first, tmp_path / "out.mp4")
    result = through(first, tmp_path / "out.mp4", pixel_format="yuv420p")
    assert frames_of(result)[0].format.name == "yuv420p"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_odd_sizes_get_a_pixel_format_that_holds_them(tmp_path: Path) -> None:
    first = Clip("ffv1", "yuv420p", size=(65, 47)).write(tmp_path / "in.mkv")
    frame = frames_of(through(first, tmp_path / "out.mp4"))[0]
    assert (frame.width, frame.height, frame.format.name) == (65, 47, "yuv444p")
