"""From what a user names to a source and a sink. Videos alone need PyAV, which is loaded where one is opened."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from zsn2m_runtime.errors import InputError, OutputError, UsageError
from zsn2m_runtime.files import result_suffix
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.path_kinds import check_outside_bundles, no_frame
from zsn2m_runtime.sample_types import is_whole
from zsn2m_runtime.streaming.camera import CameraSource
from zsn2m_runtime.streaming.containers import CONTAINERS, RAW, Y4M, Container
from zsn2m_runtime.streaming.ends import DEFAULT_RATE, FINEST_RATE, Sink, Source
from zsn2m_runtime.streaming.image_sink import FolderSink, NullSink, StackSink
from zsn2m_runtime.streaming.image_source import ChannelWish, ImageSource
from zsn2m_runtime.streaming.options import USUAL_ENCODING, SinkOptions, SourceOptions
from zsn2m_runtime.streaming.places import is_camera, is_folder, is_live_url, is_url, names_images
from zsn2m_runtime.streaming.reconnecting import Reconnecting
from zsn2m_runtime.streaming.stack_copy import StackCopySink
from zsn2m_runtime.suffixes import RAW_SUFFIXES

if TYPE_CHECKING:
    from zsn2m_runtime.streaming.video.sink import VideoSink
    from zsn2m_runtime.streaming.video.source import VideoSource

STACK_SUFFIXES = (".tif", ".tiff")


def open_source(text: str, options: SourceOptions, output: str | None) -> Source:
    """The source that a text names: -, a camera's number or device, a URL, images, or a video file.

    Args:
        output: where the results will go; frames are turned upright where it cannot hold a rotation
    Raises:
        InputError: if it cannot be opened.
        UsageError: options that do not fit it.
        UnavailableError: a video, where PyAV is missing.
    """
    _refuse_empty("source", text)
    if fault := no_frame(Path(text)):
        raise InputError(fault)
    _refuse_source_options(text, options, output)
    if names_images(text):
        whole = output is not None and Path(output).suffix.lower() in STACK_SUFFIXES
        wish = ChannelWish(options.trained_on, options.channel, whole)
        return ImageSource(
            [text], _rate(options.rate) or DEFAULT_RATE, wish, alpha=options.alpha, max_pixels=options.max_pixels
        )
    if is_camera(text):
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


def _refuse_source_options(text: str, options: SourceOptions, output: str | None) -> None:
    camera, images = is_camera(text), names_images(text)
    misplaced = {
        "- as source of --raw frames; leave --raw out": options.raw and text != "-",
        "a video to deinterlace; leave --deinterlace out": options.deinterlace and (camera or images),
        "a video to leave alpha out of; leave --no-alpha out": not options.alpha
        and (camera or (images and _container(output) is None)),
        "a stack of channels for --channel; leave it out": options.channel is not None and not images,
    }
    for rule, is_broken in misplaced.items():
        if is_broken:
            wanted, _, advice = rule.partition("; ")
            raise UsageError(f"{text}: expected {wanted}, but got another source; {advice}")


def _open_video(text: str, options: SourceOptions, output: str | None) -> Source:
    if text != "-" and not is_url(text) and not os.path.lexists(text):  # a misspelt name must not ask for PyAV
        raise InputError(f"{text}: expected a video, a camera or images, but there is nothing of that name; check it")
    from zsn2m_runtime.streaming.video.demuxer import Reading
    from zsn2m_runtime.streaming.video.raw_frames import raw_settings
    from zsn2m_runtime.streaming.video.source import VideoSource

    container = _container(output)
    turn = not (container and container.rotation)
    reading = Reading(
        deinterlace=options.deinterlace,
        pass_tracks=options.tracks and bool(container and container.tracks),
        alpha=options.alpha,
        max_pixels=options.max_pixels,
    )
    if text == "-":
        if sys.stdin is None:
            raise InputError("stdin: expected frames, but it is closed; name a file, or pipe frames into this program")
        settings = raw_settings(options.raw, _rate(options.rate)) if options.raw else None
        piped = replace(reading, format=RAW.format if options.raw else Y4M.format, options=settings)
        unlocked = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115 - unbuffered: a blocked read must not keep Python from ending
        return VideoSource(unlocked, piped, upright=turn, name="stdin")
    if is_live_url(text):
        live = replace(reading, live=True)
        return Reconnecting(lambda: VideoSource(text, live, upright=turn))
    return VideoSource(text, reading, upright=turn)


def open_sink(text: str | None, source: Source, sensor: Sensor, options: SinkOptions) -> Sink:
    """The sink that a text names: -, a folder of images, a TIFF stack or a video file; None keeps nothing.

    Args:
        sensor: says the range of integers where the source's files do not
    Raises:
        UsageError: if it cannot hold the source's frames, or would replace the source; options that do not fit it.
        OutputError: if it cannot be made.
        UnavailableError: a video, where PyAV is missing.
    """
    if text is None:
        _refuse_options("no output", options, is_video=False, to_folder=False)
        return NullSink()
    _refuse_empty("output", text)
    if text != "-":
        check_outside_bundles(Path(text) / "frame" if is_folder(text) else Path(text))
    suffix = Path(text).suffix.lower()
    is_video = text == "-" or suffix in CONTAINERS
    to_folder = not is_video and (is_folder(text) or text.endswith("/") or not suffix)
    _refuse_options(text, options, is_video, to_folder)
    if is_video:
        return _video_sink(text, source, sensor, options)
    inputs = source.paths if isinstance(source, ImageSource) else []
    images = _image_sink(text, source, options, to_folder, inputs)
    if video := _as_video(source):
        from zsn2m_runtime.streaming.video.tag_check import lost_to_images

        images.lost = lost_to_images(video)
    return images


def _image_sink(
    text: str, source: Source, options: SinkOptions, to_folder: bool, inputs: list[Path]
) -> FolderSink | StackSink | StackCopySink:
    path, suffix = Path(text), Path(text).suffix.lower()
    if to_folder:
        usual = ".png" if source.info.dtype in ("uint8", "uint16") else ".tif"
        kind = result_suffix(inputs[0].suffix) if inputs else usual
        if options.image_type:
            kind = f".{options.image_type.lstrip('.')}"
        return FolderSink(path, kind, source.info, source.named if isinstance(source, ImageSource) else ())
    if suffix in STACK_SUFFIXES:
        is_copy = len(inputs) == 1 and inputs[0].suffix.lower() not in RAW_SUFFIXES
        return StackCopySink(path, inputs[0]) if is_copy else StackSink(path, source.info, inputs)
    raise UsageError(
        f"{text}: expected a video ({', '.join(CONTAINERS)}), a TIFF stack (.tif), or a folder of images (no suffix, "
        f"or a / at the end), but got {suffix!r}; choose one of those"
    )


def _refuse_empty(what: str, text: str) -> None:
    """An empty path means the current folder, but an empty argument is a mistake."""
    if not text:
        raise UsageError(f"expected the name of the {what}, but got an empty one; name it, or . for this folder")


def _refuse_options(text: str, options: SinkOptions, is_video: bool, to_folder: bool) -> None:
    misplaced = {
        "--codec, --crf, --pixel-format and --lossless for a video": not is_video
        and options.encoding != USUAL_ENCODING,
        "--image-type for a folder of images": not to_folder and options.image_type is not None,
        "--raw-output for - (stdout)": text != "-" and options.raw,
    }
    for rule, is_broken in misplaced.items():
        if is_broken:
            raise UsageError(f"{text}: expected {rule}, but got another output; leave it out")


def _video_sink(text: str, source: Source, sensor: Sensor, options: SinkOptions) -> VideoSink:
    from zsn2m_runtime.streaming.video.sink import VideoSink

    if text == "-" and sys.stdout is None:
        raise OutputError("stdout: expected to be able to write here, but it is closed; name a file with -o")
    video = _as_video(source)
    info, pipe_format = source.info, RAW.format if options.raw else Y4M.format
    if info.range is None and is_whole(info.dtype) and not video:
        info = replace(info, range=sensor.range)
    return VideoSink(
        sys.stdout.buffer if text == "-" else text,
        info,
        options.encoding,
        source=video,
        container=pipe_format if text == "-" else None,
        rate=_rate(options.rate),
    )


def _as_video(source: Source) -> VideoSource | None:
    """The video that a source reads; None for images and cameras, which need no PyAV."""
    first = source.source if isinstance(source, Reconnecting) else source
    if isinstance(first, (ImageSource, CameraSource)):
        return None
    from zsn2m_runtime.streaming.video.source import VideoSource

    return first if isinstance(first, VideoSource) else None


def _container(output: str | None) -> Container | None:
    if output == "-":
        return Y4M  # and raw frames hold no more
    return CONTAINERS.get(Path(output).suffix.lower()) if output else None


def _rate(frames_per_second: float | None) -> Fraction | None:
    return Fraction(frames_per_second).limit_denominator(FINEST_RATE) if frames_per_second else None
