"""What every network here is made of, and what training and export ask of it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


class FrameNetwork(nn.Module):
    """A denoiser of normalised frames.

    Shape:
        forward: (n, c, h, w) normalised, h and w multiples of `stride` -> the same shape, denoised
    """

    stride = 1

    def before_padding(self) -> nn.Module | None:
        """What an exported graph applies before it pads a frame to the stride."""
        return None

    def add_to_output(self, offset: Tensor) -> None:
        """Shift every result by a constant per channel, (c,), normalised."""
        raise NotImplementedError


class LevelBlindConv(nn.Conv2d):
    """A 3 x 3 convolution; one that is blind to the level has kernels that each sum to zero.

    With a border that repeats the frame, an offset added to a whole channel changes none of its results.
    """

    def __init__(self, channels_in: int, channels_out: int, level_blind: bool) -> None:
        super().__init__(channels_in, channels_out, 3)
        self.level_blind = level_blind

    def forward(self, noisy: Tensor) -> Tensor:
        """Convolve; the size stays."""
        weight: Tensor = self.weight
        if not self.level_blind:
            return conv2d(noisy, weight, self.bias, padding=1)
        weight = weight - weight.mean(dim=(2, 3), keepdim=True)
        return conv2d(pad(noisy, [1, 1, 1, 1], mode="replicate"), weight, self.bias)
