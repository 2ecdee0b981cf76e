"""Y4M and raw frames in pipes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from support.clips import (
    RATE,
    RAW,
    Clip,
    frames_of,
    info_of,
    noise,
    pixels_of,
    through,
    video_sink,
    video_source,
    write_all,
)

from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.streaming.ends import Picture


def test_y4m_comes_and_goes_through_pipes() -> None:
    first = Clip("wrapped_avframe", times=range(12), time_base=1 / RATE, format="yuv4mpegpipe").write(io.BytesIO())
    first.seek(0)
    out = through(first, io.BytesIO(), {"format": "yuv4mpegpipe"}, container="yuv4mpegpipe")
    assert not out.closed
    header = out.getvalue().split(b"\n")[0]
    assert header.startswith(b"YUV4MPEG2 W64 H48 F24000:1001") and b"C420mpeg2" in header
    before, after = (frames_of(io.BytesIO(pipe.getvalue()), format="yuv4mpegpipe") for pipe in (first, out))
    assert len(after) == 12
    for a, b in zip(before, after, strict=True):
        assert np.abs(a.to_ndarray().astype(int) - b.to_ndarray()).max() <= 1


def test_y4m_holds_ten_bits() -> None:
    arrays = noise(2, "uint16", 1, 1023)
    out = io.BytesIO()
    sink = video_sink(out, info_of(arrays[0], 1023), container="yuv4mpegpipe")
    write_all(sink, arrays)
    sink.finish()
    out.seek(0)
    assert all(np.array_equal(a, b) for a, b in zip(pixels_of(out, format="yuv4mpegpipe"), arrays, strict=True))


@pytest.mark.parametrize(
    ("name", "dtype", "channels", "high"), [("rgb24", "uint8", 3, 255), ("gray16le", "uint16", 1, 65535)]
)
def test_raw_frames_come_and_go_through_pipes(name: str, dtype: str, channels: int, high: int) -> None:
    arrays = noise(4, dtype, channels, high)
    data = b"".join(array.tobytes() for array in arrays)
    read = {"format": "rawvideo", "options": {**RAW, "pixel_format": name}}
    source = video_source(io.BytesIO(data), **read)  # type: ignore[arg-type]
    assert source.info.rate == 25
    assert all(
        np.array_equal(item.frame.pixels, array)
        for item, array in zip(source, arrays, strict=True)
        if isinstance(item, Picture)
    )
    assert through(io.BytesIO(data), io.BytesIO(), read, container="rawvideo").getvalue() == data


def test_a_reader_that_went_away_is_an_error() -> None:
    class Broken(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    arrays = noise(2, "uint8", 3, 255)
    sink = video_sink(Broken(), info_of(arrays[0], 255), container="rawvideo")
    with pytest.raises(OutputError, match="pipe"):
        write_all(sink, arrays)
    assert sink.salvage() is None


@pytest.mark.parametrize("container", ["rawvideo", "yuv4mpegpipe"])
def test_ctrl_c_while_a_pipe_gives_nothing_is_no_error_of_the_video(container: str) -> None:
    data = iter([b"YUV4MPEG2 W64 H48 F25:1 Ip C420mpeg2\n"] * (container != "rawvideo"))

    class Interrupted:
        def read(self, size: int) -> bytes:
            if (given := next(data, None)) is None:
                raise KeyboardInterrupt
            return given

    options = {**RAW, "pixel_format": "rgb24"} if container == "rawvideo" else None
    with pytest.raises(KeyboardInterrupt):
        video_source(Interrupted(), format=container, options=options)
