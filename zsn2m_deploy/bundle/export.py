"""From a bundle's weights to proven files, and from those to lower precisions and twins for other arrays."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from zsn2m_deploy.bundle.restore import restored_networks
from zsn2m_deploy.fit.fitter import Progress, ProgressCallback
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.frames.value_range import FEWEST_STEPS
from zsn2m_export.manifest_file import write_manifest
from zsn2m_export.twins import INTEGER_DTYPES
from zsn2m_export.variants import Calibration, add_precision, add_twin
from zsn2m_export.writer import ExportableModel, centre_crop, write_models
from zsn2m_runtime.atomic import atomic_folder, one_at_a_time
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.denoiser import Denoiser, check_fits
from zsn2m_runtime.errors import BundleError, CheckFailedError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.machine.installation import installed_version
from zsn2m_runtime.machine.temporary_files import temporary_files_beside
from zsn2m_runtime.manifest import MOST_BUNDLE, Manifest, ModelEntry, ModelIo, Normalisation, Sensor
from zsn2m_runtime.plain_file import open_plain
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.self_test import read_expected_output, read_test_input
from zsn2m_runtime.verify import TOLERANCE, largest_difference

log = logging.getLogger(__name__)

PREFERENCE = ("sensor", "grd", "mbd")  # which model is the default: the last stage trained
DEEPEST_FOLDER = 16  # levels below a bundle's folder; exports make none
CALIBRATION_SIDE = 512  # pixels of the calibration frame's centre that are looked at
_EXACT = 2**24  # whole numbers up to there are exact in float32
_VERSIONED = ("zsn2m-deploy", "torch", "onnx", "onnxscript", "onnxruntime", "onnxruntime-gpu", "numpy")

Precision = Literal["fp32", "fp16", "int8"]


def export(
    path: str | Path,
    precision: Precision = "fp32",
    io: ModelIo = "sensor",
    calibrate: str | Path | None = None,
    model: str | None = None,
    progress: ProgressCallback | None = None,
) -> Bundle:
    """Export a bundle's weights (again), or add entries made from what is exported.

    fp32 in sensor units replaces what was exported before; the parity gate compares on the bundle's self-test input.
    Another precision adds `<model>.int8` or `.fp16` beside each fp32 model; another io adds a twin (`<model>.unit`,
    `<model>.int8.u8`) of each model of that precision. The default model stays what it was, and the bundle as a
    whole does if anything fails.

    Args:
        calibrate: a frame of the sensor to measure int8's ranges on; None: the self-test input, which is the centre of
            the training frame
        model: mbd or grd, to add an entry for that one only; None: for each
    Raises:
        BundleError: no bundle, a damaged one, or one without what the export starts from.
        UsageError: options that contradict each other or the sensor.
        InputError: a calibration frame that is not of the sensor.
        CheckFailedError: a gate.
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
            _copy(bundle.path, folder)
            added: list[ModelEntry] = []
            for done, source in enumerate(sources):
                _tell(progress, done, len(sources))
                if io == "sensor":
                    added.append(add_precision(folder, bundle.manifest, source, precision, calibration))
                else:
                    added.append(add_twin(folder, bundle.manifest, source, io))
            _tell(progress, len(sources), len(sources))
            _write_changed(folder, bundle.manifest, added)
    return load_bundle(path)


@dataclass(frozen=True)
class ExportedNetworks:
    """The entries of networks in a bundle, which of them is the default, and what their export took."""

    models: tuple[ModelEntry, ...]
    default: str
    seconds: float


def export_networks(
    folder: Path,
    networks: Mapping[str, FrameNetwork],
    sensor: Sensor,
    normalisation: Normalisation,
    probe: Nchw,
    progress: ProgressCallback | None,
) -> ExportedNetworks:
    """Export every network into a folder that holds the self-test input.

    Shape:
        probe: (1, c, h, w) sensor units, what the parity gate compares on
    Raises:
        CheckFailedError: the parity gate.
    """
    started = time.perf_counter()
    entries: list[ModelEntry] = []
    for done, (model_id, network) in enumerate(networks.items()):
        _tell(progress, done, len(networks))
        model = ExportableModel(model_id, model_id, network, network.stride, network.before_padding())
        entries += write_models(folder, [model], sensor, normalisation, probe)
    _tell(progress, len(networks), len(networks))
    default = next(model_id for model_id in PREFERENCE if model_id in networks)
    return ExportedNetworks(tuple(entries), default, time.perf_counter() - started)


def versions() -> dict[str, str]:
    """The packages that a bundle is made with."""
    found = {name: installed_version(name) for name in _VERSIONED}
    return {"python": platform.python_version()} | {name: version for name, version in found.items() if version}


def _export_weights(bundle: Bundle, progress: ProgressCallback | None) -> Bundle:
    before = bundle.manifest
    if before.weights is None:
        raise BundleError(f"{bundle.path}: expected weights in the bundle, but there are none; train again")
    networks = restored_networks(bundle)
    with atomic_folder(bundle.path, overwrite=True) as folder:
        _copy(bundle.path, folder)
        probe = read_test_input(bundle)
        exported = export_networks(folder, networks, before.sensor, before.normalisation, probe, progress)
        kept = [model for model in before.models if model.id not in networks]  # made from models of the same pixels
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


def _copy(source: Path, folder: Path, room: int = MOST_BUNDLE, depth: int = DEEPEST_FOLDER) -> int:
    """Copy all that lies in a bundle's folder, the user's own files among it; returns the room that is left, in bytes.

    A link becomes the file that it leads to: what is exported must not be written through it.

    Raises:
        BundleError: something that is no plain file and no folder, or far more or deeper folders than a bundle has.
    """
    if depth == 0:
        raise BundleError(
            f"{str(source)[:80]}...: expected folders at most {DEEPEST_FOLDER} deep in a bundle, but got more; move "
            f"what is not of the bundle elsewhere"
        )
    for path in sorted(source.iterdir()):
        target = folder / path.name
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True)
            room = _copy(path, target, room, depth - 1)
            continue
        with open_plain(path) as stream:
            room -= os.fstat(stream.fileno()).st_size
            if room < 0:
                raise BundleError(
                    f"{source}: expected files of at most {MOST_BUNDLE:,} bytes together in a bundle's folder, but got "
                    f"more; move what is not of the bundle elsewhere"
                )
            with target.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
        shutil.copystat(path, target)
    return room


def _sources(bundle: Bundle, precision: Precision, io: ModelIo, role: str | None) -> list[ModelEntry]:
    """The models that the new entries are made from."""
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
            f"run: zsn2m-deploy export {bundle.path} --precision {wanted}"
        )
    chosen = [model for model in found if role in (None, model.role)]
    if not chosen:
        known = ", ".join(model.role for model in found)
        raise UsageError(f"{bundle.path}: expected --model to be one of {known}, but got {role!r}")
    for model in chosen:
        Denoiser(bundle.path, model.id, provider="cpu")  # refuses what it would not run: a card that contradicts, ...
    return chosen


def _check_unit_steps(bundle: Bundle, io: ModelIo) -> None:
    """Refuse numbers from 0 to 1 whose steps in float32 are coarse beside the values in use."""
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
    """Write the manifest with the new entries; what they replace goes, with the twins that were made from it."""
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


def _tell(progress: ProgressCallback | None, done: int, count: int) -> None:
    if progress:
        progress(Progress("export", done, count, None))
