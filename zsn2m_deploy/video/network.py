"""VideoNet: a small network that denoises a frame whose noise it is told, fast enough for live video."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu, pixel_shuffle

from zsn2m_deploy.pretrain.network import CorrectingNetwork
from zsn2m_runtime.noise.model import NoiseModel

SIDE = 6  # pixels of the first kernel: with a stride of 2 the same as 3 x 3 behind a pixel unshuffle


class VideoNet(CorrectingNetwork):
    """A UNet of three levels, the first at half resolution: 0.1 M parameters, 7 k multiplications a pixel.

    Frames of a video are averaged along their motion before it (`zsn2m_runtime.fusion`); it is told how much noise is
    left. No layer has a bias: where frame and deviation are so many times as large, the result is, and one network is
    for noise of every strength (Mohan et al., Robust and interpretable blind image denoising via bias-free
    convolutional neural networks, ICLR 2020). What a bias would do the deviation does.

    The result follows a level that is added to the frame.

    Shape:
        forward: noisy (n, c, h, w) and deviation (n, 1, h, w), normalised, h and w multiples of 8 -> denoised,
            (n, c, h, w)

    Attributes:
        line: (3,), slope, floor and least of the variance of a bundle's noise over brightness, normalised, means of
            the channels; zeros before it is adapted
    """

    stride = 8
    WIDTHS = (32, 32, 64)

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter, eighth = self.WIDTHS
        self.channels, self.padding, self.is_folded = channels, SIDE // 2 - 1, False
        self.line = nn.Buffer(torch.zeros(3))
        self.first = nn.Conv2d(channels + 1, half, SIDE, stride=2, bias=False)
        self.to_quarter = nn.Conv2d(half, quarter, 2, stride=2, bias=False)
        self.quarter_down = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2, bias=False)
        self.eighth = nn.Conv2d(eighth, eighth, 3, padding=1, bias=False)
        self.from_eighth = nn.Conv2d(eighth, quarter, 1, bias=False)
        self.quarter_up = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.from_quarter = nn.Conv2d(quarter, half, 1, bias=False)
        self.half_up = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.out = nn.Conv2d(half, 4 * channels, 3, padding=1, bias=False)  # what is removed of 2 x 2 pixels

    @classmethod
    def of_grey(cls, colour: VideoNet) -> VideoNet:
        """A network of grey frames that begins as one of three colours, for frames whose colours are all the grey."""
        state, channels = colour.state_dict(), colour.channels
        frame, of_deviation = state["first.weight"].split([channels, 1], dim=1)
        state["first.weight"] = torch.cat((frame.sum(dim=1, keepdim=True), of_deviation), dim=1)
        state["out.weight"] = state["out.weight"].unflatten(0, (channels, 4)).mean(dim=0)
        network = cls(1)
        network.load_state_dict(state)
        return network

    @torch.no_grad()
    def folded(self) -> Self:
        """A copy for export, whose first layer holds the kernel that it applies."""
        network = super().folded()
        network.first.weight.copy_(network._level_blind())  # noqa: SLF001, its own
        network.is_folded = True
        return network

    def forward(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        """Denoise a frame whose sides are multiples of the stride.

        Args:
            deviation: standard deviation of the noise at each pixel, the mean of the channels; `deviation_at`
        """
        seen = torch.cat((noisy, deviation), dim=1)
        half = _active(conv2d(seen, self._level_blind(), stride=2, padding=self.padding))
        quarter = _active(self.quarter_down(_active(self.to_quarter(half))))
        eighth = _active(self.eighth(_active(self.to_eighth(quarter))))
        quarter = _active(self.quarter_up(quarter + _doubled(self.from_eighth(eighth))))
        half = _active(self.half_up(half + _doubled(self.from_quarter(quarter))))
        return noisy - pixel_shuffle(self.out(half), 2)

    def _level_blind(self) -> Tensor:
        """The first kernel without its answer to the frame's level. Source: LevelBlindConv."""
        weight: Tensor = self.first.weight
        if self.is_folded:
            return weight
        frame, of_deviation = weight[:, : self.channels], weight[:, self.channels :]
        return torch.cat((frame - frame.mean(dim=(2, 3), keepdim=True), of_deviation), dim=1)


def line_of(noise: NoiseModel) -> Tensor:
    """Slope, floor and least of the variance of noise over brightness, (3,), in the model's units."""
    return torch.from_numpy(noise.normal.rising.mean(axis=1)).float()


def deviation_at(level: Tensor, line: Tensor, strength: Tensor) -> Tensor:
    """What VideoNet is told of the noise: its standard deviation at each pixel, as the frame's brightness has it.

    deviation = strength sqrt(max(slope x + floor, least)), x and all constants being means of the channels.

    Shape:
        level: (n, c, h, w), the noisy frame, normalised
        line: (3,), or (3, n, 1, 1, 1): slope, floor and least; strength: (1,), or (n, 1, 1, 1)
        returns: (n, 1, h, w)
    """
    slope, floor, least = line
    return strength * torch.maximum(slope * level.mean(dim=1, keepdim=True) + floor, least).sqrt()


def _doubled(x: Tensor) -> Tensor:
    # As interpolate does, but without its other modes, which scripted would keep older LibTorch from loading the file.
    doubled: Tensor = torch.ops.aten.upsample_nearest2d(x, None, [2.0, 2.0])
    return doubled


def _active(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.1)
