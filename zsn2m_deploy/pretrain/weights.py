"""The pretrained SensorNets that the package holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from zsn2m_deploy.pretrain.network import SensorNet

Network = TypeVar("Network", bound=nn.Module)

FOLDER = Path(__file__).parent


def pretrained(channels: int) -> SensorNet:
    """A SensorNet as `zsn2m_deploy.pretrain.run` left it.

    Args:
        channels: of the frames, 1 or 3; 4 for the planes of a mosaic
    """
    return stored(SensorNet, FOLDER / f"sensor_{channels}.safetensors", channels)


def pretrained_for(frames: Sequence[Tensor]) -> SensorNet:
    """The pretrained SensorNet that suits frames best; if all channels are the same, that is the grey one.

    Shape:
        frames: each (c, h, w), in any units

    Source: docs/decisions/grey-stored-as-colour.md.
    """
    channels = frames[0].shape[0]
    if channels > 1 and is_grey(frames):
        return SensorNet.of_grey(pretrained(1), channels)
    return pretrained(channels)


def is_grey(frames: Sequence[Tensor]) -> bool:
    """Whether all channels of a frame, (c, h, w), are the same, in every frame."""
    return all(torch.equal(frame, frame[:1].expand_as(frame)) for frame in frames)


def stored(kind: Callable[[int], Network], path: Path, channels: int) -> Network:
    """A network of a kind for so many channels, with the weights of a file."""
    with torch.device("meta"):  # no weights are drawn: that takes most of the time, and a caller's random numbers
        network = kind(channels)
    network.load_state_dict({name: weight.float() for name, weight in load_file(path).items()}, assign=True)
    return network
