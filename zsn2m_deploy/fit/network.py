"""The base class of all networks, and the convolution that their first layers use."""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


class FrameNetwork(nn.Module):
    """A denoiser of normalised frames.

    Shape:
        forward: (n, c, h, w) normalised, h and w multiples of `stride` -> denoised, the same shape

    Attributes:
        stride: pixels
        whole_frames: whether `before_padding` must see whole frames, which then are never cut in strips
    """

    stride = 1
    whole_frames = False

    def before_padding(self) -> nn.Module | None:
        """A module that an exported graph applies before it pads a frame to the stride; None: no such module."""
        return None

    def add_to_output(self, offset: Tensor) -> None:
        """Add a constant to each channel of all later results; offset: (c,), normalised."""
        raise NotImplementedError

    @torch.no_grad()
    def folded(self) -> Self:
        """A copy for export, whose level-blind convolutions hold the kernels that they apply.

        In the layout of stored weights: means round another way in channels_last, where it was trained.
        """
        network = copy.deepcopy(self)
        network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        for layer in network.modules():
            if isinstance(layer, LevelBlindConv):
                layer.weight.copy_(layer.kernels())
                layer.folded = True
        return network


class LevelBlindConv(nn.Conv2d):
    """A 3 x 3 convolution of unchanged size that can be blind to the level.

    A level-blind one has kernels that each sum to zero and repeats the frame's border. An offset added to a whole
    channel then does not change its results. Source: docs/decisions/level-blind.md.
    """

    def __init__(self, channels_in: int, channels_out: int, level_blind: bool) -> None:
        super().__init__(channels_in, channels_out, 3)
        self.level_blind = level_blind
        self.folded = False

    def kernels(self) -> Tensor:
        """What the weights are applied as, (channels_out, channels_in, 3, 3)."""
        weight: Tensor = self.weight
        return weight - weight.mean(dim=(2, 3), keepdim=True) if self.level_blind and not self.folded else weight

    def forward(self, noisy: Tensor) -> Tensor:
        """Shape: (n, channels_in, h, w) -> (n, channels_out, h, w)."""
        if not self.level_blind:
            return conv2d(noisy, self.kernels(), self.bias, padding=1)
        return conv2d(pad(noisy, [1, 1, 1, 1], mode="replicate"), self.kernels(), self.bias)
