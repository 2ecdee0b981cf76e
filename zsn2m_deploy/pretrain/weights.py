"""The pretrained SensorNets that the package holds."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from zsn2m_deploy.pretrain.network import SensorNet

FOLDER = Path(__file__).parent


def pretrained(channels: int) -> SensorNet:
    """A SensorNet as `zsn2m_deploy.pretrain.run` left it.

    Args:
        channels: of the frames, 1 or 3; 4 for the planes of a mosaic
    """
    with torch.random.fork_rng(devices=[]):  # a caller's random numbers stay what they are
        network = SensorNet(channels)
    weights = load_file(FOLDER / f"sensor_{channels}.safetensors")
    network.load_state_dict({name: weight.float() for name, weight in weights.items()})
    return network
