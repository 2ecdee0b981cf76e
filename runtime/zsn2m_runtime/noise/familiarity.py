"""Whether a frame's noise is like that of the frames a bundle was trained on: its level, and what neighbours share.

Brightness is no reason to warn, and texture one only for networks that know nothing but their training frames: pairs
of frames that differ in them alone lose nothing that is seen.

How many frames are rightly and wrongly noticed: docs/results/cross-frame.md#familiarity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.blank.areas import blanks_of, filled
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.manifest import NoiseRecord, Span, TrainingStats
from zsn2m_runtime.noise.estimate import SIDE, estimate_noise
from zsn2m_runtime.noise.model import REACH, Doubles, NoiseModel
from zsn2m_runtime.sample_types import Mask, Pixels, is_whole

# What counts as unlike; measured, docs/results/cross-frame.md#familiarity. Networks trained on pairs of the
# frame's own pixels know one level: for the upper limit they lose about 1 dB. A pretrained network knows every level,
# and gained on the one of no training at all from 0.4 to 3 times that of its training frame.
WEAKER, STRONGER = 0.7, 1.25  # noise in units of that expected
WEAKER_OF_EVERY, STRONGER_OF_EVERY = 0.3, 3.0  # for a network that knows every level
BUSY_STRONGER = 2.0  # where the frame is nowhere flat, so that texture passes for noise
MORE_TEXTURE = 2.75  # variance of noise and detail together, in units of that of the most textured training frame
SHARED = 0.25  # difference of the correlation of neighbours
SHARED_BY_CHANNELS = 0.4  # of that of channels: 5 dB are lost at 0.8; no pair of kodak24 under the same noise has it

MOST_PIXELS = 256**2  # of a frame that are looked at; measured, docs/results/cross-frame.md#familiarity
TILE = 64  # pixels; of larger frames, tiles of so many are looked at, evenly spaced
BLOCK = 4  # pixels of a block, whose mean says brightness and whose halves and quarters say detail
SPREAD = (0.005, 0.995)  # quantiles of the brightness of blocks between which it counts as seen
TEXTURED = 0.9  # quantile of the patches' detail: that of the tenth that has most
CALM = 0.25  # quantile of the patches' detail that is noise alone where a frame has flat places
BUSY = 1.5  # detail of the calm ones in units of the noise: more, and the frame is nowhere flat
NEGLIGIBLE = 1e-3  # noise in units of the brightness in use; below, it counts as so much
ROUNDING = 1 / 12  # variance that rounding to whole numbers adds; below, noise of them counts as so much
TINY = 1e-12


@dataclass(frozen=True)
class FrameStats:
    """What is seen of one frame.

    Shape:
        blocks: (n, c), mean of each block
        level, detail: (m, c), of each patch; detail has the variance of white noise where there is noise alone
    """

    noise: NoiseModel
    blocks: Doubles
    level: Doubles
    detail: Doubles
    rounding: float  # variance that whole numbers add; 0 for others


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
        texture=max(_texture(stats, noise, least) for stats in all_stats),
        noise=_ends([_strength(stats, noise, least)[0] for stats in all_stats]),
        beside=_ends([model.neighbours[0] for model in models]),
        below=_ends([model.neighbours[1] for model in models]),
        channels=_ends([model.between_channels for model in models]),
    )


def unlike(
    frame: Pixels, noise: NoiseRecord, look: TrainingStats, every_level: bool = False, blank: Mask | None = None
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
    return unlike_all(frame, [(noise, look)], every_level, blank)


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
        known: noise and look of each kind; none: nothing is said
    """
    if not known or min(frame.shape[:2]) < SIDE:
        return ()
    try:
        stats = measure(frame, blank)
    except InputError:  # too little of it is not blank
        return ()
    return min((differences(stats, *group, every_level) for group in known), key=len)


def differences(
    stats: FrameStats, noise: NoiseRecord, look: TrainingStats, every_level: bool = False
) -> tuple[str, ...]:
    """The sentences of `unlike` for a frame that was looked at."""
    least = _least_variance(np.array(look.low), np.array(look.high), stats)
    busy = _is_busy(stats, least)
    found, line = _strength(stats, _trained(noise), least)
    weaker, stronger = (WEAKER_OF_EVERY, STRONGER_OF_EVERY) if every_level else (WEAKER, STRONGER)
    limits = weaker, max(stronger, BUSY_STRONGER) if busy else stronger
    said = [_unlike_noise(found, line, look, limits)]
    if not busy:
        said.append(_unlike_neighbours(stats.noise, look))
        if stats.noise.between_channels <= look.channels[1] or found <= STRONGER * look.noise[1]:  # else it is texture
            said.append(_unlike_channels(stats.noise, noise, look))
    if not every_level:
        said.append(_unlike_texture(stats, _trained(noise), look, least))
    return tuple(sentence for sentence in said if sentence)


def _unlike_noise(found: float, line: float, look: TrainingStats, limits: Span) -> str | None:
    """Of noise in units of the line's, which is a standard deviation."""
    usual = _nearest(found, look.noise)
    if usual <= 0:  # of a stranger's manifest; nothing to compare with
        return None
    ratio, expected = found / usual, usual * line
    if limits[0] <= ratio <= limits[1]:
        return None
    return (
        f"noise: expected about {expected:.3g} at this brightness, but the frame has {ratio * expected:.3g} "
        f"({ratio:.2f} times); train a bundle on such a frame"
    )


def _unlike_neighbours(noise: NoiseModel, look: TrainingStats) -> str | None:
    named = zip(("beside", "below"), noise.neighbours, (look.beside, look.below), strict=True)
    place, found, seen = max(named, key=lambda one: abs(_beyond(one[1], one[2])))
    if abs(_beyond(found, seen)) <= SHARED:
        return None
    return (
        f"noise of neighbouring pixels: expected a correlation of {_nearest(found, seen):.2f} with the pixel {place}, "
        f"but the frame has {found:.2f}; train a bundle on such a frame"
    )


def _unlike_channels(found: NoiseModel, trained: NoiseRecord, look: TrainingStats) -> str | None:
    """Textures raise what patches say of the training frames, so what the network confirmed counts as seen, too."""
    seen = min(look.channels[0], trained.channels), max(look.channels[1], trained.channels)
    if abs(_beyond(found.between_channels, seen)) <= SHARED_BY_CHANNELS:
        return None
    return (
        f"noise of the channels: expected a correlation of {_nearest(found.between_channels, seen):.2f}, but the frame "
        f"has {found.between_channels:.2f}; train a bundle on such a frame"
    )


def _unlike_texture(stats: FrameStats, trained: NoiseModel, look: TrainingStats, least: float) -> str | None:
    if look.texture <= -1:  # of a stranger's manifest
        return None
    ratio = (1 + _texture(stats, trained, least)) / (1 + look.texture)
    if ratio <= MORE_TEXTURE:
        return None
    return (
        f"texture: expected detail as in the training frames, but the frame has much more "
        f"({ratio:.1f} times as strong, noise included); train on such a frame too"
    )


def measure(frame: Pixels, blank: Mask | None = None) -> FrameStats:
    """Look at one frame.

    Shape:
        frame: (h, w) or (h, w, 3), sensor units, at least 16 x 16
        blank: (h, w), what is not looked at; None: nothing
    Raises:
        InputError: frame too small, or blank all over.
    """
    sample = _sampled(frame.reshape(*frame.shape[:2], -1))
    hidden = None if blank is None else _sampled(blank[..., None])[..., 0]
    rounding = ROUNDING if is_whole(sample.dtype) else 0.0
    if hidden is None or not hidden.any():
        return FrameStats(estimate_noise([sample], [None]), *_blocks(sample.astype(np.float32)), rounding)
    noise = estimate_noise([sample], [hidden])
    return FrameStats(noise, *_shown(_blocks(filled(sample, hidden).astype(np.float32)), hidden), rounding)


def _sampled(frame: Pixels) -> Pixels:
    """The frame itself, or evenly spaced tiles of it put together, with at most about MOST_PIXELS."""
    height, width = frame.shape[:2]
    if height * width <= MOST_PIXELS:
        return frame
    high, wide = min(TILE, height), min(TILE, width)
    count = MOST_PIXELS // (high * wide)
    across = min(max(2, round((count * width / height) ** 0.5)), count // 2, width // wide)
    down = min(count // across, height // high)
    rows, columns = _places(height, high, down), _places(width, wide, across)
    return np.asarray(frame[np.ix_(rows, columns)])


def _places(length: int, side: int, count: int) -> npt.NDArray[np.int64]:
    """Rows (or columns) of so many tiles, from the first to the last; one is in the middle."""
    free = length - side
    starts = np.linspace(0, free, count, dtype=np.int64) if count > 1 else np.array([free // 2])
    return (starts[:, None] + np.arange(side)).ravel()


def _blocks(frame: npt.NDArray[np.float32]) -> tuple[Doubles, Doubles, Doubles]:
    """Blocks, level and detail."""
    height, width = (side // SIDE * SIDE for side in frame.shape[:2])
    quarters = block_means(frame[:height, :width], BLOCK // 2)
    a, b, c, d = (quarters[row::2, column::2] for row in (0, 1) for column in (0, 1))
    detail = (np.square(a + b - c - d) + np.square(a - b + c - d)) / 2
    blocks = (a + b + c + d) / 4
    channels = frame.shape[2]
    level, patches = (block_means(values, SIDE // BLOCK).reshape(-1, channels) for values in (blocks, detail))
    return blocks.reshape(-1, channels), level, patches


def _shown(found: tuple[Doubles, Doubles, Doubles], blank: Mask) -> tuple[Doubles, Doubles, Doubles]:
    """What `_blocks` found where nothing is blank; of a frame with blank spots all over, everywhere."""
    height, width = (side // SIDE * SIDE for side in blank.shape)
    share = blank[:height, :width, None].astype(np.float32)
    blocks, patches = (block_means(share, side).ravel() == 0 for side in (BLOCK, SIDE))
    if not (blocks.any() and patches.any()):
        return found
    return found[0][blocks], found[1][patches], found[2][patches]


def block_means(values: npt.NDArray[np.floating], side: int) -> Doubles:
    """Means of whole blocks. Shape: (h, w, c) -> (h / side, w / side, c)."""
    height, width = (length // side * side for length in values.shape[:2])
    blocks = values[:height, :width].reshape(height // side, side, width // side, side, -1)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def _strength(stats: FrameStats, trained: NoiseModel, least: float) -> tuple[float, float]:
    """The noise of a frame over that expected at its brightness, and the latter, as standard deviations."""
    expected, own = (np.maximum(model.variance(stats.level), least).mean() for model in (trained, stats.noise))
    return float(np.sqrt(own / expected)), float(np.sqrt(expected))


def _texture(stats: FrameStats, trained: NoiseModel, least: float) -> float:
    """Detail of the patches that have most, without the frame's own noise; in units of the variance expected."""
    expected = np.maximum(trained.variance(stats.level), least)
    excess = ((stats.detail - _own_detail(stats, least)) / expected).mean(axis=1)
    return max(0.0, float(np.quantile(excess, TEXTURED)))


def _is_busy(stats: FrameStats, least: float) -> bool:
    """Whether a frame is nowhere flat: then its texture passes for noise."""
    relative = (stats.detail / _own_detail(stats, least)).mean(axis=1)
    return bool(np.quantile(relative, CALM) > BUSY)


def _own_detail(stats: FrameStats, least: float) -> Doubles:
    """The detail that the frame's own noise makes. Shape: (m, c)."""
    own = np.einsum("iiyx->yx", stats.noise.correlation) / stats.noise.channels
    near = own[REACH - BLOCK + 1 : REACH + BLOCK, REACH - BLOCK + 1 : REACH + BLOCK]
    halves, whole = np.repeat((1.0, -1.0), BLOCK // 2), np.ones(BLOCK)
    pattern = np.outer(np.correlate(halves, halves, "full"), np.correlate(whole, whole, "full")) / BLOCK**2
    share = max(0.0, float((near * (pattern + pattern.T) / 2).sum()))  # 1 for white noise
    return np.maximum(stats.noise.variance(stats.level) * share, least)


def _trained(noise: NoiseRecord) -> NoiseModel:
    """The line of a record; its correlation is not in it."""
    white = NoiseModel.white(np.array(noise.slope), np.array(noise.floor))
    return replace(white, span=noise.span) if noise.span else white


def _least_variance(low: Doubles, high: Doubles, stats: FrameStats) -> float:
    """Of noise that is worth a word."""
    return max(float(NEGLIGIBLE * (high - low).max()) ** 2, stats.rounding) or TINY


def _ends(values: list[float]) -> Span:
    return min(values), max(values)


def _nearest(value: float, seen: Span) -> float:
    return min(max(value, seen[0]), seen[1])


def _beyond(value: float, seen: Span) -> float:
    return value - _nearest(value, seen)
