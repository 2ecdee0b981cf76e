"""VideoNet: a small network that denoises a frame with the help of the previous result."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, grid_sample, leaky_relu, pixel_shuffle

from zsn2m_deploy.pretrain.network import CorrectingNetwork
from zsn2m_runtime.noise.model import NoiseModel

SIDE = 6  # pixels of the first kernel: with a stride of 2 the same as 3 x 3 behind a pixel unshuffle

LEAST = 1e-6  # deviation, normalised: keeps divisions finite


class VideoNet(CorrectingNetwork):
    """A recurrent UNet of three levels, the first at half resolution: 0.1 M parameters, 8 k multiplications a pixel.

    The previous result comes in where it is in the present frame, or as it was. At each pixel a gate g says how much
    of it to take: fused = g previous + (1 - g) noisy; denoised = fused - residual. At the start and after a cut
    previous = noisy, and the network works on the frame by itself.

    No layer has a bias: where frames and deviation are so many times as large, the result is, and one network is for
    noise of every strength (Mohan et al., Robust and interpretable blind image denoising via bias-free convolutional
    neural networks, ICLR 2020). What a bias would do the deviation does.

    The result follows a level that is added to both frames; how the previous result differs in level is seen.

    Shape:
        forward: noisy, previous (n, c, h, w) and deviation (n, 1, h, w), normalised, h and w multiples of 8 ->
            denoised, (n, c, h, w)
    """

    stride = 8
    WIDTHS = (32, 32, 64)

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter, eighth = self.WIDTHS
        self.channels, self.padding, self.least = channels, SIDE // 2 - 1, LEAST
        self.deviation: nn.Module = nn.Identity()  # NoiseDeviation in a bundle, whose graph runs it before the network
        self.first = nn.Conv2d(2 * channels + 1, half, SIDE, stride=2, bias=False)
        self.to_quarter = nn.Conv2d(half, quarter, 2, stride=2, bias=False)
        self.quarter_down = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.to_eighth = nn.Conv2d(quarter, eighth, 2, stride=2, bias=False)
        self.eighth = nn.Conv2d(eighth, eighth, 3, padding=1, bias=False)
        self.from_eighth = nn.Conv2d(eighth, quarter, 1, bias=False)
        self.quarter_up = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.from_quarter = nn.Conv2d(quarter, half, 1, bias=False)
        self.half_up = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.out = nn.Conv2d(half, 4 * (channels + 1), 3, padding=1, bias=False)  # residual and gate of 2 x 2 pixels

    @classmethod
    def of_grey(cls, colour: VideoNet) -> VideoNet:
        """A network of grey frames that begins as one of three colours, for frames whose colours are all the grey."""
        state, channels = colour.state_dict(), colour.channels
        frames, of_deviation = state["first.weight"].split([2 * channels, 1], dim=1)
        state["first.weight"] = torch.cat((frames.unflatten(1, (2, channels)).sum(dim=2), of_deviation), dim=1)
        residual, gate = state["out.weight"].split([4 * channels, 4])
        state["out.weight"] = torch.cat((residual.unflatten(0, (channels, 4)).mean(dim=0), gate))
        network = cls(1)
        network.load_state_dict(state)
        return network

    def forward(self, noisy: Tensor, previous: Tensor, deviation: Tensor) -> Tensor:
        """Denoise a frame whose sides are multiples of the stride.

        Args:
            previous: the last result, where its content is in the frame; noisy: at the start
            deviation: standard deviation of the noise at each pixel, the mean of the channels; `deviation_at`
        """
        seen = torch.cat((noisy, previous, deviation), dim=1)
        half = _active(conv2d(seen, self._level_blind(), stride=2, padding=self.padding))
        quarter = _active(self.quarter_down(_active(self.to_quarter(half))))
        eighth = _active(self.eighth(_active(self.to_eighth(quarter))))
        quarter = _active(self.quarter_up(quarter + _doubled(self.from_eighth(eighth))))
        half = _active(self.half_up(half + _doubled(self.from_quarter(quarter))))
        out = pixel_shuffle(self.out(half), 2)
        gate = (out[:, self.channels :] / (deviation + self.least)).sigmoid()
        return noisy + gate * (previous - noisy) - out[:, : self.channels]

    def _level_blind(self) -> Tensor:
        """The first kernel without its answer to a level that noisy and previous share. Source: LevelBlindConv."""
        weight: Tensor = self.first.weight
        frames, of_deviation = weight[:, : 2 * self.channels], weight[:, 2 * self.channels :]
        pairs = frames.reshape(-1, 2, self.channels, weight.shape[2], weight.shape[3])
        pairs = pairs - pairs.mean(dim=(1, 3, 4), keepdim=True)
        return torch.cat((pairs.flatten(1, 2), of_deviation), dim=1)


class NoiseDeviation(nn.Module):
    """The standard deviation of a bundle's noise at each pixel, by the line of its variance over brightness.

    Shape:
        forward: the previous result (n, c, h, w), normalised; strength (1,) -> deviation (n, 1, h, w)
    Args:
        noise: of frames that are normalised; None: to be loaded
    """

    def __init__(self, noise: NoiseModel | None = None) -> None:
        super().__init__()
        line = np.zeros(3) if noise is None else noise.normal.rising.mean(axis=1)
        slope, floor, least = torch.from_numpy(line).float().view(3, 1)
        self.slope, self.floor, self.least = nn.Buffer(slope), nn.Buffer(floor), nn.Buffer(least)

    def forward(self, previous: Tensor, strength: Tensor) -> Tensor:
        """What the network is told of the noise."""
        return deviation_at(previous, self.slope, self.floor, self.least, strength)


def deviation_at(level: Tensor, slope: Tensor, floor: Tensor, least: Tensor, strength: Tensor) -> Tensor:
    """What VideoNet is told of the noise: its standard deviation at each pixel, of the previous result's brightness.

    deviation = strength sqrt(max(slope x + floor, least)), x and all constants being means of the channels.

    Shape:
        level: (n, c, h, w), the previous result, normalised; slope, floor, least, strength: broadcast to (n, 1, 1, 1)
        returns: (n, 1, h, w)
    """
    variance = slope * level.mean(dim=1, keepdim=True) + floor
    return strength * torch.maximum(variance, least).sqrt()


def moved(result: Tensor, motion: Tensor) -> Tensor:
    """A result brought to another frame, its border repeated.

    Shape:
        result: (n, c, h, w); motion: (n, h, w, 2), x and y in pixels, from a pixel to where its content was
    """
    height, width = result.shape[-2:]
    columns, rows = torch.arange(width, device=result.device), torch.arange(height, device=result.device)
    at = motion + torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=2)
    at = (2 * at + 1) / at.new_tensor([width, height]) - 1
    return grid_sample(result, at, padding_mode="border", align_corners=False)


def _doubled(x: Tensor) -> Tensor:
    # As interpolate does, but without its other modes, which scripted would keep older LibTorch from loading the file.
    doubled: Tensor = torch.ops.aten.upsample_nearest2d(x, None, [2.0, 2.0])
    return doubled


def _active(x: Tensor) -> Tensor:
    return leaky_relu(x, 0.1)
