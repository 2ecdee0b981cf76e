"""The first training frame, denoised by the exported default model: its file, a preview, and what a report looks at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from zsn2m_deploy.bundle.preview import write_preview
from zsn2m_deploy.frames.loading import TrainingFrames
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import Layout, frame_suffix, open_image, save_image
from zsn2m_runtime.files.limits import NO_LIMIT
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.inference.frames import denoise_frame
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import SCHEMA_VERSION, ModelCard, Normalisation, Sensor
from zsn2m_runtime.model_record import ModelEntry, ModelFacts
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of
from zsn2m_runtime.mosaic_record import CELL, BayerPattern
from zsn2m_runtime.sample_types import Nchw, Pixels

PREVIEW_NAME = "preview.png"


@dataclass(frozen=True)
class FirstResult:
    """What the model makes of the first frame.

    seen: as networks see frames, sensor units
    run: the model, (1, c, h, w) as networks see frames -> the same, not rounded
    files: the result and the preview
    """

    seen: Pixels
    run: Callable[[Nchw], Nchw]
    files: tuple[Path, Path]


def write_first_result(
    folder: Path, model: ModelEntry, sensor: Sensor, normalisation: Normalisation, training: TrainingFrames
) -> FirstResult:
    """Denoise the first frame and write it, and a preview, into the folder that holds the model."""
    facts = model.model_dump(include=set(ModelFacts.model_fields))
    card = ModelCard(**facts, schema_version=SCHEMA_VERSION, sensor=sensor, normalisation=normalisation)
    session = Session(folder / model.files["onnx"].name, "cpu", spinning=False)
    denoised = denoise_frame(session, card, training.frames[0])
    result = _save_like(training.source, folder / f"denoised{training.suffix}", denoised)
    preview = folder / PREVIEW_NAME
    seen, pattern = denoised.pixels, training.mosaic and training.mosaic.pattern
    if pattern:
        seen = planes_of(denoised, pattern).pixels
    write_preview(preview, training.seen[0].pixels, seen, normalisation.in_use, sensor.noise_sigma)
    return FirstResult(seen, _on_planes(session.run, pattern) if pattern else session.run, (result, preview))


def _on_planes(run: Callable[[Nchw], Nchw], pattern: BayerPattern) -> Callable[[Nchw], Nchw]:
    """A model of mosaics as one of their planes, (1, 4, h, w) -> the same."""

    def run_on_planes(planes: Nchw) -> Nchw:
        _, _, height, width = planes.shape
        mosaic = mosaic_of(planes[0].transpose(1, 2, 0), pattern, (CELL * height, CELL * width))
        return to_nchw(planes_of(Frame(run(to_nchw(mosaic))[0, 0]), pattern).pixels)

    return run_on_planes


def _save_like(source: Path | None, path: Path, frame: Frame) -> Path:
    """Save a frame with the metadata of its source file, unless that was removed or changed during training.

    Returns its path, which then ends in .tif for a RAW file.
    """
    with suppress(InputError), ExitStack() as opened:
        image = opened.enter_context(open_image(source, NO_LIMIT)) if source else None
        if image and image.layout == Layout.of(frame):
            with image.create(path) as writer:
                writer.write(frame)
            return path
    path = path.with_suffix(frame_suffix(path.suffix))
    save_image(path, frame)
    return path
