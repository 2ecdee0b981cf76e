"""What would make a stream faster on this machine: timed on a crop, or named without a figure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zsn2m_runtime.bundle import load_bundle, read_manifest
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.further_models import NETWORKS, FurtherModel, further_models
from zsn2m_runtime.gain import differ_in_strength
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.providers import starting_providers
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import StreamInfo

CROP = 256  # pixels, side of the crop that is timed: about 0.1 s of a slow model on a laptop
PATIENCE = 60.0  # seconds of a whole stream; nobody needs advice for less
MIDDLE = (0.25, 0.75)  # of the sensor's range: clear of clipping
RUNS = 3  # of each model, after one that allocates memory; the fastest counts
WORTH_IT = 1.15  # times as fast: less is within the noise of three timings


@dataclass(frozen=True)
class Faster:
    """A way to more frames a second: what to do, and how many times as fast it was; None: not timed."""

    how: str
    times: float | None = None


def video_model(path: Path) -> str | None:
    """Id of a bundle's model for videos, if a stream should take it; None: the bundle's default.

    Of a bundle for kinds of noise that differ in more than their strength that model knows the first alone.

    Raises:
        BundleError: no bundle, or a damaged one.
    """
    if not path.is_dir():
        return None
    manifest = read_manifest(path)
    models = [model for model in manifest.models if model.strength and "onnx" in model.files]
    noises = [group.noise for group in manifest.mixture]
    is_one = not noises or (manifest.impulses is None and differ_in_strength(noises))
    return models[0].id if models and is_one else None


def faster_ways(bundle: Path, denoiser: Denoiser, threads: int, info: StreamInfo) -> tuple[Faster, ...]:
    """What would be faster; nothing where the denoiser keeps up with the source, or needs less than a minute for it.

    Other models of the bundle are timed on the provider that runs. Other providers, and models that the bundle does
    not have, are named only.
    """
    crop = _crop(denoiser.card.sensor, info)
    seconds = _seconds(denoiser, crop)
    whole = seconds * info.height * info.width / (crop.shape[0] * crop.shape[1])
    is_fast = whole * info.rate < 1 if info.rate else whole * (info.frames or 0) < PATIENCE
    if is_fast:
        return ()
    ways = [*_other_models(bundle, denoiser, threads, crop, seconds), *_other_providers(denoiser.provider)]
    ways.sort(key=lambda way: -(way.times or 0))
    return (*ways, Faster("frames of half the width and height"))


def _crop(sensor: Sensor, info: StreamInfo) -> Pixels:
    """Random samples within the sensor's range: a constant frame would count as blank and skip the network."""
    height, width = min(info.height, CROP), min(info.width, CROP)
    shape = (height, width) if sensor.channels == 1 else (height, width, sensor.channels)
    low, high = sensor.range
    values = np.random.default_rng(0).uniform(*MIDDLE, shape)
    return np.asarray(low + (high - low) * values).astype(sensor.dtype)


def _seconds(denoiser: Denoiser, crop: Pixels) -> float:
    denoiser.denoise(Frame(crop))
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        denoiser.denoise(Frame(crop))
        taken.append(time.perf_counter() - started)
    return min(taken)


def _other_models(path: Path, denoiser: Denoiser, threads: int, crop: Pixels, seconds: float) -> list[Faster]:
    if not path.is_dir():  # a single .onnx file has no other models
        return []
    bundle, ways = load_bundle(path), []
    for model in bundle.manifest.models:
        if model.io != "sensor" or "onnx" not in model.files or model.id == denoiser.card.id:
            continue
        try:
            other = _seconds(Denoiser(path, model.id, denoiser.provider, threads, spinning=False), crop)
        except Zsn2mError:  # it does not run on this provider
            continue
        if seconds / other >= WORTH_IT:
            ways.append(Faster(f"--model {model.id}", round(seconds / other, 1)))
    role = next(model.role for model in bundle.manifest.models if model.id == denoiser.card.id)
    helps = {"cpu": "int8"}.get(denoiser.provider, "fp16")
    lacking = [model for model in further_models(bundle) if _may_be_faster(model, role, helps)]
    return [*ways, *(Faster(f"{model.id} ({model.use}), by: {model.command}") for model in lacking)]


def _may_be_faster(model: FurtherModel, running: str, helps: str) -> bool:
    """Whether it is of a quicker network than the one that runs, or of the same in the precision that helps here."""
    if model.role == running:
        return model.precision == helps
    quickest_first = list(NETWORKS)
    return quickest_first.index(model.role) < quickest_first.index(running) and model.precision in (helps, "fp32")


def _other_providers(running: str) -> list[Faster]:
    starting = starting_providers(import_onnxruntime())
    others = [name for name, reason in starting.items() if reason is None and name not in (running, "cpu")]
    return [Faster(f"--provider {name}") for name in others]
