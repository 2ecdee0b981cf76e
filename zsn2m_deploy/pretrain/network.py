"""SensorNet: the network of the default, which is pretrained on noise of every level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pixel_shuffle

from zsn2m_deploy.fit.network import FrameNetwork, LevelBlindConv
from zsn2m_deploy.noise.corrections import Corrections
from zsn2m_runtime.mosaic_record import PLACES, PLANES


class CorrectingNetwork(FrameNetwork):
    """A network whose graph first takes away impulses, offsets and defective pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.impulse_correction: nn.Module = nn.Identity()
        self.offsets: nn.Module = nn.Identity()  # of rows, columns and pixels
        self.correction: nn.Module = nn.Identity()  # of defective pixels

    def before_padding(self) -> nn.Module | None:
        """The corrections of impulses, of offsets and of defective pixels; None: there are none."""
        parts = (self.impulse_correction, self.offsets, self.correction)
        return None if all(isinstance(part, nn.Identity) for part in parts) else nn.Sequential(*parts)

    def correct(self, found: Corrections, offset: float, scale: float) -> None:
        """Have graphs correct frames; normalised values are (x - offset) / scale."""
        self.impulse_correction, self.offsets, self.correction = found.modules(offset, scale)
        self.whole_frames = found.of_whole_frames

    @torch.no_grad()
    def weaken(self, share: float | Sequence[float]) -> None:
        """Take away so much of what was taken away, 0 to 1, of all channels or of each, which the layer `out` gives."""
        shares = torch.as_tensor(share).view(-1)
        for parameter in self.get_submodule("out").parameters():
            of_rows = shares.to(parameter).repeat_interleave(len(parameter) // len(shares))
            parameter.mul_(of_rows.view(-1, *[1] * (parameter.dim() - 1)))


class SensorNet(CorrectingNetwork):
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
        self.first = LevelBlindConv(channels, full, level_blind=True)
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

    @classmethod
    def of_planes(cls, colour: SensorNet) -> SensorNet:
        """A network of the four planes of a mosaic that begins as one of three colours: both greens are its green."""
        state = colour.state_dict()
        first = state["first.weight"]
        state["first.weight"] = torch.stack([first[:, 0], first[:, 1] / 2, first[:, 1] / 2, first[:, 2]], dim=1)
        of_plane = [colour for _, _, colour in PLACES]
        for name in ("out.weight", "out.bias"):
            state[name] = state[name][of_plane]
        network = cls(PLANES)
        network.load_state_dict(state)
        return network

    @classmethod
    def of_grey(cls, grey: SensorNet, channels: int) -> SensorNet:
        """A network of channels that are all the same: the grey one, of their mean."""
        state = grey.state_dict()
        state["first.weight"] = state["first.weight"].repeat(1, channels, 1, 1) / channels
        for name in ("out.weight", "out.bias"):
            state[name] = state[name].repeat_interleave(channels, dim=0)
        network = cls(channels)
        network.load_state_dict(state)
        return network

    @torch.no_grad()
    def add_to_output(self, offset: Tensor) -> None:
        """Shift every result by a constant per channel, (c,), normalised."""
        bias = self.out.get_parameter("bias")
        bias.sub_(offset)

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
