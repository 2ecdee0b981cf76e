"""The base class of all networks, and the convolution that their first layers use."""

from __future__ import annotations

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


class LevelBlindConv(nn.Conv2d):
    """A 3 x 3 convolution of unchanged size that can be blind to the level.

    A level-blind one has kernels that each sum to zero and repeats the frame's border. An offset added to a whole
    channel then does not change its results. Source: docs/decisions/level-blind.md.
    """

    def __init__(self, channels_in: int, channels_out: int, level_blind: bool) -> None:
        super().__init__(channels_in, channels_out, 3)
        self.level_blind = level_blind

    def forward(self, noisy: Tensor) -> Tensor:
        """Shape: (n, channels_in, h, w) -> (n, channels_out, h, w)."""
        weight: Tensor = self.weight
        if not self.level_blind:
            return conv2d(noisy, weight, self.bias, padding=1)
        weight = weight - weight.mean(dim=(2, 3), keepdim=True)
        return conv2d(pad(noisy, [1, 1, 1, 1], mode="replicate"), weight, self.bias)
