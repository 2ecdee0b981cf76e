"""What would make a stream faster on this machine; measured on a part of a frame, or said not to be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.further_models import further_models
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.providers import starting_providers
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import StreamInfo

PART = 256  # pixels of the side of what is measured: some 0.1 s of a slow model on a laptop
MINUTE = 60.0  # seconds: what people wait for without asking how to do better
RUNS = 3  # of each model; the fastest counts, after one that allocates
SMALLEST = "mbd"  # the network with the fewest parameters
WORTH_IT = 1.15  # times as fast: less is lost in the noise of such a measurement


@dataclass(frozen=True)
class Faster:
    """A way to more frames a second: what to do, and how many times as fast it was, None where nobody measured."""

    how: str
    times: float | None = None


def faster_ways(bundle: Path, denoiser: Denoiser, threads: int, info: StreamInfo) -> tuple[Faster, ...]:
    """What would be faster than this denoiser; nothing where it keeps up with the source, or needs less than a minute.

    Models of the bundle are measured on the provider that runs; other providers and models that are not there are not.
    """
    part = _part(denoiser.card.sensor, info)
    seconds = _seconds(denoiser, part)
    whole = seconds * info.height * info.width / (part.shape[0] * part.shape[1])
    is_fast = whole * info.rate < 1 if info.rate else whole * (info.frames or 0) < MINUTE
    if is_fast:
        return ()
    ways = [*_other_models(bundle, denoiser, threads, part, seconds), *_other_providers(denoiser.provider)]
    ways.sort(key=lambda way: -(way.times or 0))
    return (*ways, Faster("frames of half the width and height"))


def _part(sensor: Sensor, info: StreamInfo) -> Pixels:
    """A frame of chance within the sensor's range. One of a single value would be blank, and pass by the network."""
    height, width = min(info.height, PART), min(info.width, PART)
    shape = (height, width) if sensor.channels == 1 else (height, width, sensor.channels)
    low, high = sensor.range
    values = np.random.default_rng(0).uniform(0.25, 0.75, shape)
    return np.asarray(low + (high - low) * values).astype(sensor.dtype)


def _seconds(denoiser: Denoiser, part: Pixels) -> float:
    denoiser.denoise(Frame(part))
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        denoiser.denoise(Frame(part))
        taken.append(time.perf_counter() - started)
    return min(taken)


def _other_models(path: Path, denoiser: Denoiser, threads: int, part: Pixels, seconds: float) -> list[Faster]:
    if not path.is_dir():  # a single file knows of no others
        return []
    bundle, ways = load_bundle(path), []
    for model in bundle.manifest.models:
        if model.io != "sensor" or "onnx" not in model.files or model.id == denoiser.card.id:
            continue
        try:
            other = _seconds(Denoiser(path, model.id, denoiser.provider, threads, spinning=False), part)
        except Zsn2mError:  # it does not run on this provider
            continue
        if seconds / other >= WORTH_IT:
            ways.append(Faster(f"--model {model.id}", round(seconds / other, 1)))
    helps = {"cpu": "int8"}.get(denoiser.provider, "fp16")
    lacking = [model for model in further_models(bundle) if model.precision == helps or model.id == SMALLEST]
    return [*ways, *(Faster(f"{model.id} ({model.use}), by: {model.command}") for model in lacking)]


def _other_providers(running: str) -> list[Faster]:
    starting = starting_providers(import_onnxruntime())
    others = [name for name, reason in starting.items() if reason is None and name not in (running, "cpu")]
    return [Faster(f"--provider {name}") for name in others]
