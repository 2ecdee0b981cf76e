"""What is exported: any NCHW network wrapped so that it takes and gives the sensor's own values, at any size."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import MOST_REACH
from zsn2m_runtime.sample_types import is_whole

_LARGEST_FIELD = 2048  # rows probed; a network that reads farther is taken for one that reads the whole frame


class SensorGraph(nn.Module):
    """Normalise -> before_padding -> pad to the stride -> network -> crop -> denormalise -> clamp to the range.

    Shape:
        forward: (n, c, h, w) float32 in sensor units, h and w from 1 up -> the same shape and units

    `before_padding` sees the frame's true border. Frames are padded at the bottom and right by mirroring, down to
    1 x 1. Integer sensors are clamped to their range; float frames may exceed it and are not.
    """

    def __init__(
        self,
        network: nn.Module,
        stride: int,
        sensor: Sensor,
        normalisation: Normalisation,
        before_padding: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.network = frozen(network)
        self.before_padding = frozen(before_padding or nn.Identity())
        if before_padding is not None:
            leave_out(self.network, network, before_padding)
        self.stride = stride
        self.offset = normalisation.offset
        self.scale = normalisation.scale
        self.inverse_scale = 1.0 / normalisation.scale
        self.clamped = is_whole(sensor.dtype)
        self.low, self.high = sensor.range

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise frames in sensor units."""
        height, width = noisy.shape[2], noisy.shape[3]
        x: Tensor = self.before_padding((noisy - self.offset) * self.inverse_scale)
        if self.stride > 1:
            x = mirrored(x, self.stride)
        return self.in_sensor_units(self.network(x)[:, :, :height, :width])

    def in_sensor_units(self, x: Tensor) -> Tensor:
        """Results of the network as the sensor gives values."""
        x = x * self.scale + self.offset
        if self.clamped:
            x = x.clamp(self.low, self.high)
        return x


def leave_out(exported: nn.Module, network: nn.Module, part: nn.Module) -> None:
    """Take out of a network's copy what it holds of another part of the graph, for the weights file: exported once."""
    for name, child in network.named_children():
        if any(child is module for module in part.modules()):
            exported.add_module(name, nn.Identity())


def frozen(network: nn.Module) -> nn.Module:
    """A copy to export: on the CPU, in float32, not trained."""
    return copy.deepcopy(network).cpu().float().eval().requires_grad_(False)


def mirrored(frame: Tensor, stride: int) -> Tensor:
    """Continue a frame at the bottom and right by its mirror image, up to multiples of the stride.

    Where the frame is shorter than what it lacks, its first row or column is repeated. Elsewhere a repeated border
    would look like structure to a network: a third more error there (docs/decisions/mirrored-padding.md).

    Shape:
        frame: (n, c, h, w), h and w from 1 up
        returns: (n, c, h, w), both multiples of stride
    """
    no_end = 2147483647  # of int32; without an upper end OpenVINO 1.24 takes every place for 0
    for axis in (2, 3):
        length = frame.shape[axis]
        missing = (stride - length % stride) % stride
        places = (length - 1 - torch.arange(missing, device=frame.device)).clamp(0, no_end)
        frame = torch.cat((frame, frame.index_select(axis, places)), dim=axis)
    return frame


@torch.no_grad()
def receptive_radius(network: nn.Module, channels: int, stride: int) -> int:
    """How many rows above and below a result of the network depends on, found by probing it.

    A NaN at one pixel spreads to exactly the results that read it. Every phase of the stride is probed. A network
    that reads farther than 1,024 rows gets MOST_REACH, with which no frame is cut in strips.

    Shape:
        network: (1, channels, h, w) -> the same, h and w multiples of stride
    """
    # In float64, which has no fast convolutions (Winograd, FFT) that would spread a NaN over a tile.
    network = copy.deepcopy(network).cpu().double().eval()
    length = 8 * stride
    while length <= _LARGEST_FIELD:
        most = length // 2 - stride
        radius = _spread(network, channels, stride, length, most)
        if radius < most:
            return radius
        length *= 2
    return MOST_REACH


def _spread(network: nn.Module, channels: int, stride: int, length: int, most: int) -> int:
    """Largest number of rows from a NaN to a result that it reached; from `most` on the frame is too short to tell."""
    largest = 0
    for phase in range(stride):
        frame = torch.zeros((1, channels, length, stride), dtype=torch.float64)
        position = length // 2 + phase
        frame[:, :, position].fill_(float("nan"))
        reached = network(frame).isnan()[0].any(dim=0).any(dim=1).nonzero()
        largest = max(largest, int((reached - position).abs().max()))
        if largest >= most:
            break
    return largest
