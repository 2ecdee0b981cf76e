"""From what a user names to a source and a sink."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import IMAGE_SUFFIXES, result_suffix
from zsn2m_runtime.files.foreign import FOREIGN_SUFFIXES
from zsn2m_runtime.files.listing import GLOB_LETTERS
from zsn2m_runtime.files.path_kinds import check_outside_bundles, no_frame
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import is_whole
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.image_sink import FolderSink, NullSink, StackSink
from zsn2m_runtime.streaming.image_source import ChannelWish, ImageSource
from zsn2m_runtime.streaming.items import Sink, Source
from zsn2m_runtime.streaming.options import SinkOptions, SourceOptions
from zsn2m_runtime.streaming.reconnecting import Reconnecting
from zsn2m_runtime.streaming.stack_copy import StackCopySink
from zsn2m_runtime.streaming.video.containers import CONTAINERS, RAW, Y4M, Container
from zsn2m_runtime.streaming.video.demuxer import is_url
from zsn2m_runtime.streaming.video.sink import DEFAULT_RATE, VideoSink
from zsn2m_runtime.streaming.video.source import VideoSource
from zsn2m_runtime.streaming.video.tag_check import lost_to_images

LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "srt")
STACK_SUFFIXES = (".tif", ".tiff")
FINEST_RATE = 1001  # largest denominator of a frame rate, as in 30000/1001
_RAW_SPEC = re.compile(r"(\d+)x(\d+):([a-z0-9]+)(?:@(\d+(?:\.\d+)?(?:/\d+)?))?")


def open_source(text: str, options: SourceOptions, output: str | None) -> Source:
    """The source that a text names: -, a camera's number or device, a URL, images, or a video file.

    Args:
        output: where the results will go; a turned video is turned upright where that cannot say how it is turned
    Raises:
        InputError: if it cannot be opened.
        UsageError: options that do not fit it.
    """
    _refuse_empty("source", text)
    if fault := no_frame(Path(text)):
        raise InputError(fault)
    if options.raw and text != "-":
        raise UsageError(f"{text}: expected - as source of --raw frames, but got a name; leave --raw out")
    is_camera, is_images = _is_camera(text), _names_images(text)
    if options.deinterlace and (is_camera or is_images):
        raise UsageError(f"{text}: expected a video to deinterlace, but got another source; leave --deinterlace out")
    if not options.alpha and (is_camera or (is_images and _container(output) is None)):
        raise UsageError(f"{text}: expected a video to leave alpha out of, but got another; leave --no-alpha out")
    if options.channel is not None and not is_images:
        raise UsageError(f"{text}: expected a stack of channels for --channel, but got another source; leave it out")
    if is_images:
        whole = output is not None and Path(output).suffix.lower() in STACK_SUFFIXES
        wish = ChannelWish(options.trained_on, options.channel, whole)
        return ImageSource(
            [text], _rate(options.rate) or DEFAULT_RATE, wish, alpha=options.alpha, max_pixels=options.max_pixels
        )
    if is_camera:
        source: Source = Reconnecting(lambda: CameraSource(int(text) if text.isdecimal() else text))
    else:
        source = _open_video(text, options, output)
    if options.rate and source.info.rate is not None and not options.raw:
        source.close()
        raise UsageError(
            f"{text}: expected --fps for frames without a rate, but these have {float(source.info.rate):g} a second; "
            f"leave --fps out"
        )
    return source


def _open_video(text: str, options: SourceOptions, output: str | None) -> Source:
    container = _container(output)
    video = partial(
        VideoSource,
        deinterlace=options.deinterlace,
        pass_tracks=options.tracks and bool(container and container.tracks),
        upright=not (container and container.rotation),
        alpha=options.alpha,
        max_pixels=options.max_pixels,
    )
    if text == "-":
        kind, settings = (RAW.format, raw_settings(options)) if options.raw else (Y4M.format, None)
        if sys.stdin is None:
            raise InputError("stdin: expected frames, but it is closed; name a file, or pipe frames into this program")
        unlocked = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115 - a read that blocks must not keep Python from ending
        return video(unlocked, format=kind, options=settings, name="stdin")
    if text.partition("://")[0].lower() in LIVE_SCHEMES:
        return Reconnecting(lambda: video(text, live=True))
    return video(text)


def open_sink(text: str | None, source: Source, sensor: Sensor, options: SinkOptions) -> Sink:
    """The sink that a text names: -, a folder of images, a TIFF stack or a video file; None keeps nothing.

    Args:
        sensor: says the range of integers where the source's files do not
    Raises:
        UsageError: if it cannot hold the source's frames, or would replace the source; options that do not fit it.
        OutputError: if it cannot be made.
    """
    if text is None:
        _refuse_options("no output", options, is_video=False, is_folder=False)
        return NullSink()
    _refuse_empty("output", text)
    if text != "-":
        check_outside_bundles(Path(text) / "frame" if _is_folder(text) else Path(text))
    suffix = Path(text).suffix.lower()
    is_video = text == "-" or suffix in CONTAINERS
    is_folder = not is_video and (_is_folder(text) or text.endswith("/") or not suffix)
    _refuse_options(text, options, is_video, is_folder)
    if is_video:
        return _video_sink(text, source, sensor, options)
    inputs = source.paths if isinstance(source, ImageSource) else []
    images = _image_sink(text, source, options, is_folder, inputs)
    if isinstance(source, VideoSource):
        images.lost = lost_to_images(source)
    return images


def _image_sink(
    text: str, source: Source, options: SinkOptions, is_folder: bool, inputs: list[Path]
) -> FolderSink | StackSink | StackCopySink:
    path, suffix = Path(text), Path(text).suffix.lower()
    if is_folder:
        usual = (
            result_suffix(inputs[0].suffix)
            if inputs
            else ".png"
            if source.info.dtype in ("uint8", "uint16")
            else ".tif"
        )
        kind = f".{options.image_type.lstrip('.')}" if options.image_type else usual
        return FolderSink(path, kind, source.info, source.named if isinstance(source, ImageSource) else ())
    if suffix in STACK_SUFFIXES:
        return StackCopySink(path, inputs[0]) if len(inputs) == 1 else StackSink(path, source.info, inputs)
    raise UsageError(
        f"{text}: expected a video ({', '.join(CONTAINERS)}), a TIFF stack (.tif), or a folder of images (no suffix, "
        f"or a / at the end), but got {suffix!r}; choose one of those"
    )


def raw_settings(options: SourceOptions) -> dict[str, str]:
    """FFmpeg's settings for raw frames from WxH:FORMAT[@FPS].

    Raises:
        UsageError: if the text is of another form.
    """
    found = _RAW_SPEC.fullmatch(options.raw or "")
    if not found:
        raise UsageError(f"expected --raw WxH:FORMAT[@FPS] such as 1920x1080:rgb24@25, but got {options.raw!r}")
    width, height, pixel_format, rate = found.groups()
    _check_raw(width, height, pixel_format, rate)
    if rate and options.rate:
        raise UsageError(f"expected one rate, but got {rate} in --raw and {options.rate:g} in --fps; leave one out")
    return {
        "video_size": f"{width}x{height}",
        "pixel_format": pixel_format,
        "framerate": rate or str(_rate(options.rate) or DEFAULT_RATE),
    }


def _refuse_empty(what: str, text: str) -> None:
    """A path of no letters is the current folder, which nobody means who leaves a name empty."""
    if not text:
        raise UsageError(f"expected the name of the {what}, but got an empty one; name it, or . for this folder")


def _check_raw(width: str, height: str, pixel_format: str, rate: str | None) -> None:
    if not int(width) or not int(height):
        raise UsageError(f"expected --raw with a size of at least 1x1, but got {width}x{height}; state the frames' own")
    try:
        av.VideoFormat(pixel_format)
    except ValueError as error:
        raise UsageError(
            f"expected a pixel format in --raw that ffmpeg -pix_fmts lists, such as gray, rgb24 or yuv420p10le, but "
            f"got {pixel_format!r}; choose one of those"
        ) from error
    if rate and not all(map(float, rate.split("/"))):
        raise UsageError(f"expected a rate in --raw above 0, but got {rate}; state the frames' own, or leave it out")


def _refuse_options(text: str, options: SinkOptions, is_video: bool, is_folder: bool) -> None:
    of_video = options.codec, options.crf, options.pixel_format, options.lossless or None
    misplaced = {
        "--codec, --crf, --pixel-format and --lossless for a video": not is_video and of_video != (None,) * 4,
        "--image-type for a folder of images": not is_folder and options.image_type is not None,
        "--raw-output for - (stdout)": text != "-" and options.raw,
    }
    for rule, is_broken in misplaced.items():
        if is_broken:
            raise UsageError(f"{text}: expected {rule}, but got another output; leave it out")


def _video_sink(text: str, source: Source, sensor: Sensor, options: SinkOptions) -> VideoSink:
    first = source.source if isinstance(source, Reconnecting) else source
    if text == "-" and sys.stdout is None:
        raise OutputError("stdout: expected to be able to write here, but it is closed; name a file with -o")
    info, pipe_format = source.info, RAW.format if options.raw else Y4M.format
    if info.range is None and is_whole(info.dtype) and not isinstance(first, VideoSource):
        info = replace(info, range=sensor.range)
    return VideoSink(
        sys.stdout.buffer if text == "-" else text,
        info,
        source=first if isinstance(first, VideoSource) else None,
        codec=options.codec,
        crf=options.crf,
        pixel_format=options.pixel_format,
        lossless=options.lossless,
        format=pipe_format if text == "-" else None,
        rate=_rate(options.rate),
    )


def _container(output: str | None) -> Container | None:
    if output == "-":
        return Y4M  # and raw frames hold no more
    return CONTAINERS.get(Path(output).suffix.lower()) if output else None


def _rate(frames_per_second: float | None) -> Fraction | None:
    return Fraction(frames_per_second).limit_denominator(FINEST_RATE) if frames_per_second else None


def is_live(text: str) -> bool:
    """Whether a text names a camera or a place on a network; a file or folder of a camera's number is what it is."""
    return _is_camera(text) or is_url(text)


def _is_camera(text: str) -> bool:
    if text.isdecimal():
        return not os.path.exists(text)  # noqa: PTH110 - see _is_folder
    return text.startswith("/dev/video")


def _names_images(text: str) -> bool:
    if is_url(text):
        return False
    is_image = Path(text).suffix.lower() in (*IMAGE_SUFFIXES, *FOREIGN_SUFFIXES)  # the latter to be refused
    if os.path.exists(text):  # noqa: PTH110 - see _is_folder
        return is_image or _is_folder(text)
    return is_image or GLOB_LETTERS.search(text) is not None


def _is_folder(text: str) -> bool:
    return os.path.isdir(text)  # noqa: PTH112 - unlike Path's, False for what is too long to be a path
