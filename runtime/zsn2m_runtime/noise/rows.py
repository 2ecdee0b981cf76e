"""Noise that whole rows share, new in every frame or fixed: the offset of each row; columns likewise.

The level of the rows is a random walk (the picture) and white offsets (the noise). Its steps then are a moving average
of first order, whose coefficient theta has the largest likelihood; the best estimate of the picture's level is the mean
of the rows around, weighted by theta^|k| (Muth, JASA 1960), and what a row has beside it is its offset.

The step of a row is an M-estimate (Geman and McClure) over all its pixels, from 0 on, without those whose step is
larger than offsets and noise are: edges of the picture hardly count, be they as long as the row.
The exported graph does the same (zsn2m_deploy.noise.rows). Measured: docs/decisions/row-noise.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from zsn2m_runtime.noise.level import estimate_sigma
from zsn2m_runtime.noise_record import MOST_MEMORY, Axis, RowNoise
from zsn2m_runtime.sample_types import Pixels

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Measured, docs/decisions/row-noise.md
BLOCK = 4  # pixels of a row whose mean is one value: noise is halved, edges stay apart
WIDE = 3.0  # deviations of a block's step, at which it has a quarter of the weight
ROUNDS = 4  # of the M-estimate, after one with the offsets' own deviation
PLAUSIBLE = 3.0  # deviations of a block's step, offsets and noise together, beyond which it has less weight; 4: none
FEW = 1e-3  # share of a row's blocks that has no say
REACH = 3.0  # memories that rows count from
MEMORIES = np.geomspace(0.5, MOST_MEMORY, 13)  # that are tried
FIXED = 0.5  # correlation of two frames' offsets, from which on they are the same
FAR = 3.0  # deviations that innovations are pulled in to: edges over the whole row
MOST_FRAMES = 8  # that are fitted to
TO_DEVIATION = 1.4826  # standard deviation over median absolute deviation of a normal distribution
TO_END = 0.5  # sensor units next to an end: whole numbers there are at the end
TINY = 1e-12


def fit_row_noise(frames: Sequence[Pixels], axis: Axis, sigma: float) -> RowNoise:
    """How to tell the noise that rows (or columns) share from the picture, of frames that have such noise.

    Shape:
        frames: each (h, w) or (h, w, c), sensor units, at least 16 x 16, finite
    Args:
        sigma: standard deviation of the offsets, as `patterns.stripes` finds it
    """
    chosen = [frames[place] for place in np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).astype(int)]
    planes = [turned(frame.reshape(*frame.shape[:2], -1), axis) for frame in chosen]
    sigmas = [[estimate_sigma(plane[..., channel]) for channel in range(plane.shape[2])] for plane in planes]
    pixel = np.sqrt(np.square(sigmas).mean(axis=0)).clip(TINY)
    likelihood = np.zeros(len(MEMORIES))
    for plane in planes:
        for steps in row_steps(plane, pixel, sigma)[1:, 0].T:
            likelihood += _unlikely(steps)
    memory = float(MEMORIES[np.argmin(likelihood)])
    noise = RowNoise(axis=axis, sigma=sigma, pixel_sigma=tuple(pixel.tolist()), memory=memory)
    return noise.model_copy(update={"fixed": _are_the_same([row_offsets(plane, noise).ravel() for plane in planes])})


def without_row_noise(frame: Pixels, found: Sequence[RowNoise]) -> Pixels:
    """A frame without the offsets of its rows, and of its columns.

    Shape:
        frame: (h, w) or (h, w, c), sensor units, finite
        returns: the same in float32; the frame itself where nothing is to be removed
    """
    if not found:
        return frame
    planes = frame.astype(np.float32).reshape(*frame.shape[:2], -1)
    for noise in found:
        lines = turned(planes, noise.axis)
        planes = turned(lines - row_offsets(lines, noise) * _inside(lines, noise), noise.axis)
    return np.asarray(planes.reshape(frame.shape))


def row_noise_in_words(found: RowNoise) -> str:
    """What was found and what becomes of it."""
    pixel = math.sqrt(np.square(found.pixel_sigma).mean())
    same = ", the same in all frames" if found.fixed else ""
    text = (
        f"each {found.axis.removesuffix('s')} has an offset of its own, {found.sigma:.3g} (standard deviation) beside "
        f"{pixel:.3g} of single pixels{same}: it is removed before the network"
    )
    return f"{text}, in frames that are not cut in strips" if found.axis == "columns" else text


def row_offsets(frame: Pixels, noise: RowNoise) -> Floats:
    """The offset of each row; their mean is 0.

    Shape:
        frame: (h, w, c), sensor units
        returns: (h, 1, c)
    """
    steps = row_steps(frame, np.array(noise.pixel_sigma), noise.sigma)[:, 0]  # (h, c)
    weights = step_weights(noise.memory)
    height, reach = len(steps), len(weights) // 2
    place = (np.arange(height)[:, None] + np.arange(1 - reach, reach + 1)) % (2 * height)  # in a mirror at both ends
    sign = np.where(place < height, 1.0, -1.0).astype(np.float32)
    around = steps[(height - np.abs(height - place)) % height] * sign[..., None]  # (h, 2 reach, c)
    return np.asarray(np.einsum("hkc,k->hc", around, weights)[:, None], np.float32)


def _inside(lines: Floats, noise: RowNoise) -> Floats:
    """1, and 0 where a sample is clipped: it does not have the offset of its row. Shape: (h, w, c) -> the same."""
    if noise.ends is None:
        return np.ones_like(lines)
    low, high = noise.ends
    return ((lines > low + TO_END) & (lines < high - TO_END)).astype(np.float32)


def row_steps(frame: Pixels, pixel_sigma: Doubles, sigma: float) -> Floats:
    """How much higher each row is than the one above. Shape: (h, w, c) -> (h, 1, c); the first is 0."""
    height, width, channels = frame.shape
    columns = np.minimum(np.arange(-(-width // BLOCK) * BLOCK), width - 1)
    blocks = frame[:, columns].astype(np.float32).reshape(height, -1, BLOCK, channels).mean(axis=2)
    apart = blocks - blocks[np.maximum(np.arange(height) - 1, 0)]
    wide, narrow = (narrowness.astype(np.float32) for narrowness in step_scales(pixel_sigma, sigma))
    plausible = np.clip(PLAUSIBLE + 1 - np.abs(apart * wide), 0, 1)
    step: Floats = np.zeros((1, 1, 1), np.float32)
    for scale in (wide, *[narrow / WIDE] * ROUNDS):
        weight = plausible / np.square(1 + np.square((apart - step) * scale))
        step = step + (weight * (apart - step)).mean(axis=1, keepdims=True) / (weight.mean(axis=1, keepdims=True) + FEW)
    return step


def step_scales(pixel_sigma: Doubles, sigma: float) -> tuple[Doubles, Doubles]:
    """One over the deviation of a block's step: with the offsets', and of single pixels' noise alone. Shape: (c,)."""
    alone = np.square(pixel_sigma) / BLOCK
    return 1 / np.sqrt(2 * (alone + sigma**2)), 1 / np.sqrt(2 * alone)


def step_weights(memory: float) -> Floats:
    """What the steps before and after a row say of its offset; one step more above than below. Shape: (2 reach,)."""
    reach = math.ceil(REACH * memory)
    around = np.exp(-np.abs(np.arange(-reach, reach + 1)) / memory)
    beyond = np.cumsum((around / around.sum())[::-1])[:reach][::-1]  # weight of all rows at least so far below
    return np.concatenate([beyond[::-1], -beyond]).astype(np.float32)


def turned(planes: Pixels, axis: Axis) -> Pixels:
    """Planes whose rows are the lines of an axis. Shape: (h, w, c) -> (h, w, c) or (w, h, c)."""
    return planes if axis == "rows" else planes.swapaxes(0, 1)


def _are_the_same(offsets: Sequence[Floats]) -> bool:
    """Whether frames one after the other have the same offsets, mostly."""
    pairs = [pair for pair in itertools.pairwise(offsets) if len(pair[0]) == len(pair[1])]
    return bool(pairs) and float(np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])) > FIXED


def _unlikely(steps: Floats) -> Doubles:
    """Minus twice the logarithm of the likelihood of each of MEMORIES. Shape: (h - 1,) -> (memories,)."""
    theta = np.exp(-1 / MEMORIES)
    relative = 1 + theta**2  # variance of what a step has beside its prediction, over that of an innovation
    predicted, innovations, logarithm = np.zeros_like(theta), [], np.zeros_like(theta)
    for step in steps.astype(np.float64):
        innovations.append((step - predicted) / np.sqrt(relative))
        logarithm += np.log(relative)
        predicted = -theta / relative * (step - predicted)
        relative = 1 + theta**2 - theta**2 / relative
    found = np.array(innovations)  # (h - 1, memories)
    far = FAR * TO_DEVIATION * np.median(np.abs(found), axis=0)
    power = np.square(np.clip(found, -far, far)).mean(axis=0)
    return np.asarray(len(found) * np.log(power + TINY) + logarithm)
