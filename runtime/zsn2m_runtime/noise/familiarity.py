"""Whether a frame's noise is like that of the frames a bundle was trained on: its level, and what neighbours share.

Brightness is no reason to warn, and texture one only for networks that know nothing but their training frames: pairs
of frames that differ in them alone lose nothing that is seen.

How many frames are rightly and wrongly noticed: docs/results/cross-frame.md#familiarity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsn2m_runtime.blank.areas import blanks_of
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.noise.frame_stats import FrameStats, is_busy, measure, strength, texture
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise.patches import SIDE
from zsn2m_runtime.noise_record import NoiseRecord, Span, TrainingStats
from zsn2m_runtime.sample_types import Mask, Pixels

# What counts as unlike; measured, docs/results/cross-frame.md#familiarity. Networks trained on pairs of the
# frame's own pixels know one level: for the upper limit they lose about 1 dB. A pretrained network knows every level,
# and gained on the one of no training at all from 0.4 to 3 times that of its training frame.
WEAKER, STRONGER = 0.7, 1.25  # noise in units of that expected
WEAKER_OF_EVERY, STRONGER_OF_EVERY = 0.3, 3.0  # for a network that knows every level
BUSY_STRONGER = 2.0  # where the frame is nowhere flat, so that texture passes for noise
MORE_TEXTURE = 2.75  # variance of noise and detail together, in units of that of the most textured training frame
SHARED = 0.25  # difference of the correlation of neighbours
SHARED_BY_CHANNELS = 0.4  # of that of channels: 5 dB are lost at 0.8; no pair of kodak24 under the same noise has it
SPREAD = (0.005, 0.995)  # quantiles of the brightness of blocks between which it counts as seen
NEGLIGIBLE = 1e-3  # noise in units of the brightness in use; below, it counts as so much
TINY = 1e-12


def training_stats(
    frames: Sequence[Pixels], noise: NoiseModel, blanks: Sequence[Mask | None] | None = None
) -> TrainingStats:
    """What a bundle keeps of its training frames, to compare others with.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16
    Args:
        noise: of all the frames, as the bundle's network knows it
        blanks: (h, w) of each, or None: areas that are not looked at; None: found here
    Raises:
        InputError: frames too small.
    """
    all_stats = [measure(frame, blank) for frame, blank in zip(frames, blanks or blanks_of(frames), strict=True)]
    edges = np.array([np.quantile(stats.blocks, SPREAD, axis=0) for stats in all_stats])  # (frames, 2, c)
    low, high = edges[:, 0].min(axis=0), edges[:, 1].max(axis=0)
    least = _least_variance(low, high, all_stats[0])
    models = [stats.noise for stats in all_stats]
    return TrainingStats(
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        texture=max(texture(stats, noise, least) for stats in all_stats),
        noise=_ends([strength(stats, noise, least)[0] for stats in all_stats]),
        beside=_ends([model.neighbours[0] for model in models]),
        below=_ends([model.neighbours[1] for model in models]),
        channels=_ends([model.between_channels for model in models]),
    )


def unlike(
    frame: Pixels, noise: NoiseRecord, training: TrainingStats, every_level: bool = False, blank: Mask | None = None
) -> tuple[str, ...]:
    """In what a frame is unlike the training frames, and what to do; empty where it is like them.

    Frames below 16 x 16 pixels, and what is blank, are not judged.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units
        blank: (h, w); None: found here
    Args:
        every_level: whether the network in use was taught noise of every level before
    """
    if blank is None:
        (blank,) = blanks_of([frame])
    return unlike_all(frame, [(noise, training)], every_level, blank)


def unlike_all(
    frame: Pixels,
    known: Sequence[tuple[NoiseRecord, TrainingStats]],
    every_level: bool = False,
    blank: Mask | None = None,
) -> tuple[str, ...]:
    """As `unlike`, for frames of several kinds of noise: in what a frame is unlike the kind that is nearest.

    Shape:
        blank: (h, w); None: nothing is
    Args:
        known: noise and training frames of each kind; none: nothing is said
    """
    if not known or min(frame.shape[:2]) < SIDE:
        return ()
    try:
        stats = measure(frame, blank)
    except InputError:  # too little of it is not blank
        return ()
    return min((differences(stats, *group, every_level) for group in known), key=len)


def differences(
    stats: FrameStats, noise: NoiseRecord, training: TrainingStats, every_level: bool = False
) -> tuple[str, ...]:
    """In what a frame is unlike the training frames, a sentence for each."""
    least = _least_variance(np.array(training.low), np.array(training.high), stats)
    busy = is_busy(stats, least)
    found, line = strength(stats, NoiseModel.line_of(noise), least)
    weaker, stronger = (WEAKER_OF_EVERY, STRONGER_OF_EVERY) if every_level else (WEAKER, STRONGER)
    limits = weaker, max(stronger, BUSY_STRONGER) if busy else stronger
    said = [_unlike_noise(found, line, training, limits)]
    if not busy:
        said.append(_unlike_neighbours(stats.noise, training))
        if (
            stats.noise.between_channels <= training.channels[1] or found <= STRONGER * training.noise[1]
        ):  # else it is texture
            said.append(_unlike_channels(stats.noise, noise, training))
    if not every_level:
        said.append(_unlike_texture(stats, NoiseModel.line_of(noise), training, least))
    return tuple(sentence for sentence in said if sentence)


def _unlike_noise(found: float, line: float, training: TrainingStats, limits: Span) -> str | None:
    """Of noise in units of the line's, which is a standard deviation."""
    usual = _nearest(found, training.noise)
    if usual <= 0:  # of a stranger's manifest; nothing to compare with
        return None
    ratio, expected = found / usual, usual * line
    if limits[0] <= ratio <= limits[1]:
        return None
    return (
        f"noise: expected about {expected:.3g} at this brightness, but the frame has {ratio * expected:.3g} "
        f"({ratio:.2f} times); train a bundle on such a frame"
    )


def _unlike_neighbours(noise: NoiseModel, training: TrainingStats) -> str | None:
    named = zip(("beside", "below"), noise.neighbours, (training.beside, training.below), strict=True)
    place, found, seen = max(named, key=lambda one: abs(_beyond(one[1], one[2])))
    if abs(_beyond(found, seen)) <= SHARED:
        return None
    return (
        f"noise of neighbouring pixels: expected a correlation of {_nearest(found, seen):.2f} with the pixel {place}, "
        f"but the frame has {found:.2f}; train a bundle on such a frame"
    )


def _unlike_channels(found: NoiseModel, trained: NoiseRecord, training: TrainingStats) -> str | None:
    """Textures raise what patches say of the training frames, so what the network confirmed counts as seen, too."""
    seen = min(training.channels[0], trained.channels), max(training.channels[1], trained.channels)
    if abs(_beyond(found.between_channels, seen)) <= SHARED_BY_CHANNELS:
        return None
    return (
        f"noise of the channels: expected a correlation of {_nearest(found.between_channels, seen):.2f}, but the frame "
        f"has {found.between_channels:.2f}; train a bundle on such a frame"
    )


def _unlike_texture(stats: FrameStats, trained: NoiseModel, training: TrainingStats, least: float) -> str | None:
    if training.texture <= -1:  # of a stranger's manifest
        return None
    ratio = (1 + texture(stats, trained, least)) / (1 + training.texture)
    if ratio <= MORE_TEXTURE:
        return None
    return (
        f"texture: expected detail as in the training frames, but the frame has much more "
        f"({ratio:.1f} times as strong, noise included); train on such a frame too"
    )


def _least_variance(low: Doubles, high: Doubles, stats: FrameStats) -> float:
    """Of noise that is worth a word."""
    return max(float(NEGLIGIBLE * (high - low).max()) ** 2, stats.rounding) or TINY


def _ends(values: list[float]) -> Span:
    return min(values), max(values)


def _nearest(value: float, seen: Span) -> float:
    return min(max(value, seen[0]), seen[1])


def _beyond(value: float, seen: Span) -> float:
    return value - _nearest(value, seen)
