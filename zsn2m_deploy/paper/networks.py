"""The paper's networks: MBD-Net and GRD-Net."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from zsn2m_deploy.config.networks import GrdConfig, MbdConfig
from zsn2m_deploy.fit.network import FrameNetwork, LevelBlindConv


class MbdNet(FrameNetwork):
    """Mean-based denoising network f: three convolutions, 22,275 parameters at 3 channels.

    Shape:
        forward: (n, c, h, w) normalised, any size -> the same shape, denoised

    Paper: Sec. 4.2 (the network of ZS-N2N).
    """

    def __init__(self, channels: int, config: MbdConfig) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.residual = config.residual
        self.level_blind = config.level_blind and config.residual  # without the frame itself the level must be seen
        self.layers = nn.Sequential(
            LevelBlindConv(channels, hidden, self.level_blind),
            nn.LeakyReLU(config.negative_slope),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.LeakyReLU(config.negative_slope),
            nn.Conv2d(hidden, channels, 1),
        )

    @torch.no_grad()
    def add_to_output(self, offset: Tensor) -> None:
        """Shift every result by a constant per channel, (c,), normalised."""
        bias = self.layers[-1].get_parameter("bias")
        bias.add_(-offset if self.residual else offset)

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise; with `residual` the layers predict the noise."""
        out: Tensor = self.layers(noisy)
        return noisy - out if self.residual else out


class _Block(nn.Sequential):
    def __init__(self, channels_in: int, channels_out: int, level_blind: bool = False) -> None:
        super().__init__(
            LevelBlindConv(channels_in, channels_out, level_blind),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.LeakyReLU(0.2),
        )


class GrdNet(FrameNetwork):
    """Gap refinement denoising network h: a UNet of about 2.7 M parameters.

    With a teacher, and `start_from_teacher`, it starts as that network, frozen inside it, and learns what to add,
    blind to the level if the teacher is; else it predicts the frame from nothing.

    Shape:
        forward: (n, c, h, w) normalised, h and w multiples of `stride` -> the same shape, denoised

    Paper: Sec. 3.3, Table 3 (size); the layers are ours: max-pooling down, nearest-neighbour up, two 3 x 3
    convolutions a level.
    """

    def __init__(self, channels: int, config: GrdConfig, teacher: MbdNet | None = None) -> None:
        super().__init__()
        teacher = teacher if config.start_from_teacher else None
        *widths, bottom = config.widths
        self.stride = 2 ** len(widths)
        inputs = [channels, *widths]
        blind = teacher is not None and teacher.level_blind
        self.down = nn.ModuleList(
            _Block(before, width, level_blind=blind and level == 0)
            for level, (before, width) in enumerate(zip(inputs, widths, strict=False))
        )
        self.bottom = _Block(widths[-1], bottom)
        below = [*widths[1:], bottom]
        self.up = nn.ModuleList(  # deepest level first
            _Block(deeper + width, width) for deeper, width in reversed(list(zip(below, widths, strict=True)))
        )
        self.out = nn.Conv2d(widths[0], channels, 1)
        self.teacher = copy.deepcopy(teacher).requires_grad_(False) if teacher is not None else None
        if teacher is not None:
            for parameter in self.out.parameters():
                nn.init.zeros_(parameter)

    @torch.no_grad()
    def add_to_output(self, offset: Tensor) -> None:
        """Shift every result by a constant per channel, (c,), normalised."""
        bias = self.out.get_parameter("bias")
        bias.add_(offset)

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise a frame whose sides are multiples of the stride."""
        skips: list[Tensor] = []
        x = noisy
        for block in self.down:
            x = block(x)
            skips.append(x)  # (n, widths[level], h / 2^level, w / 2^level)
            x = max_pool2d(x, 2)
        x = self.bottom(x)
        for block in self.up:
            x = interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat((x, skips.pop()), dim=1))
        out: Tensor = self.out(x)
        if self.teacher is not None:
            out = out + self.teacher(noisy)
        return out
