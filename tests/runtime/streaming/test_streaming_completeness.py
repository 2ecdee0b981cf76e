"""Files that are whole although their tracks are of different lengths, and files that were cut: only those are told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.clips import SOUND_RATE, STEP, Clip, pixels_of

from zsn2m_runtime.errors import InputError

SECOND = 24_000  # ticks
VIDEO = range(0, 24 * STEP, STEP)  # about a second
LATE = [time + 2 * SECOND for time in VIDEO]
CHUNK = 1024  # samples of a packet of sound


def write(
    path: Path, times: Any, sound: tuple[float, float] | None = None, *, settings: Any = None, **options: Any
) -> Path:
    """A video with sound from one second to another; packets in the order of their times, as muxers want them."""
    clip = Clip(times=times, **options)
    with av.open(str(path), "w", container_options=settings or {}) as container:
        video = clip._add_video(container)
        audio = container.add_stream("pcm_s16le" if path.suffix == ".mkv" else "aac", rate=SOUND_RATE)
        container.start_encoding()
        packets = []
        for number, time in enumerate(times):
            packets += video.encode(clip._frame(number, time))
        packets += video.encode(None)
        first, last = (round(second * SOUND_RATE) for second in sound or (0, 0))
        for start in range(first, last, CHUNK):
            data = np.zeros((2, CHUNK), np.float32)
            frame = av.AudioFrame.from_ndarray(data, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
            packets += audio.encode(frame)
        packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def without_durations(path: Path) -> Path:
    """The same Matroska without its tracks' tags, as programs other than FFmpeg write it."""
    path.write_bytes(path.read_bytes().replace(b"DURATION", b"NOTATION"))
    return path


CASES = {
    "video starts after its sound": (LATE, (0, 3), {}),
    "video ends before its sound": (VIDEO, (0, 4), {}),
    "sound ends before the video": (range(0, 96 * STEP, STEP), (0, 1), {}),
    "both start late": (LATE, (2, 3), {}),
    "frames are reordered": (VIDEO, (0, 1), {"options": {"bf": "3", "b_strategy": "0"}}),
    "one frame": (range(1), (0, 3), {}),
    "few slow frames": ([0, SECOND, 2 * SECOND], (0, 3), {}),
    "video alone, late": (LATE, None, {}),
}


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("name", ["whole.mkv", "untagged.mkv", "whole.mp4", "whole.mov", "whole.ts", "whole.flv"])
@pytest.mark.parametrize("case", CASES)
def test_a_whole_file_gives_no_warning(
    tmp_path: Path, name: str, case: str, passed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    times, sound, options = CASES[case]
    path = write(tmp_path / name, times, sound, **options)
    if name == "untagged.mkv":
        without_durations(path)
    assert len(pixels_of(path, pass_tracks=passed)) == len(times)
    assert not caplog.messages


@pytest.mark.parametrize("shown", [True, False])
def test_a_frame_that_is_only_looked_back_at_is_not_missing(
    tmp_path: Path, shown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    whole, path = Clip("libvpx").write(tmp_path / "whole.webm"), tmp_path / "hidden.webm"
    with av.open(str(whole)) as first, av.open(str(path), "w") as container:
        video = container.add_stream_from_template(first.streams.video[0], opaque=True)
        for number, packet in enumerate(packet for packet in first.demux() if packet.size):
            data = bytearray(packet)
            if number == 5:  # not shown (a bit of VP8), or nothing at all that is a frame
                data = bytearray([data[0] & ~0x10, *data[1:]]) if not shown else data[:1]
            other = av.Packet(bytes(data))
            other.pts, other.dts, other.time_base, other.duration = packet.pts, packet.dts, packet.time_base, 41
            other.is_keyframe, other.stream = packet.is_keyframe, video
            container.mux(other)
    if shown:
        with pytest.raises(InputError):
            pixels_of(path)
    else:
        assert len(pixels_of(path)) == 11
        assert not caplog.messages


@pytest.mark.parametrize("tags", ["with its tags", "without"])
@pytest.mark.parametrize("case", ["video starts after its sound", "frames are reordered", "video alone, late"])
def test_a_file_that_was_cut_is_told(tmp_path: Path, case: str, tags: str, caplog: pytest.LogCaptureFixture) -> None:
    times, sound, options = CASES[case]
    path = write(tmp_path / "cut.mkv", times, sound, **options)
    if tags == "without":
        without_durations(path)
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(container.streams.video[0]) if packet.size]
    path.write_bytes(path.read_bytes()[: places[len(places) * 3 // 4]])
    assert 4 < len(pixels_of(path)) < len(times)
    assert "it may have been cut short" in caplog.text
