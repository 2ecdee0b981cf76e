"""stream: video, cameras, long sequences."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zsn2m_deploy.cli.denoise import BundlePath, Provider
from zsn2m_deploy.cli.stream_report import report_stream, tell_interrupt
from zsn2m_deploy.cli.terminal import Interrupted, JsonOption, MaxPixels, remark, stream_progress

if TYPE_CHECKING:
    from zsn2m_runtime.denoiser import Denoiser
    from zsn2m_runtime.streaming.ends import Sink, Source
    from zsn2m_runtime.streaming.options import SinkOptions, SourceOptions
    from zsn2m_runtime.streaming.running import Stream

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="Video file, camera number or device, URL (rtsp://...), folder or glob of images, TIFF stack, or - for "
        "Y4M (or --raw) on stdin.",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option("--output", "-o", help="Video file, folder of images, TIFF stack, or - for stdout."),
]


@dataclass(frozen=True)
class StreamRequest:
    """What the command line asks for: the two ends of the stream, how each is opened, and whether late frames go."""

    source: str
    output: str | None
    reading: SourceOptions
    writing: SinkOptions
    drop_late: bool


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("stream")(stream)


def stream(
    bundle: BundlePath,
    source: SourceArgument,
    output: OutputOption = None,
    model: Annotated[
        str | None, typer.Option(help="Model of the bundle; default: that for videos, else the bundle's.")
    ] = None,
    motion: Annotated[
        Literal["flow", "none", "off"],
        typer.Option(help="To average frames; none: the camera stands still; off: each frame by itself."),
    ] = "flow",
    lookahead: Annotated[
        int,
        typer.Option(
            min=0, max=16, metavar="FRAMES", help="Average also so many later frames; as many later is the result."
        ),
    ] = 0,
    provider: Provider = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: one per core.")] = 0,
    channel: Annotated[
        str | None,
        typer.Option(help="Of stacks with several: a name, a number or all; default: the bundle's."),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Take up the bundle when it is replaced on disk, between two frames.")
    ] = False,
    frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    drop_late: Annotated[
        bool, typer.Option("--drop-late", help="Live sources: drop frames that would come late, and count them.")
    ] = False,
    deinterlace: Annotated[bool, typer.Option("--deinterlace", help="Deinterlace interlaced video first.")] = False,
    raw: Annotated[
        str | None, typer.Option(metavar="WxH:FORMAT[@FPS]", help="Raw frames on stdin, such as 1920x1080:rgb24@25.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--fps", min=0.001, help="Frames per second of sources without a rate; default 25.")
    ] = None,
    codec: Annotated[str | None, typer.Option(help="Video codec; default: libx264, for .webm libvpx-vp9.")] = None,
    crf: Annotated[int | None, typer.Option(min=0, max=63, help="Quality of the codec, lower is better.")] = None,
    pixel_format: Annotated[str | None, typer.Option(help="Of the output; default: as the source, or nearest.")] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="FFV1, every value kept (.mkv, .avi, .nut).")] = False,
    raw_output: Annotated[
        bool, typer.Option("--raw-output", help="Raw frames on stdout in place of Y4M; with --raw always.")
    ] = False,
    image_type: Annotated[str | None, typer.Option(help="Of a folder of images: png, tif, ...")] = None,
    tracks: Annotated[bool, typer.Option("--tracks/--no-tracks", help="Copy audio and subtitles through.")] = True,
    alpha: Annotated[bool, typer.Option("--alpha/--no-alpha", help="Keep a video's transparency.")] = True,
    max_pixels: MaxPixels = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the results in a window; q ends.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Denoise a video, a camera or a long sequence.

    Ctrl-C ends a camera's recording well; a second one gives up at once.
    """
    from zsn2m_deploy.cli.stream_pace import PaceTeller, all_of
    from zsn2m_runtime.denoiser import Denoiser
    from zsn2m_runtime.path_kinds import check_bundle_first
    from zsn2m_runtime.streaming.image_source import ImageSource
    from zsn2m_runtime.streaming.options import Encoding, SinkOptions, SourceOptions
    from zsn2m_runtime.streaming.pace import Faster, faster_ways, video_model
    from zsn2m_runtime.streaming.preview import Preview
    from zsn2m_runtime.streaming.running import Stream

    _check_output(output, preview, as_json)
    _check_lookahead(lookahead, motion)
    check_bundle_first("stream {bundle} {rest} -o OUT", bundle, [source])
    for news in ("streaming", "reloading"):  # a camera that comes back, a bundle that is taken up
        logging.getLogger(f"zsn2m_runtime.{news}").setLevel(logging.INFO)
    chosen = model or video_model(bundle)
    denoiser = Denoiser(bundle, chosen, provider, threads, spinning=False)
    _tell_choice(denoiser, None if model else chosen, motion, lookahead)
    of_stack = denoiser.card.sensor.stack_channel
    is_raw = raw_output or (raw is not None and output == "-")
    request = StreamRequest(
        source,
        output,
        SourceOptions(raw, rate, deinterlace, tracks, alpha, channel, of_stack, max_pixels),
        SinkOptions(Encoding(codec, crf, pixel_format, lossless), image_type, is_raw, rate),
        drop_late,
    )
    with contextlib.ExitStack() as until_run:
        frames_in, sink = _open_ends(until_run, denoiser, request)
        window = Preview(sink, denoiser.card.sensor) if preview else None
        # Images have the rate of the video that they may become, and nobody waits for that.
        info = frames_in.info if rate or not isinstance(frames_in, ImageSource) else replace(frames_in.info, rate=None)
        faster = faster_ways(bundle, denoiser, threads, info)
        if lookahead and denoiser.averages:
            faster = (*faster, Faster("without --lookahead"))
        run = Stream(
            denoiser,
            frames_in,
            window or sink,
            drop_late=drop_late,
            motion=motion,
            lookahead=lookahead,
            reload=reload,
            limit=frames,
        )
        tell = None if as_json else PaceTeller(run, info, faster, drop_late)
        if window:
            window.on_quit = run.stop
        with _stopped_by_interrupt(run), stream_progress(as_json, frames_in.info, frames) as on_frame:
            until_run.pop_all()  # it ends both, and leaves a source open that is still inside a read
            try:
                report = replace(run.run(all_of(on_frame, tell)), faster=faster)
            except KeyboardInterrupt:
                tell_interrupt(run.kept, output)
                raise Interrupted from None
    report_stream(report, as_json, output)


def _tell_choice(denoiser: Denoiser, chosen: str | None, motion: str, lookahead: int) -> None:
    """What there is beside the model that was chosen for a video, and whether --lookahead does anything.

    Args:
        chosen: the model; None: it was named, or is the bundle's default
    """
    if chosen:
        is_better = denoiser.averages and motion != "off" and not lookahead
        more = "; --lookahead 2 is better, too, at about twice the time" if is_better else ""
        remark(
            f"model {chosen}: quick; --model sensor is slower and better, most of all where neighbouring pixels share "
            f"noise{more}"
        )
    if lookahead and not denoiser.averages:
        remark("--lookahead changes nothing: with this model every frame is denoised by itself")


def _check_output(output: str | None, preview: bool, as_json: bool) -> None:
    from zsn2m_runtime.errors import UsageError

    if output is None and not preview:
        raise UsageError("expected an output, but got none; name one with -o, or watch with --preview")
    if output == "-" and as_json:
        raise UsageError("expected either --json or frames on stdout, but got both; leave one out")


def _check_lookahead(lookahead: int, motion: str) -> None:
    from zsn2m_runtime.errors import UsageError

    if lookahead and motion == "off":
        raise UsageError("expected --motion flow or none with --lookahead, but got off, which averages nothing")


def _open_ends(undo: contextlib.ExitStack, denoiser: Denoiser, request: StreamRequest) -> tuple[Source, Sink]:
    """Open source and sink, which fit each other and the sensor; `undo` closes them again."""
    from zsn2m_runtime.errors import UsageError
    from zsn2m_runtime.streaming.opening import open_sink, open_source
    from zsn2m_runtime.streaming.running import check_source_fits

    frames_in = open_source(request.source, request.reading, request.output)
    undo.callback(frames_in.close)
    if request.drop_late and not frames_in.info.live:
        raise UsageError(f"{request.source}: expected a live source for --drop-late, but got a file; leave it out")
    check_source_fits(denoiser, frames_in.info)
    sink = open_sink(request.output, frames_in, denoiser.card.sensor, request.writing)
    undo.callback(sink.salvage)
    return frames_in, sink


@contextlib.contextmanager
def _stopped_by_interrupt(run: Stream) -> Iterator[None]:
    """The first Ctrl-C (or kill, or closed terminal) ends the stream in order; the next one interrupts."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    if before[signal.SIGHUP] == signal.SIG_IGN:  # nohup asks to go on
        del before[signal.SIGHUP]

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        run.stop()

    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
