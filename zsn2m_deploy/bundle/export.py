"""Exporting a bundle again: its weights, lower precisions, and twins (models that take other arrays)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import numpy as np

from zsn2m_deploy.bundle.copying import copy_folder
from zsn2m_deploy.bundle.networks import export_networks, tell, versions
from zsn2m_deploy.bundle.restore import restored_networks
from zsn2m_deploy.fit.fitter import ProgressCallback
from zsn2m_deploy.frames.value_range import FEWEST_STEPS
from zsn2m_export.manifest_file import write_manifest
from zsn2m_export.twins import INTEGER_DTYPES
from zsn2m_export.variants import Calibration, add_precision, add_twin
from zsn2m_export.writer import centre_crop
from zsn2m_runtime.atomic import atomic_folder, one_at_a_time
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.commands import export_command
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, CheckFailedError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.machine.temporary_files import temporary_files_beside
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.model_record import ModelEntry, ModelIo
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.self_test import read_expected_output, read_test_input
from zsn2m_runtime.sensor_check import check_fits
from zsn2m_runtime.verify import TOLERANCE, largest_difference

log = logging.getLogger(__name__)

CALIBRATION_SIDE = 512  # pixels of the calibration frame's centre; chosen
_EXACT = 2**24  # up to it float32 holds every whole number: 24 bits of significand, IEEE 754

Precision = Literal["fp32", "fp16", "int8"]


def export(
    path: str | Path,
    precision: Precision = "fp32",
    io: ModelIo = "sensor",
    calibrate: str | Path | None = None,
    model: str | None = None,
    progress: ProgressCallback | None = None,
) -> Bundle:
    """Export a bundle's weights again, or add models made from the exported ones.

    - fp32 with io sensor: replaces the fp32 models. The parity gate compares on the bundle's self-test input.
    - Another precision: adds `<model>.int8` or `<model>.fp16` beside each fp32 model. The model for videos has no int8:
      it would be no faster (docs/decisions/int8-video.md).
    - Another io: adds a twin, `<model>.unit` or `<model>.int8.u8`, of each model of that precision.

    The default model stays the default. A model that fails its gate is left out, and the others are written; if
    anything else fails, or none passes, the bundle stays as it was.

    Args:
        calibrate: a frame of the same sensor, whose values int8's ranges are measured on; None: the self-test input,
            which is the centre of the training frame
        model: the network to start from, such as mbd; None: each
        progress: is told how many models are done
    Raises:
        BundleError: no bundle, a damaged one, or one without the models or weights that the export starts from.
        UsageError: options that contradict each other or the sensor.
        InputError: a calibration frame of another type, channel count or range.
        CheckFailedError: a model that differs too much from the one that it is made from; each is named.
    """
    if calibrate is not None and (precision, io) != ("int8", "sensor"):
        raise UsageError(
            f"expected --calibrate with --precision int8 alone, but got --precision {precision} --io {io}; leave it out"
        )
    with one_at_a_time(Path(path)), temporary_files_beside(Path(path)):
        bundle = load_bundle(path)
        if (precision, io) == ("fp32", "sensor"):
            if model is not None:
                raise UsageError(
                    f"expected --model with --precision or --io, but got --model {model} alone; leave it out"
                )
            return _export_weights(bundle, progress)
        sources = _sources(bundle, precision, io, model)
        calibration = _calibration(bundle, calibrate)
        with atomic_folder(bundle.path, overwrite=True) as folder:
            copy_folder(bundle.path, folder)
            added: list[ModelEntry] = []
            failed: list[CheckFailedError] = []
            for done, source in enumerate(sources):
                tell(progress, done, len(sources))
                try:
                    if io == "sensor":
                        added.append(add_precision(folder, bundle.manifest, source, precision, calibration))
                    else:
                        added.append(add_twin(folder, bundle.manifest, source, io))
                except CheckFailedError as error:
                    failed.append(error)
            if failed and not added:
                raise failed[0]
            tell(progress, len(sources), len(sources))
            _write_changed(folder, bundle.manifest, added)
    if failed:
        written = ", ".join(model.id for model in added)
        raise CheckFailedError(f"{'; '.join(map(str, failed))}; written were: {written}")
    return load_bundle(path)


def _export_weights(bundle: Bundle, progress: ProgressCallback | None) -> Bundle:
    before = bundle.manifest
    if before.weights is None:
        raise BundleError(f"{bundle.path}: expected weights in the bundle, but there are none; train again")
    networks = restored_networks(bundle)
    with atomic_folder(bundle.path, overwrite=True) as folder:
        copy_folder(bundle.path, folder)
        probe = read_test_input(bundle)
        exported = export_networks(folder, networks, before.sensor, before.normalisation, probe, progress)
        kept = [model for model in before.models if model.id not in networks]  # valid: the fp32 models are the same
        manifest = before.model_copy(
            update={
                "models": (*exported.models, *kept),
                "default": exported.default,
                "training": before.training.model_copy(update={"export_seconds": exported.seconds}),
                "versions": versions(),
            }
        )
        after = {model.id: model for model in manifest.models}
        for model in before.models:
            now = read_expected_output(Bundle(folder, manifest), after[model.id])
            difference = largest_difference(read_expected_output(bundle, model), now)
            if not difference <= TOLERANCE * before.normalisation.scale:
                raise CheckFailedError(
                    f"{bundle.path}: expected {model.id} to give the pixels that it gave before, but they differ by "
                    f"{difference:g}; export with zsn2m-deploy {before.versions.get('zsn2m-deploy')}, or train again"
                )
        write_manifest(folder, manifest)
    return load_bundle(bundle.path)


def _sources(bundle: Bundle, precision: Precision, io: ModelIo, role: str | None) -> list[ModelEntry]:
    """The models that the new ones are made from."""
    sensor = bundle.manifest.sensor
    if io in INTEGER_DTYPES and sensor.dtype != INTEGER_DTYPES[io]:
        fitting = next((name for name, dtype in INTEGER_DTYPES.items() if dtype == sensor.dtype), "unit")
        raise UsageError(
            f"{bundle.path}: expected --io {io} for a sensor of {INTEGER_DTYPES[io]} samples, but this one gives "
            f"{sensor.dtype}; use --io {fitting}"
        )
    _check_unit_steps(bundle, io)
    bundle.model()  # refuses a bundle without exported models
    wanted = "fp32" if io == "sensor" else precision
    found = [model for model in bundle.manifest.models if (model.precision, model.io) == (wanted, "sensor")]
    if not found:
        raise UsageError(
            f"{bundle.path}: expected {wanted} models to make twins of, but there are none; "
            f"run: {export_command(bundle.path)} --precision {wanted}"
        )
    chosen = [model for model in found if role in (None, model.role)]
    if not chosen:
        known = ", ".join(model.role for model in found)
        raise UsageError(f"{bundle.path}: expected --model to be one of {known}, but got {role!r}")
    if (precision, io) == ("int8", "sensor"):
        for model in [model for model in chosen if model.strength]:
            chosen.remove(model)
            log.warning("%s: is not made in int8, in which it would be no faster", model.id)
        if not chosen:
            raise UsageError(
                f"{bundle.path}: expected a model to make in int8, but the model for videos would be no faster in it; "
                f"take it as it is, or --precision fp16 on a GPU"
            )
    for model in chosen:
        Denoiser(bundle.path, model.id, provider="cpu")  # refuses a model that cannot run or is unlike the manifest
    return chosen


def _check_unit_steps(bundle: Bundle, io: ModelIo) -> None:
    """Refuse io unit where float32 from 0 to 1 has too few steps within the values in use."""
    (low, high), scale = bundle.manifest.sensor.range, bundle.manifest.normalisation.scale
    if io == "unit" and high - low > _EXACT and scale < FEWEST_STEPS * float(np.finfo(np.float32).eps) * (high - low):
        raise UsageError(
            f"{bundle.path}: expected a sensor's range that float32 from 0 to 1 resolves, but got {low:g} to {high:g}, "
            f"of which {scale:.3g} are in use; train with --bit-depth or --range LOW HIGH of the sensor's own"
        )


def _calibration(bundle: Bundle, calibrate: str | Path | None) -> Calibration:
    record = bundle.manifest.self_test_input
    if calibrate is None:
        return Calibration(read_test_input(bundle), record.name)
    path = Path(calibrate)
    with open_image(path) as image:
        frame = image.read()
    check_fits(bundle.manifest.sensor, frame, str(path))
    return Calibration(centre_crop(to_nchw(frame.pixels), CALIBRATION_SIDE), one_line(path.name))


def _write_changed(folder: Path, before: Manifest, added: list[ModelEntry]) -> None:
    """Write the manifest with the new models; those that they replace are removed, and the twins of those too."""
    made = [entry.id for entry in added]
    old_twins = [model.id for model in before.models if model.id.startswith(tuple(f"{name}." for name in made))]
    if old_twins:
        log.warning("%s: removed with the models they were twins of; export them again", ", ".join(old_twins))
    kept = [model for model in before.models if model.id not in (*made, *old_twins)]
    manifest = before.model_copy(update={"models": (*kept, *added)})
    left_over = {record.name for record in before.file_records()} - {record.name for record in manifest.file_records()}
    for name in left_over:
        (folder / name).unlink()
    write_manifest(folder, manifest)
