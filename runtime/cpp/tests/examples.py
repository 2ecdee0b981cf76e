"""What the comparisons with Python share: frames, the installed example programs, and how near results must be."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import Pixels

LARGEST_FLOAT_DIFFERENCE = 1e-5  # of the sensor's range
LARGEST_SHARE_OFF = 1e-4  # of integer samples, each by one level: results within a rounding of a tie
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def noisy_frame(sensor: Sensor, size: tuple[int, int], seed: int = 0) -> Pixels:
    """A noisy ramp over the sensor's range."""
    generator = np.random.default_rng(seed)
    shape = size if sensor.channels == 1 else (*size, sensor.channels)
    ramp = np.linspace(0.2, 0.8, int(np.prod(shape))).reshape(shape) + generator.uniform(-0.2, 0.2, shape)
    return (sensor.range[0] + ramp * (sensor.range[1] - sensor.range[0])).astype(sensor.dtype)


def run_raw(
    examples: Path, model: Path, frame: Pixels, count: int = 1, strength: float = 1, motion: str = "off"
) -> Pixels:
    """What denoise_raw makes of a frame, or of as many frames of one scene as lie below each other in it."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, denoised = Path(folder) / "noisy", Path(folder) / "denoised"
        noisy.write_bytes(frame.tobytes())
        command: list[str | Path] = [
            examples / "denoise_raw",
            model,
            str(frame.shape[0] // count),
            str(frame.shape[1]),
            noisy,
            denoised,
            str(strength),
            motion,
        ]
        subprocess.run(command, check=True, env=ONE_THREAD)
        return np.fromfile(denoised, frame.dtype).reshape(frame.shape)


def run_pnm(examples: Path, model: Path, frame: Pixels) -> Pixels:
    """What denoise_image makes of a frame in a PGM or PPM file."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, denoised = Path(folder) / "noisy.pnm", Path(folder) / "denoised.pnm"
        kind, white = 5 if frame.ndim == 2 else 6, np.iinfo(frame.dtype).max
        header = f"P{kind}\n{frame.shape[1]} {frame.shape[0]}\n{white}\n".encode()
        noisy.write_bytes(header + frame.astype(frame.dtype.newbyteorder(">")).tobytes())
        subprocess.run([examples / "denoise_image", model, noisy, denoised], check=True, env=ONE_THREAD)
        samples = np.frombuffer(denoised.read_bytes()[len(header) :], frame.dtype.newbyteorder(">"))
        return samples.astype(frame.dtype).reshape(frame.shape)


def compare(name: str, expected: Pixels, result: Pixels, sensor: Sensor) -> bool:
    """Print how far two results are apart, and whether that is near enough."""
    difference = np.abs(expected.astype(np.float64) - result)
    if expected.dtype.kind in "ui":
        off = int(np.count_nonzero(difference))
        print(f"{name}: {off} of {difference.size} samples off, by at most {difference.max():g} levels")
        return bool(difference.max() <= 1 and off <= max(1, LARGEST_SHARE_OFF * difference.size))
    relative = difference.max() / (sensor.range[1] - sensor.range[0])
    print(f"{name}: largest difference {relative:.1e} of the range")
    return bool(relative <= LARGEST_FLOAT_DIFFERENCE)
