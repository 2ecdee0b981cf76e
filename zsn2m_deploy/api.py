"""The Python door: frames in, a proven bundle out."""

from __future__ import annotations

import datetime
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from zsn2m_deploy.config import TrainConfig
from zsn2m_deploy.fitting import Progress, ProgressCallback
from zsn2m_deploy.preview import write_preview
from zsn2m_deploy.restoring import restored_networks
from zsn2m_deploy.sensor import FrameSource, SensorOptions, TrainingFrames, load_training_frames
from zsn2m_deploy.training import Trained
from zsn2m_deploy.training import train as train_networks
from zsn2m_export.writer import (
    ExportableModel,
    centre_crop,
    write_manifest,
    write_models,
    write_test_input,
    write_weights,
)
from zsn2m_runtime.atomic import atomic_folder, check_folder_target
from zsn2m_runtime.bundle import Bundle, file_record, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, CheckFailedError, InputError, TrainingError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame, Nchw, to_nchw
from zsn2m_runtime.manifest import Manifest, ModelEntry, Normalisation, Sensor
from zsn2m_runtime.session import installed_version
from zsn2m_runtime.verify import TOLERANCE, largest_difference

GATE_SIDE = 512  # pixels of the frame's crop that the parity gate compares
PREVIEW_NAME = "preview.png"
PREFERENCE = ("grd", "mbd")  # which model is the default: the last stage trained
_VERSIONED = ("zsn2m-deploy", "torch", "onnx", "onnxscript", "onnxruntime", "onnxruntime-gpu", "numpy")


def train_and_export(
    frames: FrameSource | Sequence[FrameSource],
    path: str | Path,
    config: TrainConfig | None = None,
    sensor: SensorOptions | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> Bundle:
    """Train a denoiser on the noisy frames of one sensor and export it as TorchScript and ONNX.

    Args:
        frames: one frame or several: arrays (h, w) or (h, w, 3) RGB in sensor units, or paths of image files
        path: the bundle folder to write, by custom NAME.zsn2m
        sensor: what is known of the sensor; float frames need its range
        overwrite: replace an existing bundle
    Returns:
        the bundle; its folder also holds the first frame's own denoised result and a preview
    Raises:
        Zsn2mError: each with a message that says what to do; nothing is written then.
    """
    return _make_bundle(frames, Path(path), config, sensor, overwrite, progress, exported=True)


def train(
    frames: FrameSource | Sequence[FrameSource],
    path: str | Path,
    config: TrainConfig | None = None,
    sensor: SensorOptions | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> Bundle:
    """As `train_and_export`, but write weights and manifest only; `export` adds the graphs later."""
    return _make_bundle(frames, Path(path), config, sensor, overwrite, progress, exported=False)


def export(path: str | Path, progress: ProgressCallback | None = None) -> Bundle:
    """Export a bundle's weights as TorchScript and ONNX, replacing what was exported before.

    The bundle stays as it was if anything fails. The parity gate compares on the bundle's self-test input.

    Raises:
        BundleError: no bundle, a damaged one, or one without weights.
        CheckFailedError: the parity gate.
    """
    bundle = load_bundle(path)
    if bundle.manifest.weights is None:
        raise BundleError(f"{path}: expected weights in the bundle, but there are none; train again")
    networks = restored_networks(bundle)
    before = bundle.manifest
    with atomic_folder(bundle.path, overwrite=True) as folder:
        shutil.copytree(bundle.path, folder, dirs_exist_ok=True)
        manifest = _with_models(folder, before, networks, np.load(folder / before.self_test_input.name), progress)
        for model in before.models:
            record = model.self_test.name
            difference = largest_difference(np.load(bundle.path / record), np.load(folder / record))
            if not difference <= TOLERANCE * before.normalisation.scale:
                raise CheckFailedError(
                    f"{path}: expected {model.id} to give the pixels that it gave before, but they differ by "
                    f"{difference:g}; export with zsn2m-deploy {before.versions.get('zsn2m-deploy')}, or train again"
                )
        write_manifest(folder, manifest.model_copy(update={"versions": _versions()}))
    return load_bundle(path)


def _make_bundle(
    frames: FrameSource | Sequence[FrameSource],
    path: Path,
    config: TrainConfig | None,
    sensor: SensorOptions | None,
    overwrite: bool,
    progress: ProgressCallback | None,
    exported: bool,
) -> Bundle:
    check_folder_target(path, overwrite)
    sources: Sequence[FrameSource] = frames if isinstance(frames, list | tuple) else [frames]  # type: ignore[list-item]
    training = load_training_frames(sources, sensor or SensorOptions())
    trained = _train(training, config or TrainConfig(), progress)
    first = to_nchw(training.frames[0].pixels)
    with atomic_folder(path, overwrite) as folder:
        manifest = _describe(folder, training, trained, first)
        if exported:
            manifest = _with_models(folder, manifest, trained.networks, centre_crop(first, GATE_SIDE), progress)
            write_manifest(folder, manifest)
            manifest = _with_results(folder, manifest, training)
        write_manifest(folder, manifest)
    return load_bundle(path)


def _train(training: TrainingFrames, config: TrainConfig, progress: ProgressCallback | None) -> Trained:
    try:
        return train_networks([frame.pixels for frame in training.frames], config, progress)
    except InputError as error:
        raise InputError(f"{', '.join(training.names)}: {error}") from error
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"the device's memory is full ({error}); lower mbd.schedule.crop_side and grd.schedule.crop_side in a "
            f"--config file, or use --device cpu"
        ) from error


def _versions() -> dict[str, str]:
    found = {name: installed_version(name) for name in _VERSIONED}
    return {"python": platform.python_version()} | {name: version for name, version in found.items() if version}


def _describe(folder: Path, training: TrainingFrames, trained: Trained, first: Nchw) -> Manifest:
    """The manifest of a bundle without graphs; writes weights and self-test input."""
    return Manifest(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        method=trained.config.model_dump(mode="json"),
        seed=trained.config.seed,
        sensor=Sensor(
            dtype=training.dtype,
            channels=trained.channels,
            range=training.value_range,
            noise_sigma=trained.noise_sigma,
        ),
        normalisation=Normalisation(offset=trained.offset, scale=trained.scale),
        weights=write_weights(folder, trained.networks),
        self_test_input=write_test_input(folder, first),
        training={
            "frames": [
                {"name": name, "height": frame.pixels.shape[0], "width": frame.pixels.shape[1]}
                for name, frame in zip(training.names, training.frames, strict=True)
            ],
            "device": trained.device,
            "precision": trained.precision,
            "stages": [asdict(report) for report in trained.reports],
            "warnings": trained.warnings,
        },
    )


def _with_models(
    folder: Path,
    manifest: Manifest,
    networks: dict[str, nn.Module],
    probe: Nchw,
    progress: ProgressCallback | None,
) -> Manifest:
    """The manifest with every network exported into the folder."""
    started = time.perf_counter()
    entries: list[ModelEntry] = []
    for done, (model_id, network) in enumerate(networks.items()):
        if progress:
            progress(Progress("export", done, len(networks), None))
        model = ExportableModel(model_id, model_id, network, getattr(network, "stride", 1))
        entries += write_models(folder, [model], manifest.sensor, manifest.normalisation, probe)
    if progress:
        progress(Progress("export", len(networks), len(networks), None))
    seconds = {"export_seconds": time.perf_counter() - started}
    default = next(model_id for model_id in PREFERENCE if model_id in networks)
    return manifest.model_copy(
        update={"models": tuple(entries), "default": default, "training": manifest.training | seconds}
    )


def _with_results(folder: Path, manifest: Manifest, training: TrainingFrames) -> Manifest:
    """The manifest with the first frame's denoised result and the preview, by the exported default model."""
    noisy = training.frames[0]
    denoised = Denoiser(folder, provider="cpu").denoise(noisy, training.names[0])
    result = folder / f"denoised{training.source.suffix.lower() if training.source else '.npy'}"
    _save_like(training.source, result, denoised)
    low, scale = manifest.normalisation.offset, manifest.normalisation.scale
    preview = folder / PREVIEW_NAME
    write_preview(preview, noisy.pixels, denoised.pixels, (low, low + scale), manifest.sensor.noise_sigma)
    return manifest.model_copy(update={"extras": (file_record(result), file_record(preview))})


def _save_like(source: Path | None, path: Path, frame: Frame) -> None:
    if source is not None:
        with open_image(source) as image:
            if image.page_count == 1:
                with image.create(path) as writer:
                    writer.write(frame)
                return
    save_image(path, frame)
