"""What does `stream --temporal` gain on still scenes, what does it cost on moving ones, and how long does it take?

Bundles are trained on one frame of the sample, under four kinds of noise, and on page 1 of seq_beads. Sequences of the
sample's scene have fresh noise in every frame. Flicker is the standard deviation over time of pixels that stand still
in the last 12 of 20 frames; PSNR is compared on pixels that moved since the frame before by more than 2 of 255 levels,
and, after a cut or a change of light, on whole frames. All against the same denoiser without the blend.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.results import DATA, table, write_section
from zsn2m_deploy import Denoiser, TrainConfig, train_and_export
from zsn2m_deploy.config.networks import MbdConfig
from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_deploy.sample.canvas import Floats
from zsn2m_deploy.sample.noise import noisy_pixels
from zsn2m_deploy.sample.scene import clean_frames
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming import temporal
from zsn2m_runtime.streaming.temporal import Temporal

SIDE, FRAMES, SETTLED = 256, 20, 8
MOVED = 2 / 255  # of the span from black to white
CUT = FRAMES // 2
REPEATS = 7
SENSORS = {
    "8-bit RGB": (SampleConfig(width=SIDE, height=SIDE, frames=FRAMES), 1.0),
    "correlated 0.6": (SampleConfig(width=SIDE, height=SIDE, frames=FRAMES, correlation=0.6), 10.0),
    "12-bit grey": (SampleConfig(width=SIDE, height=SIDE, frames=FRAMES, channels=1, bit_depth=16), 1.0),
    "little noise": (SampleConfig(width=SIDE, height=SIDE, frames=FRAMES, photons=1000, read_noise=2), 1.0),
}
OPEN = (1e8, 2e8)
VARIANTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("as it is", {"MOVED": temporal.MOVED}),
    ("no shift test", {"SHIFT": OPEN}),
    ("no change test", {"CHANGE": OPEN}),
    ("nothing for the whole picture", {"MOVED": 2.0}),
    ("noise may grow at once, nothing for the whole picture", {"NOISE_GROWTH": 1e8, "MOVED": 2.0}),
    ("light: offset only", {"LIGHT_SPREAD": 1e9}),
    ("shift 10 to 40", {"SHIFT": (10.0, 40.0), "SHIFT_LIMIT": 80.0}),
    ("window 7", {"WINDOW": 7}),
    ("window 11", {"WINDOW": 11}),
    ("blocks of 4", {"BLOCK": 4}),
    ("history 4", {"HISTORY": 4}),
    ("history 16", {"HISTORY": 16}),
)
Sequence = tuple[list[Pixels], list[Pixels], list[Pixels]]  # clean, noisy, denoised


def scenes(config: SampleConfig) -> Iterator[tuple[str, list[Floats]]]:
    """Sequences of clean frames in [0, 1] by name."""
    picture = clean_scene(config)
    yield "still", [picture] * FRAMES
    yield "sample (moves by 0.4)", list(clean_frames(config))
    large = clean_scene(replace(config, width=SIDE + 144, height=SIDE + 144))
    for speed in (0.25, 1.0, 3.3):
        frames = (_shifted(large, speed * index, 0.4 * speed * index) for index in range(FRAMES))
        yield f"pan by {speed:g}", [frame[:SIDE, :SIDE] for frame in frames]
    for speed in (0.3, 1.0, 3.0):
        yield f"object by {speed:g}", [_with_object(picture, speed * index) for index in range(FRAMES)]
    for contrast in (8, 16, 32):
        for speed in (0.25, 0.5, 1.0, 2.0):
            frames = (_edge(contrast, speed * index, config.channels) for index in range(FRAMES))
            yield f"edge of {contrast} by {speed:g}", list(frames)
    yield "blinking glow", [_glow(index, config.channels) for index in range(FRAMES)]
    yield "cut", [picture] * CUT + [picture[:, ::-1]] * (FRAMES - CUT)
    dim = picture * np.float32(0.94)
    yield "light 5 % alternating", [dim * np.float32(1 + 0.05 * (index % 2)) for index in range(FRAMES)]
    yield "light 5 % step", [dim * np.float32(1 + 0.05 * (index >= CUT)) for index in range(FRAMES)]
    yield "light 5 % slow", [dim * np.float32(1 + 0.05 * np.sin(index / 3)) for index in range(FRAMES)]


def _shifted(picture: Floats, right: float, down: float) -> Floats:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = picture.shape[1::-1]
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def _with_object(picture: Floats, travelled: float) -> Floats:
    mask = np.zeros(picture.shape[:2], np.float32)
    mask[92:164, 24:96] = 1
    mask = _shifted(mask, travelled, 0.5 * travelled).clip(0, 1)
    mask = mask if picture.ndim == 2 else mask[:, :, None]
    return np.asarray(picture * (1 - mask) + _shifted(picture[::-1, ::-1], travelled, 0.5 * travelled) * mask)


def _edge(contrast: float, travelled: float, channels: int) -> Floats:
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    side = (across - SIDE / 2 + 20 - travelled + 0.3 * (down - SIDE / 2)).clip(0, 1)
    return _in_channels(0.45 + contrast / 255 * side, channels)


def _glow(index: int, channels: int) -> Floats:
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32) - SIDE / 2
    glow = np.exp(-(across**2 + down**2) / (2 * 40**2))
    return _in_channels(0.4 + 10 / 255 * np.sin(index / 2) * glow, channels)


def _in_channels(plane: Floats, channels: int) -> Floats:
    return np.asarray(plane if channels == 1 else np.dstack([plane] * 3), np.float32)


def prepare(config: SampleConfig, denoise: Denoiser) -> dict[str, Sequence]:
    """All sequences of a sensor, with noise and denoised."""
    sequences = {}
    for name, frames in scenes(config):
        clean = [np.rint(frame.clip(0, 1) * config.peak + config.black_level).astype(config.dtype) for frame in frames]
        noisy = [noisy_pixels(frame, config, np.random.default_rng([1, index])) for index, frame in enumerate(clean)]
        sequences[name] = (clean, noisy, [denoise(frame) for frame in noisy])
    return sequences


def judge(sequence: Sequence, denoise: Denoiser, peak: float) -> dict[str, float]:
    """Ratio of the flicker, and changes of PSNR: "moving" of moving pixels, "cut" and "worst" of whole frames."""
    clean, noisy, denoised = sequence
    step = Temporal(denoise.card.sensor)
    blended = [step(*pair) for pair in zip(noisy, denoised, strict=True)]
    truth = _stack(clean)
    moved = (np.abs(np.diff(truth, axis=0)) > MOVED * peak).any(axis=3)
    still = ~moved[SETTLED - 1 :].any(axis=0)
    plain, errors = (np.square(_stack(part) - truth).mean(axis=3) for part in (denoised, blended))
    return {
        "flicker": _flicker(blended, still) / _flicker(denoised, still) if still.any() else float("nan"),
        "moving": _decibels(plain[1:][moved], errors[1:][moved]) if moved.any() else float("nan"),
        "cut": _decibels(plain[CUT], errors[CUT]),
        "worst": min(_decibels(*pair) for pair in zip(plain[1:], errors[1:], strict=True)),
    }


def _stack(frames: list[Pixels]) -> Pixels:
    """Frames as (t, h, w, c) float64."""
    stacked = np.stack(frames).astype(np.float64)
    return stacked.reshape(*stacked.shape[:3], -1)


def _flicker(frames: list[Pixels], still: Pixels) -> float:
    return float(np.std(_stack(frames[SETTLED:]), axis=0)[still].mean())


def _decibels(plain: Pixels, errors: Pixels) -> float:
    return float(10 * np.log10(plain.mean() / errors.mean()))


def sequences_table(sensors: dict[str, tuple[dict[str, Sequence], Denoiser, float]]) -> str:
    """A row per sequence, two columns per sensor."""
    header = ["sequence", *(f"{name}: {what}" for name in sensors for what in ("flicker", "PSNR, dB"))]
    rows: list[list[object]] = []
    for name in next(iter(sensors.values()))[0]:
        what = "cut" if name == "cut" else "worst" if name.startswith("light") else "moving"
        found = [judge(sequences[name], denoise, peak) for sequences, denoise, peak in sensors.values()]
        steady = what == "moving"  # elsewhere every pixel changes
        cells = [(f"{one['flicker']:.2f}" if steady else "", f"{one[what]:+.2f}") for one in found]
        rows.append([name, *(cell.removesuffix("+nan") for pair in cells for cell in pair)])
    return table(header, rows)


def variants_table(sensors: dict[str, tuple[dict[str, Sequence], Denoiser, float]]) -> str:
    """What each part is worth: worst figures over the sensors."""
    columns = {"sample (moves by 0.4)": "moving", "object by 1": "moving", "edge of 16 by 1": "moving"}
    columns |= {"edge of 32 by 1": "moving", "blinking glow": "moving", "cut": "cut", "light 5 % slow": "worst"}
    rows: list[list[object]] = []
    for name, constants in VARIANTS:
        cells = []
        with patch.multiple(temporal, **constants):
            for one, what in [("still", "flicker"), *columns.items()]:
                found = [judge(sequences[one], denoise, peak)[what] for sequences, denoise, peak in sensors.values()]
                cells.append(f"{max(found):.2f}" if what == "flicker" else f"{min(found):+.2f}")
        rows.append([name, *cells])
    return table(["", "still: flicker", *columns], rows)


def beads(denoise: Denoiser) -> str:
    """Deviation of the difference of successive pages of seq_beads, without and with the blend."""
    with open_image(DATA / "seq_beads" / "stuck_beads.tif") as image:
        noisy = [frame.pixels for frame in image]
    denoised = [denoise(page) for page in noisy]
    step = Temporal(denoise.card.sensor)
    blended = [step(*pair) for pair in zip(noisy, denoised, strict=True)]
    plain, steady = (np.diff(_stack(part), axis=0).std(axis=(1, 2, 3)) for part in (denoised, blended))
    rows: list[list[object]] = [
        [name, *(f"{value:.2f}" for value in values), f"{np.mean(values[1:]):.2f}"]
        for name, values in (("without", plain), ("with", steady))
    ]
    ratio = np.mean(steady[1:]) / np.mean(plain[1:])
    header = ["", *(f"pages {index} and {index + 1}" for index in range(1, len(noisy))), "mean after the first"]
    return f"{table(header, rows)}\n\nRatio of the means: {ratio:.2f}."


def cost(denoise: Denoiser, config: SampleConfig) -> str:
    """CPU milliseconds on one thread at 1920 x 1080, of denoising and of the blend; memory that the blend holds."""
    clean = np.rint(clean_scene(replace(config, width=1920, height=1080)) * 255).astype(np.uint8)
    noisy = [noisy_pixels(clean, config, np.random.default_rng([2, index])) for index in range(REPEATS)]
    step, spent = Temporal(denoise.card.sensor), np.zeros((REPEATS, 2))
    cv2.setNumThreads(1)
    for index, frame in enumerate(noisy):
        started = time.process_time()
        denoised = denoise(frame)
        between = time.process_time()
        step(frame, denoised)
        spent[index] = between - started, time.process_time() - between
    inference, blend = 1000 * np.median(spent[1:], axis=0)
    held = sum(value.nbytes for value in vars(step).values() if isinstance(value, np.ndarray)) / 2**20
    return (
        f"1920 x 1080 RGB, CPU time on one thread: MBD-Net {inference:.0f} ms, blend {blend:.0f} ms "
        f"({blend / inference:.1%}); it holds {held:.0f} MiB."
    )


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    sensors = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (config, alpha_ie) in SENSORS.items():
            clean = np.rint(clean_scene(config) * config.peak + config.black_level).astype(config.dtype)
            frame = noisy_pixels(clean, config, np.random.default_rng(0))
            chosen = TrainConfig(method="mbd", mbd=MbdConfig(alpha_ie=alpha_ie))
            bundle = train_and_export(frame, Path(folder) / f"{name}.zsn2m", chosen)
            denoise = Denoiser(bundle.path, provider="cpu", threads=1)
            sensors[name] = (prepare(config, denoise), denoise, float(config.peak))
        page = DATA / "seq_beads" / "stuck_beads.tif"
        bundle = train_and_export(page, Path(folder) / "beads.zsn2m", TrainConfig(method="mbd"))
        of_beads = beads(Denoiser(bundle.path, provider="cpu", threads=1))
    parts = [
        "Flicker: ratio, with the blend over without. PSNR: change on moving pixels; cut: of the first frame after it; "
        "light: of the worst frame. Speeds in pixels a frame, contrasts in levels of 255.",
        sequences_table(sensors),
        "seq_beads, counts:",
        of_beads,
        "What each part is worth: the worst figure over the four sensors.",
        variants_table(sensors),
        cost(sensors["8-bit RGB"][1], SENSORS["8-bit RGB"][0]),
    ]
    write_section("Temporal", "python -m benchmarks.temporal", "\n\n".join(parts))


if __name__ == "__main__":
    main()
