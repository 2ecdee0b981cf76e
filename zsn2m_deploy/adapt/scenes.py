"""Synthetic scenes in the colours of the frames, to adapt on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config.networks import SCENE_SIDE, SensorConfig
from zsn2m_deploy.pretrain.scenes import dead_leaves

PALETTE_SIZE = 4096  # colours; shapes draw from them at random


def synthetic_scenes(palette: Tensor, config: SensorConfig, seed: int) -> Tensor:
    """Scenes in the colours of the frames.

    Shape:
        palette: (n, c) colours, normalised
        returns: (scenes, c, side, side)
    """
    generator = np.random.default_rng(seed)
    colours = palette.cpu().numpy().astype(np.float32)
    grey = colours.shape[1] == 1
    chosen = colours[generator.integers(len(colours), size=PALETTE_SIZE)]
    chosen = np.repeat(chosen, 3, axis=1) if grey else chosen
    scenes = np.stack([dead_leaves(generator, SCENE_SIDE, chosen) for _ in range(config.scenes)])
    if grey:
        scenes = scenes.mean(axis=3, keepdims=True)
    return torch.from_numpy(scenes).movedim(3, 1)
