"""How well the noise of a frame is estimated, of every kind: python -m benchmarks.noise

Real frames: the truth is noisy minus clean of the same pixels, less what a shift of the clean one by part of a pixel
and another sharpness explain: cameras moved between exposures. Drawn noise: on crops of kodak24, whose own grain counts
as picture.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from benchmarks.quality import cases
from benchmarks.results import table, write_section
from benchmarks.split import HALVES, Half, half_of, halves_of
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.fit.run import Notes, Run
from zsn2m_deploy.noise.clipping import clipped
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_deploy.preparation import prepare
from zsn2m_deploy.pretrain.confirm import confirm_noise
from zsn2m_deploy.sample.noise import correlation_taps
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise.tails import bend_of, curved
from zsn2m_runtime.patterns import find_patterns
from zsn2m_runtime.sample_types import Pixels

FIRST = 6  # images of each half of kodak24
BANDS = 16  # of brightness, in which the true mean and deviation are measured
UNCLIPPED = 0.01  # of a band's samples at an end of the frame: more, and clipping shapes the noise there
SHARED = 0.5  # correlation of channels, drawn
SKEWED = -0.5  # as after a tone curve
RARE, FAR = 0.05, 5.0  # heavy tails: so many samples, so many times as far
ROWS = 0.4  # of the pixels' noise, that each row has as an offset
SMOOTH = 0.7  # pixels, deviation of the blur before derivatives of a clean frame are taken
DARK = 0.12  # of the brightness; with noise of 15 a third of the samples is black

BOUNDS = {
    "level": 0.1,
    "neighbours": 0.1,
    "channels": 0.1,
    "kurtosis": 0.25,
    "skewness": 0.15,
    "rows": 0.1,
}  # of the error
RELATIVE = ("level", "kurtosis")  # errors are shares of the truth

Drawing = Callable[[Pixels, np.random.Generator], npt.NDArray[np.floating]]

NOTES = f"""\
Each cell: how many frames are within the bound, the median error and, in brackets, the worst. Level: standard
deviation as clipping leaves it, over the true one, within {100 * BOUNDS["level"]:.0f} %. Neighbours, channels:
correlation of a pixel with those beside and below it, and of two channels, within {BOUNDS["channels"]}.
Kurtosis, of flat patches, or of the mixture where heavy tails were found: within {100 * BOUNDS["kurtosis"]:.0f}
%. Skewness: of the worst channel, within {BOUNDS["skewness"]}. Rows: deviation of what each row shares, over
that of all noise, within {BOUNDS["rows"]}. Truth: noisy minus clean, moved by that part of a pixel and made as
sharp as explains most of it, in {BANDS} bands of brightness each of its own mean and deviation; those with
clipped samples count for the level alone. Prepared: before the pretrained network, by patches, or of a camera's
JPEG the way its noise came, as `inspect` has it. Used: what training draws, after that network. Drawn: {FIRST}
crops of kodak24 a half."""


def noise_of(shape: tuple[int, ...], lag_1: float, seed: int) -> Pixels:
    """Gaussian noise of variance 1."""
    outer, centre = correlation_taps(lag_1)
    unit = np.random.default_rng(seed).standard_normal((shape[0] + 2, shape[1] + 2, *shape[2:]))
    unit = outer * (unit[:-2] + unit[2:]) + centre * unit[1:-1]
    return np.asarray(outer * (unit[:, :-2] + unit[:, 2:]) + centre * unit[:, 1:-1], np.float32)


def _shared(shape: tuple[int, ...], rng: np.random.Generator) -> Doubles:
    """Normal noise of which the channels share a part."""
    common, own = rng.standard_normal((*shape[:2], 1)), rng.standard_normal(shape)
    return np.asarray(np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own)


def _heavy(shape: tuple[int, ...], rng: np.random.Generator) -> Doubles:
    return np.asarray(np.where(rng.random(shape) < RARE, FAR, 1.0) * rng.standard_normal(shape))


def _eight_bits(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return np.asarray(np.rint(values).clip(0, 255))


DRAWN: Mapping[str, Drawing] = {
    "Gaussian 10": lambda clean, rng: clean + 10 * rng.standard_normal(clean.shape),
    "Gaussian 25": lambda clean, rng: clean + 25 * rng.standard_normal(clean.shape),
    "Poisson 25": lambda clean, rng: rng.poisson(25 * clean / 255) * (255 / 25),
    "neighbours 0.4": lambda clean, rng: clean + 25 * noise_of(clean.shape, 0.4, int(rng.integers(2**31))),
    "channels 0.5": lambda clean, rng: clean + 25 * _shared(clean.shape, rng),
    "skewness -0.5": lambda clean, rng: clean + 20 * curved(rng.standard_normal(clean.shape), bend_of(SKEWED)),
    "5 % five times": lambda clean, rng: clean + 10 * _heavy(clean.shape, rng),
    "Student t of 5": lambda clean, rng: clean + 10 * rng.standard_t(5, clean.shape),
    "rows 0.4": lambda clean, rng: (
        clean + 15 * (rng.standard_normal(clean.shape) + ROWS * rng.standard_normal((len(clean), 1, 1)))
    ),
    "dark, clipped": lambda clean, rng: _eight_bits(DARK * clean + 15 * rng.standard_normal(clean.shape)),
    "50, clipped": lambda clean, rng: _eight_bits(clean + 50 * rng.standard_normal(clean.shape)),
}


def truth(noisy: Pixels, clean: Pixels) -> dict[str, Doubles]:
    """Each kind of `BOUNDS` as it is: of each channel, or one value; NaN where clipping hides it.

    Shape:
        noisy, clean: (h, w) or (h, w, 3)
    """
    size, ends = clean.shape[:2], (noisy.min(), noisy.max())
    clean, noisy = (frame.reshape(size[0] * size[1], -1).astype(np.float64) for frame in (clean, noisy))
    unit, variances = np.full(clean.shape, np.nan), []
    for channel, of_channel in enumerate(clean.T):
        for band in np.array_split(np.argsort(of_channel, kind="stable"), BANDS):
            noise = (noisy - clean)[band, channel]
            variances.append(noise.var())
            if np.isin(noisy[band, channel], ends).mean() <= UNCLIPPED and noise.any():
                unit[band, channel] = (noise - noise.mean()) / noise.std()
    shaped = unit.reshape(*size, -1)
    power = _mean(shaped**2)
    beside = (_mean(shaped[:, 1:] * shaped[:, :-1]) + _mean(shaped[1:] * shaped[:-1])) / 2 / power
    halves = [_of_rows(half) for half in np.array_split(shaped, 2, axis=1)]  # what both share is of the row
    pairs = [_mean(shaped[..., i] * shaped[..., j]) for i in range(shaped.shape[2]) for j in range(i)]
    return {
        "level": np.sqrt(np.mean(variances, keepdims=True)),
        "neighbours": np.atleast_1d(beside),
        "channels": np.atleast_1d(_mean(np.array(pairs)) / power),
        "kurtosis": np.atleast_1d(_mean(shaped**4)),
        "skewness": np.array([_mean(of_channel**3) for of_channel in unit.T]),
        "rows": np.sqrt(np.clip([_mean(halves[0] * halves[1])], 0, None)),
    }


def _of_rows(values: Doubles) -> Doubles:
    """The mean of each row; NaN where all of it is. Shape: (h, w, c) -> (h, c)."""
    known = np.isfinite(values)
    return np.asarray(np.where(known.any(axis=1), np.nansum(values, axis=1) / known.sum(axis=1).clip(1), np.nan))


def _mean(values: Doubles) -> float:
    """Of what is not NaN; NaN where all is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def estimated(model: NoiseModel, noisy: Pixels, clean: Pixels) -> dict[str, Doubles]:
    """The same kinds as a model has them; rows as they are found before."""
    rows = find_patterns(noisy).whole_stripes("rows")
    of_rows = rows.sigma if rows else 0.0
    level = math.hypot(after_clipping(model.normal, clean), of_rows)
    kurtosis = model.kurtosis[0]
    if model.tails:
        share, factor = model.tails.share, model.tails.factor
        kurtosis = 3 * (1 + share * (factor**4 - 1)) / (1 + share * (factor**2 - 1)) ** 2
    return {
        "level": np.atleast_1d(level),
        "neighbours": np.atleast_1d(np.mean(model.neighbours)),
        "channels": np.atleast_1d(model.between_channels),
        "kurtosis": np.atleast_1d(kurtosis),
        "skewness": np.broadcast_to(model.skew, model.channels),
        "rows": np.atleast_1d(of_rows / level),
    }


def after_clipping(model: NoiseModel, clean: Pixels) -> float:
    """Standard deviation over a frame, of what clipping at the model's ends leaves."""
    planes = torch.from_numpy(clean.reshape(*clean.shape[:2], -1)).double().movedim(2, 0).clamp(*model.ends)
    variance = VarianceLine(model, planes.device)(planes).double()
    left = clipped(planes, per_channel(model.photon_gain, planes.device), variance, model.ends).variance
    return float((variance * left).mean().sqrt())


def estimates(noisy: Pixels) -> tuple[NoiseModel, NoiseModel]:
    """The noise as training prepares a frame, and as it is when the pretrained network has had its say."""
    config = TrainConfig(device="cpu")
    prepared = prepare([Frame(noisy)], config, torch.device("cpu"), None)
    frame = prepared.scenes[0].pixels
    low, high = value_span([frame])
    scale = high - low
    run = Run(
        pool=[(torch.from_numpy(to_nchw(frame)[0]) - low) / scale],
        groups=tuple(group.rescaled(low, scale) for group in prepared.groups),
        low=low,
        scale=scale,
        fitter=Fitter(torch.device("cpu"), "fp32", None),
        generator=torch.Generator().manual_seed(config.seed),
        notes=Notes(),
    )
    return prepared.groups[0].noise, confirm_noise(run, config).groups[0].noise.rescaled(-low / scale, 1 / scale)


def registered(noisy: Pixels, clean: Pixels) -> Pixels:
    """The clean frame as it is shifted and as sharp as the noisy one, by its derivatives up to second order.

    Of pairs that were not moved it changes nothing: SIDD's level by 0.1 % (PolyU's by 4 %, at most by a third).

    Shape:
        noisy, clean: (h, w) or (h, w, 3); returns: the same
    """
    planes = np.atleast_3d(clean).astype(np.float64)
    noise = np.atleast_3d(noisy) - planes
    smooth = cv2.GaussianBlur(planes, (0, 0), SMOOTH).reshape(planes.shape)
    down, across = np.gradient(smooth, axis=(0, 1))
    parts = [down, across, *np.gradient(down, axis=(0, 1)), np.gradient(across, axis=1)]
    apart = [part - part.mean(axis=(0, 1)) for part in (*parts, noise)]
    *terms, left = (part.reshape(-1) for part in apart)
    explained = np.stack(terms, axis=1) @ np.linalg.lstsq(np.stack(terms, axis=1), left, rcond=None)[0]
    return np.asarray((planes + explained.reshape(planes.shape)).reshape(clean.shape), np.float32)


def errors(model: NoiseModel, noisy: Pixels, clean: Pixels) -> dict[str, float]:
    """How far a model is from the truth, the largest of the channels; -inf where there is no truth."""
    true, found = truth(noisy, clean), estimated(model, noisy, clean)
    apart = {kind: np.abs(found[kind] - true[kind]) / (true[kind] if kind in RELATIVE else 1) for kind in BOUNDS}
    return {kind: float(np.max(values, where=np.isfinite(values), initial=-np.inf)) for kind, values in apart.items()}


def frames(kind: str, half: Half) -> Iterator[cases.Case]:
    """The frames of a real set, or kodak24 with drawn noise."""
    if kind in cases.REAL:
        names = cases.names(kind)
        for name in names:
            if halves_of(kind)[Path(name).stem] == half:
                case = cases.case(kind, name, "real", 0, names)
                yield replace(case, clean=registered(case.noisy, case.clean))
        return
    names = cases.names("kodak24")
    for name in half_of(names, half)[:FIRST]:
        clean = cases.case("kodak24", name, "gauss 25", 0, names).clean
        noisy = DRAWN[kind](clean, np.random.default_rng(names.index(name))).astype(np.float32)
        yield cases.Case("kodak24", Path(name).stem, kind, 0.0, 0, DARK * clean if "dark" in kind else clean, noisy)


def rows(kind: str, half: Half) -> list[list[object]]:
    """The two rows of a kind of frames."""
    found: tuple[list[dict[str, float]], ...] = ([], [])
    for case in frames(kind, half):
        for of_stage, model in zip(found, estimates(case.noisy), strict=True):
            of_stage.append(errors(model, case.noisy, case.clean))
    return [
        [kind, half, stage, *(_cell([one[measure] for one in of_stage], measure) for measure in BOUNDS)]
        for stage, of_stage in zip(("prepared", "used"), found, strict=True)
    ]


def _cell(values: list[float], measure: str) -> str:
    known = [value for value in values if np.isfinite(value)]
    if not known:
        return ""
    within = sum(value <= BOUNDS[measure] for value in known)
    return f"{within} of {len(known)}, {np.median(known):.2f} ({max(known):.2f})"


def main() -> None:
    lines = [row for kind in (*cases.REAL, *DRAWN) for half in HALVES for row in rows(kind, half)]
    body = table(["frames", "half", "estimate", *BOUNDS], lines)
    write_section("Noise", "python -m benchmarks.noise", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
