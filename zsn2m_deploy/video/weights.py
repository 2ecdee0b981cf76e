"""The pretrained VideoNets that the package holds."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from zsn2m_deploy.video.network import VideoNet

FOLDER = Path(__file__).parent


def pretrained_video(channels: int) -> VideoNet:
    """A VideoNet as `zsn2m_deploy.video.pretrain` left it.

    Args:
        channels: of the frames, 1 or 3
    """
    return stored(FOLDER / f"video_{channels}.safetensors", channels)


def stored(path: Path, channels: int) -> VideoNet:
    """A VideoNet with the weights of a file."""
    with torch.random.fork_rng(devices=[]):  # a caller's random numbers stay what they are
        network = VideoNet(channels)
    network.load_state_dict({name: weight.float() for name, weight in load_file(path).items()})
    return network
