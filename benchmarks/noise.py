"""How well the noise of a frame is estimated, of every kind: python -m benchmarks.noise

Real frames: the truth is noisy minus clean of the same pixels, less what a shift of the clean one by part of a pixel
and another sharpness explain: cameras moved between exposures. Drawn noise: on crops of kodak24, whose own grain counts
as picture.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import math

import numpy as np
import torch

from benchmarks.noise_cases import DRAWN, FIRST, frames
from benchmarks.quality import cases
from benchmarks.results import table, write_section
from benchmarks.split import HALVES, Half
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.fit.run import Notes, Run
from zsn2m_deploy.noise.clipping import clipped
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_deploy.preparation import prepare
from zsn2m_deploy.pretrain.confirm import confirm_noise
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.patterns import find_patterns
from zsn2m_runtime.sample_types import Pixels

BANDS = 16  # of brightness, in which the true mean and deviation are measured
UNCLIPPED = 0.01  # of a band's samples at an end of the frame: more, and clipping shapes the noise there

BOUNDS = {
    "level": 0.1,
    "neighbours": 0.1,
    "channels": 0.1,
    "kurtosis": 0.25,
    "skewness": 0.15,
    "rows": 0.1,
}  # of the error
RELATIVE = ("level", "kurtosis")  # errors are shares of the truth

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


def errors(model: NoiseModel, noisy: Pixels, clean: Pixels) -> dict[str, float]:
    """How far a model is from the truth, the largest of the channels; -inf where there is no truth."""
    true, found = truth(noisy, clean), estimated(model, noisy, clean)
    apart = {kind: np.abs(found[kind] - true[kind]) / (true[kind] if kind in RELATIVE else 1) for kind in BOUNDS}
    return {kind: float(np.max(values, where=np.isfinite(values), initial=-np.inf)) for kind, values in apart.items()}


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
