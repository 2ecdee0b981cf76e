"""Sequences of clip_bikes with drawn noise, each with a bundle of its first noisy frame."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from benchmarks.results import DATA
from zsn2m_deploy import TrainConfig, train_and_export
from zsn2m_deploy.config.training import Preset
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.sample_types import Pixels

NOISES = {  # level units a photon, 0: none; deviation of the rest
    "Gaussian 25": (0.0, 25.0),
    "Poisson-Gaussian": (3.0, 5.0),  # variance 3 x + 25
    "Gaussian 10": (0.0, 10.0),
    "Gaussian 40": (0.0, 40.0),
}
SHOTS = {"112-127": range(112, 128), "172-186": range(172, 187), "232-241": range(232, 242)}  # cuts at 187 and 242
SKIPPED = 5  # frames before the first that counts
TURN = 8  # frames before the cut, or the change of gain
SEQUENCES: dict[str, list[tuple[int, str]]] = {  # numbers of frames, and their noise
    **{shot: [(number, "Gaussian 25") for number in frames] for shot, frames in SHOTS.items()},
    **{
        f"{shot}, Poisson-Gaussian": [(number, "Poisson-Gaussian") for number in frames]
        for shot, frames in SHOTS.items()
    },
    "still": [(112, "Gaussian 25")] * 16,
    "cut": [(number, "Gaussian 25") for number in (*range(112, 120), *range(172, 180))],
    "gain": [(number, "Gaussian 10" if number < 112 + TURN else "Gaussian 40") for number in range(112, 137)],
    "strong": [(number, "Gaussian 40") for number in range(112 + TURN, 137)],  # the frames of "gain" after its turn
}


@dataclass(frozen=True)
class Clip:
    """A sequence, and the bundle of its first frame."""

    clean: list[Pixels]
    noisy: list[Pixels]
    noise: str
    bundle: Callable[[], Path]

    def denoiser(self, model: str) -> Denoiser:
        """One of the bundle's models, on one thread."""
        return Denoiser(self.bundle(), model=model, provider="cpu", threads=1, spinning=False)


def noisy(clean: Pixels, noise: str, seed: tuple[int, int]) -> Pixels:
    photon, deviation = NOISES[noise]
    generator = np.random.default_rng(seed)
    light = photon * generator.poisson(clean / photon) if photon else clean
    return np.rint(light + deviation * generator.standard_normal(clean.shape)).clip(0, 255).astype(np.uint8)


@functools.cache
def video() -> list[Pixels]:
    with av.open(str(DATA / "clip_bikes" / "bikes.mp4")) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def clip(sequence: str, preset: Preset, bundles: Path, sources: str) -> Clip:
    frames = SEQUENCES[sequence]
    clean = [video()[number] for number, _ in frames]
    seen = [noisy(video()[number], noise, (number, index)) for index, (number, noise) in enumerate(frames)]
    number, noise = frames[0]
    path = bundles / f"{number}-{noise.replace(' ', '-')}-{preset}-{sources}.zsn2m"

    def bundle() -> Path:
        if not path.exists():
            train_and_export(seen[0], path, TrainConfig.from_preset(preset).updated({"device": "cpu"}))
        return path

    return Clip(clean, seen, noise, bundle)
