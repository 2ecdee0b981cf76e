"""Drawn clips that go through whole streams, as the command runs them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from zsn2m_deploy.sample import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import Frame
from zsn2m_runtime.streaming.containers import RAW
from zsn2m_runtime.streaming.ends import Picture, StreamInfo, frame_name
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.options import Encoding
from zsn2m_runtime.streaming.running import Stream
from zsn2m_runtime.streaming.video.demuxer import Reading
from zsn2m_runtime.streaming.video.sink import VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource

FRAMES = 36  # of a stream
CRF = 23  # of the H.264 that comes in: x264's default
RATE = Fraction(25)


class Clip:
    """Drawn frames of one size as raw RGB and as H.264."""

    def __init__(self, folder: Path, height: int, width: int) -> None:
        self.folder, self._size = folder, f"{width}x{height}"
        self.raw, self.h264 = folder / f"{height}.rgb", folder / f"{height}.mp4"
        frames = [noisy.pixels for noisy, _ in sample_frames(SampleConfig(width=width, height=height, frames=FRAMES))]
        self.first = frames[0]
        self.raw.write_bytes(b"".join(frame.tobytes() for frame in frames))
        sink = VideoSink(self.h264, StreamInfo("clip", height, width, "uint8", 3, (0, 255), RATE), Encoding(crf=CRF))
        for number, frame in enumerate(frames, 1):
            sink.write(Picture(Frame(frame), number, frame_name(number)))
        sink.finish()

    def from_raw(self, denoiser: Denoiser) -> int:
        """Raw frames in, nothing out."""
        options = {"video_size": self._size, "pixel_format": "rgb24", "framerate": str(RATE)}
        source = VideoSource(self.raw, Reading(format=RAW.format, options=options))
        return Stream(denoiser, source, NullSink()).run().frames_out

    def from_h264(self, denoiser: Denoiser) -> int:
        """H.264 in and out."""
        source = VideoSource(self.h264)
        return Stream(denoiser, source, VideoSink(self.folder / "out.mp4", source.info, source=source)).run().frames_out
