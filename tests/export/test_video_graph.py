"""VideoGraph: what it computes around its network, without files."""

from __future__ import annotations

import pytest
import torch
from support.bundles import untrained_video
from torch import Tensor, nn

from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.video.network import deviation_at
from zsn2m_export.graph import receptive_radius
from zsn2m_export.video_graph import VideoGraph
from zsn2m_runtime.manifest import Normalisation, Sensor

SENSOR = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=20.0)
LINE = torch.tensor([0.01, 0.002, 0.0025])  # slope, floor and least of the variance, normalised


class Seen(nn.Module):
    """A network that gives one of its inputs."""

    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def forward(self, noisy: Tensor, deviation: Tensor) -> Tensor:
        return (noisy, deviation)[self.which]


class Raised(nn.Module):
    """A correction that adds 1, normalised."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy + 1


def frames(size: tuple[int, int] = (5, 7), channels: int = 1) -> Tensor:
    return torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(0)) * 200 + 10


def seen(which: int, offset: float = 10.0, before_padding: nn.Module | None = None) -> VideoGraph:
    return VideoGraph(Seen(which), 4, SENSOR, Normalisation(offset=offset, scale=200.0), LINE, before_padding)


@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_the_network_sees_the_frame_and_the_deviation_that_belongs_to_its_brightness(offset: float) -> None:
    noisy = frames()
    torch.testing.assert_close(seen(0, offset)(noisy), noisy)
    expected = 200 * (0.01 * (noisy - offset) / 200 + 0.002).clamp_min(0.0025).sqrt()
    torch.testing.assert_close(seen(1, offset)(noisy), expected + offset)
    torch.testing.assert_close(seen(1, offset)(noisy, torch.tensor([3.0])), 3 * expected + offset)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 255.0), (1000.0, 2e4), (0.0, 1e-20), (-5.0, 1e30)])
def test_in_sensor_units_it_gives_what_the_network_gives_on_normalised_frames(offset: float, scale: float) -> None:
    network = untrained_video(3).requires_grad_(False)
    x, strength = torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(1)), torch.full((1, 1, 1, 1), 0.5)
    sensor = Sensor(dtype="float32", channels=3, range=(offset, offset + scale), noise_sigma=0.0)
    graph = VideoGraph(network, 8, sensor, Normalisation(offset=offset, scale=scale), network.line)
    found = (graph(x * scale + offset, strength) - offset) / scale
    torch.testing.assert_close(found, network(x, deviation_at(x, network.line, strength)), rtol=0, atol=2e-6)


def test_corrections_are_of_normalised_frames() -> None:
    torch.testing.assert_close(seen(0, before_padding=Raised())(frames()), frames() + 200)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_reach_of_the_graph_is_that_of_its_network(channels: int) -> None:
    network = untrained_video(channels)
    sensor = SENSOR.model_copy(update={"channels": channels})
    graph = VideoGraph(network, 8, sensor, Normalisation(offset=10.0, scale=200.0), network.line)
    assert receptive_radius(graph, channels, 8) == 29
    assert receptive_radius(seen(0), 1, 4) == receptive_radius(seen(1), 1, 4) == 0


def test_parts_that_are_run_apart_are_not_held_twice() -> None:
    network = untrained_video(1)
    network.impulse_correction = ImpulseCorrection(1)
    graph = VideoGraph(network, 8, SENSOR, Normalisation(offset=0.0, scale=1.0), network.line, network.before_padding())
    names = [name for name, _ in graph.named_buffers()]
    assert any(name.startswith("before_padding.0.") for name in names)
    assert not any("network.impulse_correction" in name for name in names)
    assert isinstance(network.impulse_correction, ImpulseCorrection)  # the one to train stays whole
