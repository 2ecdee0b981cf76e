"""Is noise as strong everywhere as its model says at that brightness?

It is not after vignetting was corrected, where frames were stitched of several exposures, or where a gain changed.

Cells of the frame are compared: what the pretrained network removes from their calm blocks, over what it removes there
from fresh noise of the model on its own result. Texture is uneven within a cell, and noise is hardly: where blocks of a
cell differ, cells do so by their texture, and noise counts as even. Both are in units of the calm blocks of the same
brightness anywhere in the frame, for at each brightness the model may be wrong.

Texture of a part is as even within a cell, and of a nearly clean frame stronger than the noise. Where it passed for
strong noise, the result has steep slopes beside what was removed, or that is alike from pixel to pixel.

Source: docs/decisions/uneven-noise.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.noise.blocks import BLOCK, as_planes, free_blocks, means_of_blocks, on_planes, times_neighbours
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_runtime.noise.model import Doubles, NoiseModel

FRAMES = 2  # of a group that are looked at; they count together, cell by cell
CELLS = 4  # along each side
MOST = 128  # pixels of a cell's side that are looked at; it bounds time
LEAST = 2  # blocks along a cell, which wants more than the 9 pixels that correlation reaches
DARK = 0.02  # of the values in use: darker blocks say nothing, as a little light changes their noise most
BANDS, LEVEL = 6, 0.2  # of brightness, and the quantile of their blocks that is the unit
SHOWN = 0.98  # of a cell: what fills blank areas has no noise, and the network looks around
CALM = 0.3  # quantile of a cell's blocks, by what is removed
FEWEST = 16  # blocks of a cell that are not clipped
FEWEST_CELLS = 6
# Power of the second strongest cell over that of the second weakest. Set on the tuning cases of the decision: up to
# 2.2 where noise is even, 3.0 and more where it is not, but for a page of small print
UNEVEN = 2.5
UNEVEN_BESIDE_REGULAR = 6.0  # the same where regular detail may be stronger in some places: up to 3.6, and from 8.8 on
# Deviation at the last of nearly all blocks of a cell over that at the last of the calmest ones, over the same of fresh
# noise: uneven noise has up to 1.48, texture everywhere from 1.57 on: docs/decisions/texture-everywhere.md
CALMEST, NEARLY_ALL, TEXTURE = 0.05, 0.9, 1.52
# Of the strongest cells, in the median: power of the result's slopes over that of what is removed from the frame, and
# correlation of neighbours in the latter. More of either is texture. Set on the tuning cases of the decision
STRONGEST = 4
STEEP, ALIKE = 10.0, 0.1
# Noise that counts as shared by neighbours: power of the second strongest cell over that of the second weakest, and the
# same correlation in the strongest ones. Halves and vignetting have up to 0.07, texture beside faint noise from 0.10
# on where cells differ by so much, cameras from 0.33 on
FAR, WHITE = 3.5, 0.08
FRAME, SLOPES, NEIGHBOURS = 1, 3, 4  # columns of what is known of blocks
POWERS = slice(1, 3)
TINY = 1e-12
ROWS, COLUMNS = ("top", "middle", "middle", "bottom"), ("left", "centre", "centre", "right")


@dataclass(frozen=True)
class Unevenness:
    """Deviation of the noise in each cell over that of its model, in their order, without the weakest.

    where: the strongest cell, in words
    """

    strengths: tuple[float, ...]
    where: str

    @property
    def times(self) -> float:
        """How many times the strongest is the weakest."""
        return self.strengths[-1] / self.strengths[0]

    def in_words(self, learned: bool) -> str:
        """What it means for the result; learned: whether a network was adapted to all strengths."""
        done = "all of them were learned" if learned else "the pretrained network knows all of them"
        return (
            f"the noise is not even over the frame: {self.times:.2g} times as strong in some places as in "
            f"others of the same brightness, strongest at the {self.where}, as after correction of vignetting, "
            f"stitching or a change of gain, or texture as fine as noise passes for it there; {done}; figures of the "
            f"noise hold for no place: compare the pictures at both ends, and train on a crop of the weakest place if "
            f"detail is lost"
        )


@torch.no_grad()
def unevenness(
    network: Callable[[Tensor], Tensor], frames: Sequence[Tensor], noise: NoiseModel, seed: int
) -> Unevenness | None:
    """How uneven independent noise is from place to place; None where it is even, or where that cannot be told.

    Where texture is everywhere it cannot, and beside regular detail only if it differs by far. Noise that counts as
    shared by neighbours is independent where it is uneven: in the strongest places none is shared, so that it was
    texture of the weak ones.

    Shape:
        frames: each (c, h, w), normalised as the noise is, at least 16 x 16; one more channel is 0 where a frame is
            blank, which says nothing
    Args:
        network: the pretrained one
    """
    if noise.jpeg or noise.counted:
        return None
    rng, white = np.random.default_rng(seed), noise.without_correlation() if noise.correlated else noise
    looks = [_cells(network, frame, white, rng) for frame in frames[:FRAMES]]
    cells = [np.concatenate(of_frames) for of_frames in zip(*looks, strict=True)]
    places = [place for place, cell in enumerate(cells) if len(cell) >= FEWEST]
    if len(places) < FEWEST_CELLS:
        return None
    cells = [cells[place] for place in places]
    raw, relative = (np.array([_ratio(cell) for cell in of]) for of in (cells, _beside_their_brightness(cells)))
    by_power = raw if noise.correlated else relative
    strongest = [cells[place] for place in np.argsort(by_power)[-STRONGEST:]]
    white_there = _times(raw) > FAR and _alike(strongest) <= WHITE
    is_told = white_there if noise.correlated else _within(cells) <= TEXTURE
    least = UNEVEN_BESIDE_REGULAR if noise.regular else UNEVEN
    if not is_told or _times(relative) <= least or _is_texture(strongest):
        return None
    row, column = divmod(places[int(relative.argmax())], CELLS)
    return Unevenness(tuple(np.sqrt(np.sort(raw)[1:]).tolist()), f"{ROWS[row]} {COLUMNS[column]}")


def _ratio(cell: Doubles) -> float:
    """Power removed from the frame, over that from fresh noise, in calm blocks. Shape: (blocks, 5) -> a number."""
    frame, fresh = np.quantile(cell[:, POWERS], CALM, axis=0) + TINY
    return float(frame / fresh)


def _within(cells: Sequence[Doubles]) -> float:
    """How uneven blocks are in the usual cell: a ratio of deviations, over the same of fresh noise."""
    powers = [np.quantile(np.log(cell[:, POWERS] + TINY), (CALMEST, NEARLY_ALL), axis=0) / 2 for cell in cells]
    return math.exp(float(np.median([nearly_all - calmest for calmest, nearly_all in powers], axis=0) @ (1, -1)))


def _times(power: Doubles) -> float:
    """The second largest over the second smallest. Shape: (cells,)."""
    ranked = np.sort(power)
    return float(ranked[-2] / ranked[1])


def _alike(cells: Sequence[Doubles]) -> float:
    """Correlation of neighbours in what is removed, median of cells. Shape: each (blocks, 5)."""
    return float(np.median([cell[:, NEIGHBOURS].sum() / (cell[:, FRAME].sum() + TINY) for cell in cells]))


def _is_texture(cells: Sequence[Doubles]) -> bool:
    """Whether what passes for strong noise in cells is the picture's. Shape: each (blocks, 5)."""
    steep = [np.median(cell[:, SLOPES]) / (np.median(cell[:, FRAME]) + TINY) for cell in cells]
    return bool(np.median(steep) > STEEP or _alike(cells) > ALIKE)


def _beside_their_brightness(cells: Sequence[Doubles]) -> list[Doubles]:
    """The same cells, powers in units of those of calm blocks of the same brightness in all of them."""
    blocks = np.concatenate(cells)
    for band in np.array_split(np.argsort(blocks[:, 0], kind="stable"), BANDS):
        blocks[band, POWERS] /= np.quantile(blocks[band, POWERS], LEVEL, axis=0) + TINY
    return np.split(blocks, np.cumsum([len(cell) for cell in cells])[:-1])


def _cells(
    network: Callable[[Tensor], Tensor], frame: Tensor, noise: NoiseModel, rng: np.random.Generator
) -> list[Doubles]:
    """Of each cell the blocks neither clipped nor dark, by columns.

    Brightness; power removed of frame and of fresh noise; of the result's slopes; what neighbours share of the first.

    Shape:
        returns: each (blocks, 5), powers in units of the noise's variance
    """
    rows, columns = (_spans(length) for length in frame.shape[1:])
    return [_look(network, frame[:, row, column], noise, rng) for row in rows for column in columns]


def _spans(length: int) -> list[slice]:
    """The middles of a frame's cells along one side, whole blocks."""
    side = max(min(length // CELLS, MOST) // BLOCK, LEAST) * BLOCK
    starts = ((2 * cell + 1) * length // (2 * CELLS) - side // 2 for cell in range(CELLS))
    return [slice(start, start + side) for start in (min(max(start, 0), length - side) for start in starts)]


def _look(network: Callable[[Tensor], Tensor], cell: Tensor, noise: NoiseModel, rng: np.random.Generator) -> Doubles:
    """The blocks of one cell, as `_cells`."""
    apply, planes = on_planes(network, cell.device), as_planes(cell[None])
    noisy, shown = planes[..., : noise.channels], planes[..., noise.channels :]
    clean = apply(noisy)
    fresh = np.clip(clean + draw_noise(noise, clean.astype(np.float32), rng), *noise.ends)
    variance = np.maximum(noise.variance(clean), TINY)
    removed = (noisy - clean) / np.sqrt(variance)
    slopes = sum(np.square(slope) for slope in np.gradient(clean, axis=(0, 1))) / variance
    powers = np.square(removed), np.square(fresh - apply(fresh)) / variance, slopes, times_neighbours(removed)
    level, powers_of_blocks = means_of_blocks(clean), [means_of_blocks(power[..., noise.loud]) for power in powers]
    free = free_blocks(noisy, noise.ends) & (level >= DARK)
    if shown.size and shown.mean() < SHOWN:
        free[:] = False
    return np.stack([part[free] for part in (level, *powers_of_blocks)], axis=1)
