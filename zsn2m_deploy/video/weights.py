"""The pretrained VideoNets that the package holds."""

from __future__ import annotations

from pathlib import Path

from zsn2m_deploy.pretrain.weights import stored
from zsn2m_deploy.video.network import VideoNet

FOLDER = Path(__file__).parent


def pretrained_video(channels: int) -> VideoNet:
    """A VideoNet as `zsn2m_deploy.video.pretrain` left it.

    Args:
        channels: of the frames, 1 or 3
    """
    return stored(VideoNet, FOLDER / f"video_{channels}.safetensors", channels)
