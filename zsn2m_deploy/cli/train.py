"""train-and-export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from zsn2m_deploy.cli.completion import presets
from zsn2m_deploy.cli.importing import imported_beside, importing
from zsn2m_deploy.cli.summary import bundle_facts, show_bundle
from zsn2m_deploy.cli.terminal import JsonOption, MaxPixels, show_json, training_progress

if TYPE_CHECKING:
    from zsn2m_runtime.bundle import Bundle

Frames = Annotated[
    list[str],
    typer.Argument(metavar="FRAME", help="Noisy frames of one sensor: files, folders, globs; a camera or URL."),
]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Bundle folder to write; default: FRAME.zsn2m here.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with any field of the configuration.")]
Preset = Annotated[
    Literal["default", "instant", "fast", "best", "paper"] | None,
    typer.Option(
        metavar="[instant|fast|default|best]",
        help="The effort: none (the pretrained network as it is), a quarter, once, four times the steps.",
        autocompletion=presets,
    ),
]
Method = Annotated[
    Literal["adapt", "mbd", "full", "paper"] | None,
    typer.Option(
        help="adapt: the pretrained network, adapted (default). mbd, full: the paper's networks, one or both. paper: "
        "full, with its losses alone."
    ),
]
FormerStage = Annotated[str | None, typer.Option("--stage", hidden=True)]
Strength = Annotated[
    float | None,
    typer.Option(
        help="The noise is taken for so many times as strong: larger is smoother. Default: 1. Method adapt, with steps."
    ),
]
Seed = Annotated[int | None, typer.Option(help="Of initialisation, crops and masks. Default: 0.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... Default: auto.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"] | None,
    typer.Option(help="Of the convolutions in training. Default: auto."),
]
BitDepth = Annotated[
    int | None, typer.Option(help="Bits in use of samples of 16 bits (10, 12, 14, 16) or more (18 to 32).")
]
Range = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--range",
        metavar="LOW HIGH",
        help="Black and white of the sensor; needed for float frames. Default: all of an integer type.",
    ),
]
Pages = Annotated[
    str,
    typer.Option(
        help="Pages of a stack to train on, from 1: 1 or 1,3-5 or all; or t=1-5,z=2. They count within the channel."
    ),
]
ChannelOption = Annotated[
    str | None,
    typer.Option(
        "--channel", help="Of a stack with several: a name or number; all: a bundle for each, NAME.CHANNEL.zsn2m."
    ),
]
FrameCount = Annotated[
    int | None,
    typer.Option("--frames", min=1, help="Of a camera or network stream: frames to train on, some apart. Default: 3."),
]
KeepFrames = Annotated[
    Path | None, typer.Option("--keep-frames", help="A new or empty folder for those frames, as PNG.")
]
CorrectDefects = Annotated[
    bool,
    typer.Option(
        "--correct-defects",
        help="Hot and dead pixels are replaced in every frame, dead columns in those of the training frames' width, "
        "dead rows in those of their height. Method adapt.",
    ),
]
Mosaic = Annotated[
    Literal["auto", "RGGB", "BGGR", "GRBG", "GBRG", "none"] | None,
    typer.Option(
        case_sensitive=False,
        help="Frames are mosaics of colour filters of this pattern; auto: of that which files or pixels show. none: "
        "pictures that look like one. Default: as files say; what looks like one is refused.",
    ),
]
NoVideo = Annotated[
    bool, typer.Option("--no-video", help="Leave out the model for videos; saves its part of the training.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing bundle.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("train-and-export")(train_and_export)
    app.command("train", hidden=True, context_settings={"ignore_unknown_options": True})(train)


def train_and_export(
    frames: Frames,
    output: Out = None,
    config: ConfigFile = None,
    preset: Preset = None,
    method: Method = None,
    stage: FormerStage = None,
    strength: Strength = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    bit_depth: BitDepth = None,
    value_range: Range = None,
    pages: Pages = "1",
    channel: ChannelOption = None,
    frame_count: FrameCount = None,
    keep_frames: KeepFrames = None,
    correct_defects: CorrectDefects = False,
    mosaic: Mosaic = None,
    no_video: NoVideo = False,
    max_pixels: MaxPixels = None,
    overwrite: Overwrite = False,
    as_json: JsonOption = False,
) -> None:
    """Train on noisy frames, write a proven bundle.

    The bundle holds TorchScript and ONNX models that were shown to give the same pixels.
    """
    with importing():
        from zsn2m_deploy.config.loading import load_config
        from zsn2m_deploy.frames.channels import ALL
        from zsn2m_deploy.frames.given import given_frames, looked_at
        from zsn2m_deploy.frames.reading import FrameOptions
        from zsn2m_deploy.requirements import require_training
        from zsn2m_runtime.atomic import check_folder_target
        from zsn2m_runtime.errors import UsageError
        from zsn2m_runtime.machine.temporary_files import temporary_files_beside

        require_training()
    sensor_stage = {"correct_defects": True} if correct_defects else None
    options = {"stage": stage, "strength": strength, "seed": seed, "device": device, "precision": precision}
    options |= {"video": False if no_video else None}
    configuration = load_config(config, preset, method, sensor=sensor_stage, mosaic=mosaic, **options)
    sources = _sources(frames)
    if (frame_count or keep_frames) and not any(isinstance(source, str) for source in sources):
        raise UsageError(
            "expected --frames and --keep-frames for a camera or network stream, but got files; leave them out, or "
            "name frames of a video with --pages"
        )
    targets = _targets(sources[0], output, channel, max_pixels)
    for target, _ in targets[1:]:  # the last must not be refused after the first was trained
        check_folder_target(target, overwrite)
    bundles: list[Bundle] = []
    # and with it torch, while frames are read and looked at
    api = imported_beside("zsn2m_deploy.api", "numpy.fft", "numpy.ma", "numpy.random")
    for target, one in targets:
        with training_progress(as_json) as progress:
            frame_options = FrameOptions(bit_depth, value_range, pages, one, frame_count, keep_frames, max_pixels)
            with temporary_files_beside(target):
                given = given_frames(sources, target, configuration, frame_options, overwrite)
                given = looked_at(given, configuration)
                bundles.append(api().make_bundle(given, target, configuration, overwrite, progress))
        if not as_json:
            show_bundle(bundles[-1], as_json)
    if as_json:
        facts = [bundle_facts(bundle) for bundle in bundles]
        show_json(facts if channel == ALL else facts[0])


def train(arguments: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> NoReturn:
    """Says what took its place."""
    from zsn2m_runtime.errors import UsageError

    raise UsageError("expected the command train-and-export, but got train, which is no more; bundles hold both")


def _sources(names: list[str]) -> list[Path | str]:
    """The files that are named, each once; cameras and network streams stay text."""
    from zsn2m_deploy.frames.reading import is_video
    from zsn2m_runtime.files import list_inputs
    from zsn2m_runtime.streaming.places import is_live

    found: list[Path | str] = []
    for name in names:
        is_one = is_live(name) or is_video(Path(name))
        found += ([name] if is_live(name) else [Path(name)]) if is_one else list_inputs([name])
    return list(dict.fromkeys(found))


def _targets(
    source: Path | str, output: Path | None, channel: str | None, max_pixels: int | None
) -> list[tuple[Path, str | None]]:
    """The bundles to write, and the channel that each is for."""
    from zsn2m_deploy.frames.channels import ALL, bundle_paths, options_of
    from zsn2m_deploy.frames.live import short_name
    from zsn2m_deploy.frames.reading import is_video
    from zsn2m_runtime.files import open_image

    usual = output or Path(f"{short_name(source) if isinstance(source, str) else source.stem}.zsn2m")
    if channel is None or isinstance(source, str) or is_video(source):
        return [(usual, channel)]
    with open_image(source, max_pixels) as image:
        channels = image.axes.channels
        if channel == ALL and len(channels) == 1:
            return [(usual, channel)]
        wanted = options_of(channels) if channel == ALL else [channel]
        if output and channel != ALL:
            return [(output, channel)]
        return list(zip(bundle_paths(image, wanted, output), wanted, strict=True))
