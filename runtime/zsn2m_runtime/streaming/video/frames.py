"""Decoded frames as arrays, and arrays as frames for an encoder; each at the depth of its pixel format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import StreamInfo
from zsn2m_runtime.streaming.video.colour import Colour, YuvConverter
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat, planar

EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
EXACT_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"  # the same for libavfilter
GBR = (1, 2, 0)  # the order of planes in libav's planar RGB


class FrameReader:
    """Decoded frames of one pixel format as arrays.

    Args:
        kind: of the frames
        colour: tags of the frames, none of them unspecified
        name: how messages call the stream
    Raises:
        InputError: for a colour matrix that cannot be undone.
    """

    def __init__(self, kind: PixelFormat, colour: Colour, name: str) -> None:
        self._colour = colour
        self._converter = YuvConverter(colour, kind.bits, name) if kind.kind == "yuv" else None
        self._is_packed = kind.kind == "grey" and kind.alpha
        self._has_alpha, self._is_mosaic = kind.alpha, kind.mosaic is not None
        plain = "rgb24" if (kind.kind, kind.bits) == ("rgb", 8) else planar(kind.kind, kind.bits)
        self._target = planar(kind.kind, kind.bits, alpha=True) if kind.alpha else plain
        self._reformatter = VideoReformatter()

    def frame(self, frame: av.VideoFrame) -> Frame:
        """The frame's pixels and alpha plane; they may share its memory.

        Shape:
            returns: (h, w) grey or (h, w, 3) RGB; uint8 for 8 bits, else uint16 with values of the format's depth
        """
        if self._is_mosaic:  # libav's converter would demosaic it
            (plane,) = _planes(frame)
            return Frame(plane.astype(plane.dtype.newbyteorder("=")))
        if self._is_packed:
            pairs = _pairs(self._as(self._target, frame))
            return Frame(np.ascontiguousarray(pairs[:, :, 0]), np.ascontiguousarray(pairs[:, :, 1]))
        if self._converter is None and not self._has_alpha:
            return Frame(self._as(self._target, frame).to_ndarray())
        if self._converter is None:
            green, blue, red, alpha = _planes(self._as(self._target, frame))
            return Frame(np.dstack((red, green, blue)), alpha.copy())
        # Set again: where a filter lost the tags or they are unspecified, swscale would change the range.
        frame.colorspace, frame.color_range = self._colour.matrix, self._colour.range
        whole = self._as(self._target, frame)
        planes = list(_planes(whole))
        yuv = cv2.merge(planes[:3])
        return Frame(self._converter.to_rgb(yuv), planes[3].copy() if self._has_alpha else None)

    def _as(self, name: str, frame: av.VideoFrame) -> av.VideoFrame:
        if frame.format.name == name:
            return frame
        return self._reformatter.reformat(frame, format=name, interpolation=EXACT, threads=1)


class FrameWriter:
    """Arrays as frames of the pixel format that an encoder takes.

    Args:
        info: what the arrays are
        bits: depth of their range
        target: pixel format of the frames
        colour: tags of the frames, none of them unspecified
        chroma: where chroma samples lie: left, as players assume, or center, as in JPEG
    """

    def __init__(self, info: StreamInfo, bits: int, target: PixelFormat, colour: Colour, chroma: str) -> None:
        self._size = info.width, info.height
        self._is_grey, self._kind, self._has_alpha = info.channels == 1, target.kind, target.alpha
        self._neutral, self._opaque = 2 ** (bits - 1), 2**bits - 1  # chroma of grey; alpha of an opaque frame
        is_converted = target.kind == "yuv" and not self._is_grey
        self._converter = YuvConverter(colour, bits, info.name) if is_converted else None
        self._staging = target.name if target.mosaic else planar(target.kind, bits, alpha=target.alpha)
        filters = []
        if target.name != self._staging:
            filters = [("scale", f"flags={EXACT_FLAGS}:out_chroma_loc={chroma}"), ("format", target.name)]
        self._graph = filter_chain((self._staging, *self._size), Fraction(1), filters)

    def frame(self, frame: Frame) -> av.VideoFrame:
        """A frame without tags and times; without an alpha plane, an output that has one gets an opaque one.

        Shape:
            frame: (h, w) or (h, w, 3), as the info says
        """
        # No tags: with them, the graph would convert to the tags of its own frames, which have none.
        staged = av.VideoFrame(*self._size, self._staging)
        alpha = self._opaque if frame.alpha is None else frame.alpha
        if self._has_alpha and self._kind == "grey":
            pairs = _pairs(staged)
            pairs[:, :, 0], pairs[:, :, 1] = frame.pixels, alpha
        else:
            channels = [*self._channels(frame.pixels), *([alpha] if self._has_alpha else [])]
            for plane, samples in zip(_planes(staged), channels, strict=True):
                plane[...] = samples
        self._graph.vpush(staged)
        return self._graph.vpull()

    def _channels(self, pixels: Pixels) -> Iterator[Pixels | int]:
        if self._is_grey:
            yield pixels
            if self._kind != "grey":
                yield from (self._neutral, self._neutral) if self._kind == "yuv" else (pixels, pixels)
            return
        planes = cv2.split(self._converter.to_yuv(pixels) if self._converter else pixels)
        yield from planes if self._converter else (planes[channel] for channel in GBR)


class Deinterlacer:
    """Progressive frames out of interlaced ones, one for one and at the same times; others pass unchanged."""

    def __init__(self, first: av.VideoFrame, time_base: Fraction) -> None:
        filters = [("bwdif", "mode=send_frame:deint=interlaced"), ("settb", str(time_base))]
        self._graph = filter_chain((first.format.name, first.width, first.height), time_base, filters)

    def push(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """The frames that are ready after this one (the filter looks one ahead); None: all that are left."""
        self._graph.vpush(frame)
        while True:
            try:
                yield self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def filter_chain(kind: tuple[str, int, int], time_base: Fraction, filters: Sequence[tuple[str, str]]) -> Graph:
    """A filter graph in one line, for frames of a pixel format, width and height."""
    graph = Graph()
    graph.threads = 1  # a frame is milliseconds of work, and the network needs the cores
    name, width, height = kind
    first = graph.add_buffer(width=width, height=height, format=av.VideoFormat(name), time_base=time_base)
    graph.link_nodes(first, *(graph.add(*step) for step in filters), graph.add("buffersink")).configure()
    return graph


def _pairs(frame: av.VideoFrame) -> Pixels:
    """Grey and alpha of a frame that has both in one plane.

    Shape:
        returns: (h, w, 2), on the frame's memory
    """
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    memory: Any = frame.planes[0]
    rows = np.frombuffer(memory, dtype).reshape(frame.height, -1)[:, : 2 * frame.width]
    return np.lib.stride_tricks.as_strided(
        rows, (frame.height, frame.width, 2), (rows.strides[0], 2 * rows.itemsize, rows.itemsize)
    )


def _planes(frame: av.VideoFrame) -> Iterator[Pixels]:
    """The planes of a planar frame, or a mosaic, as arrays on its memory."""
    deep = frame.format.components[0].bits > 8 or frame.format.name.endswith(("16le", "16be"))
    dtype = np.dtype((">u2" if frame.format.name.endswith("be") else "<u2") if deep else np.uint8)
    for plane in frame.planes:
        memory: Any = plane  # a buffer, which the types of Python 3.11 cannot say
        rows = np.frombuffer(memory, dtype).reshape(plane.height, -1)[:, : plane.width]
        yield rows[::-1] if plane.line_size < 0 else rows
