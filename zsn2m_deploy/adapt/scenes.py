"""Synthetic scenes in the colours of the frames, to adapt on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config.networks import SCENE_SIDE, SensorConfig
from zsn2m_deploy.pretrain.scenes import Floats, dead_leaves
from zsn2m_runtime.mosaic_planes import picture_of
from zsn2m_runtime.mosaic_record import CELL, PLACES, PLANES

PALETTE_SIZE = 4096  # colours; shapes draw from them at random


def synthetic_scenes(palette: Tensor, config: SensorConfig, seed: int) -> Tensor:
    """Scenes in the colours of the frames.

    Shape:
        palette: (n, c) colours, normalised; c is 1, 3, or 4 for the planes of a mosaic
        returns: (scenes, c, side, side)
    """
    generator = np.random.default_rng(seed)
    colours = palette.cpu().numpy().astype(np.float32)
    chosen = colours[generator.integers(len(colours), size=PALETTE_SIZE)]
    if chosen.shape[1] == PLANES:
        scenes = _scenes(generator, CELL * SCENE_SIDE, picture_of(chosen[:, None])[:, 0], config.scenes)
        scenes = np.stack([scenes[:, row::CELL, column::CELL, channel] for row, column, channel in PLACES], axis=3)
    elif chosen.shape[1] == 1:
        scenes = _scenes(generator, SCENE_SIDE, np.repeat(chosen, 3, axis=1), config.scenes).mean(axis=3, keepdims=True)
    else:
        scenes = _scenes(generator, SCENE_SIDE, chosen, config.scenes)
    return torch.from_numpy(scenes).movedim(3, 1)


def _scenes(generator: np.random.Generator, side: int, palette: Floats, count: int) -> Floats:
    """Shape: palette (n, 3) -> (count, side, side, 3)."""
    return np.stack([dead_leaves(generator, side, palette) for _ in range(count)])
