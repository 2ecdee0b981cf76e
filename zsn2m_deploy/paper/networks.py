"""SensorNet, and the paper's MBD-Net and GRD-Net."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, leaky_relu, max_pool2d, pad, pixel_shuffle

from zsn2m_deploy.config import GrdConfig, MbdConfig


class _Conv(nn.Conv2d):
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


class SensorNet(nn.Module):
    """A UNet of four levels that predicts the noise: 0.8 M parameters, 89 k multiplications a pixel.

    Most of its work is at full and half resolution, where noise and detail are; the levels below see wide.

    Shape:
        forward: (n, c, h, w) normalised, h and w multiples of 8 -> the same shape, denoised

    Source: measured, docs/decisions/sensor-network.md.
    """

    stride = 8
    WIDTHS = (32, 64, 96, 128)

    def __init__(self, channels: int) -> None:
        super().__init__()
        full, half, quarter, eighth = self.WIDTHS
        self.correction: nn.Module = nn.Identity()  # of defective pixels; applied by who pads the frame, before that
        self.first = _Conv(channels, full, level_blind=True)
        self.second = nn.Conv2d(full, full, 3, padding=1)
        self.to_half = nn.Conv2d(full, half, 2, stride=2)
        self.half_down = nn.Conv2d(half, half, 3, padding=1)
        self.to_quarter = nn.Conv2d(half, quarter, 2, stride=2)
        self.quarter = nn.ModuleList(nn.Conv2d(quarter, quarter, 3, padding=1) for _ in range(2))
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2)
        self.eighth = nn.ModuleList(nn.Conv2d(eighth, eighth, 3, padding=1) for _ in range(2))
        self.from_eighth = nn.Conv2d(eighth, 4 * quarter, 1)
        self.from_quarter = nn.Conv2d(quarter, 4 * half, 1)
        self.half_up = nn.ModuleList((nn.Conv2d(2 * half, half, 3, padding=1), nn.Conv2d(half, half, 3, padding=1)))
        self.from_half = nn.Conv2d(half, 4 * full, 1)
        self.last = nn.Conv2d(2 * full, full, 3, padding=1)
        self.out = nn.Conv2d(full, channels, 1)

    @torch.no_grad()
    def add_to_output(self, offset: Tensor) -> None:
        """Shift every result by a constant per channel, (c,), normalised."""
        bias = self.out.get_parameter("bias")
        bias.sub_(offset)

    @torch.no_grad()
    def weaken(self, share: float) -> None:
        """Take away so much of what was taken away, 0 to 1."""
        for parameter in self.out.parameters():
            parameter.mul_(share)

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise a frame whose sides are multiples of the stride."""
        full = _active(self.second(_active(self.first(noisy))))
        half = _active(self.half_down(_active(self.to_half(full))))
        quarter = _active(self.quarter[0](_active(self.to_quarter(half))))
        eighth = _active(self.to_eighth(quarter))
        for layer in self.eighth:
            eighth = _active(layer(eighth))
        quarter = _active(self.quarter[1](quarter + pixel_shuffle(self.from_eighth(eighth), 2)))
        x = torch.cat((half, pixel_shuffle(self.from_quarter(quarter), 2)), dim=1)
        for layer in self.half_up:
            x = _active(layer(x))
        x = torch.cat((full, pixel_shuffle(self.from_half(x), 2)), dim=1)
        out: Tensor = self.out(_active(self.last(x)))
        return noisy - out


def _active(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.1)


class MbdNet(nn.Module):
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
            _Conv(channels, hidden, self.level_blind),
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
            _Conv(channels_in, channels_out, level_blind),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.LeakyReLU(0.2),
        )


class GrdNet(nn.Module):
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


def parameter_count(network: nn.Module) -> int:
    """How many weights a network has, frozen ones included."""
    return sum(parameter.numel() for parameter in network.parameters())
