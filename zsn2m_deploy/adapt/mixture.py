"""Which frames have the same noise; those of another gain, for one, do not.

Each frame's noise is measured by itself through the pretrained network (patches overestimate it where texture is).
Frames belong together if one line of variance over brightness fits all of them: a darker frame of the same camera
has less noise, but on the same line.

How often that is wrong, either way: docs/results/frames.md#mixture. Why: docs/decisions/mixtures.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.run import FrameGroup
from zsn2m_deploy.noise.guesses import first_guesses
from zsn2m_deploy.noise.refine import refine_noise
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained_for
from zsn2m_runtime.blank.areas import present
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.familiarity import training_stats
from zsn2m_runtime.noise.frame_stats import measure
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise_record import NoiseGroup
from zsn2m_runtime.sample_types import Mask, Pixels

# Limits of what is one noise, from the page of results above.
DEVIATIONS = 1.13  # ratio of a frame's standard deviation to that of the common line, or its inverse
FAINT = 0.012  # standard deviation, normalised, added to all: fainter noise is lost in textures
SHARED = 0.2  # difference of the correlation of neighbours
MOST_GROUPS = 4  # where there are more, the nearest are put together: each group shortens the others' training
LOOKS = 4  # steps whose crops of each frame are denoised
MOST_LOOKED_AT = 32  # frames, 0.1 s each; the others join the one whose patches are most like theirs
DARKEST = 1e-3  # brightness, normalised, that the steepest line through black is asked for at least
LEAST = 1e-3  # of the largest variance: a line ends there
TINY = 1e-12  # keeps divisions finite
NAMED = 6  # frames of a group that a message names


@dataclass(frozen=True)
class Kind:
    """The noise of one frame by itself, normalised, with FAINT added.

    Shape:
        level, variance: (2, c), means of the darker and of the brighter half; slope: (c,); neighbours: (2,)
    """

    level: Doubles
    variance: Doubles
    slope: Doubles
    neighbours: Doubles

    @classmethod
    def of(cls, noise: NoiseModel, levels: Doubles) -> Kind:
        """Of noise at clean levels, (n, c)."""
        ordered = levels[levels.mean(axis=1).argsort()]
        halves = np.stack([half.mean(axis=0) for half in np.array_split(ordered, 2)])
        return cls(
            halves, noise.variance(halves) + FAINT**2, noise.slope, np.array(noise.neighbours) * noise.correlated
        )


def grouped(
    frames: Sequence[Pixels],
    schedule: ScheduleConfig,
    device: torch.device,
    seed: int,
    blanks: Sequence[Mask | None] | None = None,
) -> list[list[int]]:
    """Indices of the frames that have the same noise, group by group; the first group has the first frame.

    Shape:
        frames: each (h, w) or (h, w, c), sensor units, at least 16 x 16, blank areas filled
        blanks: (h, w) of each, or None: where that is; None: nowhere
    Args:
        schedule: of the crops that the pretrained network looks at
    """
    if len(frames) == 1:
        return [[0]]
    span = value_span(frames)
    hidden = blanks or [None] * len(frames)
    looked_at = np.linspace(0, len(frames) - 1, min(len(frames), MOST_LOOKED_AT)).round().astype(int).tolist()
    shown = [hidden[index] for index in looked_at]
    found = merged(kinds_of([frames[index] for index in looked_at], span, schedule, device, seed, shown))
    groups = [[looked_at[member] for member in group] for group in found]
    rest = sorted(set(range(len(frames))) - set(looked_at))
    by_patches = [_by_patches(*of, span) for of in zip(frames, hidden, strict=True)] if rest else []
    for index in rest:
        nearest = min(looked_at, key=lambda other: apart([by_patches[index], by_patches[other]]))
        next(group for group in groups if nearest in group).append(index)
    return sorted(sorted(group) for group in groups)


def kinds_of(
    frames: Sequence[Pixels],
    span: tuple[float, float],
    schedule: ScheduleConfig,
    device: torch.device,
    seed: int,
    blanks: Sequence[Mask | None] | None = None,
) -> list[Kind]:
    """The noise of each frame, as the pretrained network sees it.

    Shape:
        frames, blanks: as for `grouped`
    Args:
        span: lowest and highest value, which become 0 and 1
    """
    low, scale = span[0], span[1] - span[0] or 1.0
    kinds, generator = [], torch.Generator().manual_seed(seed)
    units = [(torch.from_numpy(to_nchw(frame)[0]).to(device) - low) / scale for frame in frames]
    prior = pretrained_for(units).to(device)
    for frame, unit, blank in zip(frames, units, blanks or [None] * len(frames), strict=True):
        shown = None if blank is None else [torch.from_numpy(~blank)[None].float().to(device)]
        crops = CropSampler([unit], schedule, SensorNet.stride, generator, shown)
        guesses = first_guesses([crops() for _ in range(LOOKS)], prior, len(unit))
        levels = torch.cat([guess.levels() for guess in guesses]).double().cpu().numpy()
        kinds.append(
            Kind.of(refine_noise(measure(frame, blank).noise.rescaled(low, scale), prior, guesses, seed), levels)
        )
    return kinds


def _by_patches(frame: Pixels, blank: Mask | None, span: tuple[float, float]) -> Kind:
    low, scale = span[0], span[1] - span[0] or 1.0
    stats = measure(frame, blank)
    return Kind.of(stats.noise.rescaled(low, scale), (stats.blocks - low) / scale)


def records(
    names: Sequence[str], frames: Sequence[Pixels], groups: Sequence[FrameGroup], blanks: Sequence[Mask | None]
) -> tuple[NoiseGroup, ...]:
    """What a manifest keeps of a mixture; nothing of frames that all have the same noise.

    Shape:
        frames, blanks: as for `grouped`
    """
    if len(groups) == 1:
        return ()
    made = []
    for group in groups:
        pixels = [frames[index] for index in group.frames]
        made.append(
            NoiseGroup(
                frames=tuple(names[index] for index in group.frames),
                sigma=group.noise.sigma([present(frames[index], blanks[index]) for index in group.frames]),
                noise=group.noise.record(),
                look=training_stats(pixels, group.noise, [blanks[index] for index in group.frames]),
            )
        )
    return tuple(made)


def in_words(groups: Sequence[tuple[Sequence[str], float]]) -> str:
    """Which frames have which noise: their names, and its deviation in sensor units."""
    return f"frames of different noise: {', '.join(f'{_listed(names)} at {sigma:.3g}' for names, sigma in groups)}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def merged(kinds: Sequence[Kind]) -> list[list[int]]:
    """Agglomerative clustering: the nearest two groups are joined while they are one noise, or there are too many."""
    groups = [[index] for index in range(len(kinds))]
    distance = {
        (first, second): apart([kinds[first], kinds[second]])
        for first in range(len(kinds))
        for second in range(first + 1, len(kinds))
    }
    alive = set(range(len(groups)))
    while len(alive) > 1:
        nearest = min(distance, key=lambda pair: distance[pair])
        if distance[nearest] > 1 and len(alive) <= MOST_GROUPS:
            break
        kept, gone = nearest
        groups[kept] += groups[gone]
        alive.remove(gone)
        distance = {pair: far for pair, far in distance.items() if kept not in pair and gone not in pair}
        for other in alive - {kept}:
            pair = (min(kept, other), max(kept, other))
            distance[pair] = apart([kinds[index] for index in groups[kept] + groups[other]])
    return [groups[index] for index in sorted(alive)]


def apart(kinds: Sequence[Kind]) -> float:
    """How different noises are; above 1 they count as more than one."""
    level, variance, slope = (
        np.stack([getattr(kind, name) for kind in kinds]) for name in ("level", "variance", "slope")
    )
    common = np.empty_like(variance)
    for channel in range(level.shape[2]):
        common[..., channel] = _common_line(level[..., channel], variance[..., channel], slope[:, channel])
    deviation = np.abs(np.log(variance.sum(axis=2) / common.sum(axis=2)) / 2).max()
    neighbours = np.stack([kind.neighbours for kind in kinds])
    return float(max(deviation / math.log(DEVIATIONS), np.ptp(neighbours, axis=0).max() / SHARED))


def _common_line(level: Doubles, variance: Doubles, slope: Doubles) -> Doubles:
    """The variance of the line that fits all best, relative to what they have.

    It falls no more than the frames' own lines, and rises no more than they or one through black do: frames of one
    brightness each would else lie on some line whatever they have.

    Shape:
        level, variance: (frames, 2); slope: (frames,)
    """
    weight = 1 / np.square(variance + TINY)
    centre, mean = np.average(level, weights=weight), np.average(variance, weights=weight)
    spread = np.average(np.square(level - centre), weights=weight) + TINY
    best = np.average((level - centre) * (variance - mean), weights=weight) / spread
    steepest = max(slope.max(), (variance / level.clip(DARKEST)).max())
    chosen = np.clip(best, slope.min(), steepest)
    return np.asarray((mean + chosen * (level - centre)).clip(LEAST * variance.max() + TINY))
