"""Training and export in one call: frames in, a checked bundle out."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from zsn2m_deploy.bundle.first_result import FirstResult, write_first_result
from zsn2m_deploy.bundle.networks import exporting, versions
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.fitter import ProgressCallback
from zsn2m_deploy.frames.given import Given, given_frames, named
from zsn2m_deploy.frames.loading import TrainingFrames
from zsn2m_deploy.frames.reading import FrameOptions, FrameSource
from zsn2m_deploy.manifest_parts import noise_of_frames, seen_of_frames, sensor_of, training_record
from zsn2m_deploy.report.words import self_check_in_words
from zsn2m_deploy.report.writing import FACTS_NAME, PAGE_NAME, Findings, Subject, findings, write_report
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train as train_networks
from zsn2m_export.manifest_file import write_manifest
from zsn2m_export.writer import centre_crop, without_outliers, write_test_input, write_weights
from zsn2m_runtime.atomic import atomic_folder, one_at_a_time
from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.bundle import Bundle, file_record, load_bundle
from zsn2m_runtime.errors import TrainingError
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.machine.temporary_files import temporary_files_beside
from zsn2m_runtime.manifest import Manifest, Normalisation
from zsn2m_runtime.mosaic_planes import without_blank
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.sample_types import Nchw, Pixels, is_whole

GATE_SIDE = 256  # pixels; side of the crop that the parity gate compares; chosen: thrice the widest field, of 83 rows


def train_and_export(
    frames: FrameSource | Sequence[FrameSource],
    path: str | Path,
    config: TrainConfig | None = None,
    options: FrameOptions | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> Bundle:
    """Train a denoiser on the noisy frames of one sensor and export it as TorchScript and ONNX.

    Args:
        frames: one frame or several: arrays (h, w) or (h, w, 3) RGB in sensor units, or paths of image files
        path: the bundle folder to write, usually NAME.zsn2m
        config: method, preset and all other choices; None: the default
        options: which pages to take, and facts on their values; float frames need a range
        overwrite: replace an existing bundle
        progress: is told the stage, its step and its loss
    Returns:
        the bundle; its folder also holds the first frame denoised, a preview and a report
    Raises:
        InputError: frames that cannot be read or trained on.
        UsageError, UnavailableError: options that contradict each other; a device or package that is missing.
        TrainingError: training diverged, or the device's memory was full.
        CheckFailedError: an exported model gives other pixels than its network.
        OutputError: the folder exists, or cannot be written.
    Nothing is written when an error is raised.
    """
    sources: Sequence[FrameSource] = frames if isinstance(frames, list | tuple) else [frames]  # type: ignore[list-item]
    config = config or TrainConfig()
    with temporary_files_beside(Path(path)):
        given = given_frames(sources, Path(path), config, options or FrameOptions(), overwrite)
        return make_bundle(given, Path(path), config, overwrite, progress)


@dataclass(frozen=True)
class Judged:
    """The first frame's result as a report sees it, what was found of it, and the files of the result."""

    subject: Subject
    found: Findings
    files: tuple[Path, ...]


def make_bundle(
    given: Given, path: Path, config: TrainConfig, overwrite: bool = False, progress: ProgressCallback | None = None
) -> Bundle:
    """Train and export, as `train_and_export`, on frames that were read."""
    training = given.frames
    trained = _train(given, config, progress)
    first = to_nchw(_first_filled(training))
    first = without_outliers(first, trained.offset, trained.scale)
    with ExitStack() as lock, atomic_folder(path, overwrite) as folder:
        manifest, judged = _with_models(folder, training, trained, first, one_line(path.name), progress)
        manifest = _with_report(folder, manifest, judged)
        write_manifest(folder, manifest)
        lock.enter_context(one_at_a_time(path))  # else an export that is running would put the old bundle back
    return load_bundle(path)


def _train(given: Given, config: TrainConfig, progress: ProgressCallback | None) -> Trained:
    training = given.frames
    ends = training.value_range if is_whole(training.dtype) else None  # others may exceed it
    try:
        with named(training):
            return train_networks(training.seen, config, progress, training.names, ends, given.look)
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"the device's memory is full ({error}); lower the stage's schedule.crop_side ({_stages(config)}) in a "
            f"--config file, or use --device cpu"
        ) from error


def _stages(config: TrainConfig) -> str:
    return {"sensor": "[sensor.schedule]", "mbd": "[mbd.schedule]"}.get(config.stage, "[mbd.schedule], [grd.schedule]")


def _first_filled(training: TrainingFrames) -> Pixels:
    """The first frame as its file holds it, blank areas filled."""
    frame = training.frames[0]
    if training.mosaic:
        return without_blank(frame)[0]
    return filled(frame.pixels, frame.blank)


def _with_models(
    folder: Path, training: TrainingFrames, trained: Trained, first: Nchw, name: str, progress: ProgressCallback | None
) -> tuple[Manifest, Judged]:
    """Write weights, self-test arrays, models and the first frame's result into a folder, and judge that.

    Args:
        name: of the bundle
    The manifest is returned without the result and without a report.
    """
    sound = [trained.corrections.sound(filled(frame.pixels, frame.blank)) for frame in training.seen]
    noise = noise_of_frames(training, trained, sound)
    sensor = sensor_of(training, noise.sigma)
    normalisation = Normalisation(offset=trained.offset, scale=trained.scale)
    weights, test_input = write_weights(folder, trained.networks), write_test_input(folder, first)
    probe = centre_crop(first, GATE_SIDE)
    with exporting(folder, trained.networks, sensor, normalisation, probe, progress) as (model, others):
        result = write_first_result(folder, model, sensor, normalisation, training)
        subject = _subject(training, trained, sound[0], result, name)
        judged = Judged(subject, findings(subject, sensor.range, normalisation.in_use), result.files)
        look, mixture = seen_of_frames(training, trained, sound)
        exported = others()
    corrections = trained.corrections
    manifest = Manifest(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions=versions(),
        method=trained.config.model_dump(mode="json"),
        seed=trained.config.seed,
        sensor=sensor,
        normalisation=normalisation,
        noise=trained.noise.record(),
        look=look,
        mixture=mixture,
        row_noise=corrections.offsets.row_noise,
        impulses=corrections.impulse_record,
        dead_lines=corrections.lines,
        fixed_pattern=corrections.offsets.pattern_record(*training.frames[0].pixels.shape[:2]),
        default=exported.default,
        models=exported.models,
        weights=weights,
        self_test_input=test_input,
        training=training_record(training, trained, noise, mixture, exported.seconds),
    )
    return manifest, judged


def _subject(training: TrainingFrames, trained: Trained, sound: Pixels, first: FirstResult, name: str) -> Subject:
    """What the report of a bundle of that name is about; `sound`: the first frame without dead lines and impulses."""
    return Subject(
        name,
        training.names[0],
        training.seen[0].pixels,
        sound,
        trained.corrections.corrected(sound),
        first.seen,
        trained.noise,
        first.run,
        trained.unmodelled,
        training.seen[0].blank,
        training.frames[0].pixels.shape[:2],
        trained.share < 1,
        trained.groups[0].uneven is not None,
    )


def _with_report(folder: Path, manifest: Manifest, judged: Judged) -> Manifest:
    """Add the first frame's result, preview and report to the manifest."""
    report = write_report(folder, judged.subject, judged.found, manifest)
    found = {
        "summary": {
            "verdict": f"{report.verdict}: {report.verdict.meaning}",
            "self-check": f"PSNR {self_check_in_words(report.self_check)}",
        },
        "warnings": report.warnings,  # includes those of training
        "next": report.next_steps,
    }
    extras = (*judged.files, folder / PAGE_NAME, folder / FACTS_NAME)
    return manifest.model_copy(
        update={
            "extras": tuple(file_record(file) for file in extras),
            "training": manifest.training.model_copy(update=found),
        }
    )
