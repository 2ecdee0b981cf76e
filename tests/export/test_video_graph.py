"""VideoGraph: what it computes around its network, without files."""

from __future__ import annotations

import pytest
import torch
from support.bundles import untrained_video
from torch import Tensor, nn

from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_export.graph import receptive_radius
from zsn2m_export.video_graph import Reach, VideoGraph
from zsn2m_runtime.manifest import Normalisation, Sensor

SENSOR = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=20.0)
NORMALISATION = Normalisation(offset=10.0, scale=200.0)


class Seen(nn.Module):
    """A network that gives one of its inputs."""

    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def forward(self, noisy: Tensor, previous: Tensor, deviation: Tensor) -> Tensor:
        return (noisy, previous, deviation)[self.which]


class Root(nn.Module):
    """A deviation of strength times the root of the level."""

    def forward(self, previous: Tensor, strength: Tensor) -> Tensor:
        return strength * previous.abs().sqrt()


class Raised(nn.Module):
    """A correction that adds 1, normalised."""

    def forward(self, noisy: Tensor) -> Tensor:
        return noisy + 1


def frames(size: tuple[int, int] = (5, 7)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    noisy, previous = (torch.rand(2, 1, *size, generator=generator) * 200 + 10 for _ in range(2))
    return noisy, previous


def seen(which: int, before_padding: nn.Module | None = None) -> VideoGraph:
    return VideoGraph(Seen(which), 4, SENSOR, NORMALISATION, Root(), before_padding)


def test_the_network_sees_the_frame_the_result_and_the_deviation_that_belongs_to_the_result() -> None:
    noisy, previous = frames()
    torch.testing.assert_close(seen(0)(noisy, previous), noisy)
    torch.testing.assert_close(seen(1)(noisy, previous), previous)
    expected = ((previous - 10) / 200).sqrt() * 200 + 10
    torch.testing.assert_close(seen(2)(noisy, previous), expected)
    torch.testing.assert_close(seen(2)(noisy, previous, torch.tensor([3.0])), 3 * (expected - 10) + 10)


def test_without_a_result_before_it_is_the_frame() -> None:
    noisy, _ = frames()
    for which in range(3):
        torch.testing.assert_close(seen(which)(noisy), seen(which)(noisy, noisy, torch.ones(1)), rtol=0, atol=0)


def test_corrections_are_for_the_frame_and_for_what_is_bit_for_bit_the_frame() -> None:
    noisy, previous = frames()
    previous[:, :, 2:] = noisy[:, :, 2:]
    torch.testing.assert_close(seen(0, Raised())(noisy, previous), noisy + 200)
    expected = torch.cat((previous[:, :, :2], noisy[:, :, 2:] + 200), dim=2)
    torch.testing.assert_close(seen(1, Raised())(noisy, previous), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_reach_of_both_frames_is_found(channels: int) -> None:
    network = untrained_video(channels)
    radius = receptive_radius(Reach(network, network.deviation, None), channels, 8)
    alone = receptive_radius(Reach(Seen(0), Root(), None), channels, 8)
    assert (radius, alone) == (29, 0)
    assert receptive_radius(Reach(Seen(1), Root(), None), channels, 8) == 0


def test_parts_that_are_run_apart_are_not_held_twice() -> None:
    network = untrained_video(1)
    network.impulse_correction = ImpulseCorrection(1)
    graph = VideoGraph(network, 8, SENSOR, NORMALISATION, network.deviation, network.before_padding())
    names = [name for name, _ in graph.named_buffers()]
    assert all(name.startswith(("deviation.", "before_padding.0.")) for name in names)
    assert "deviation.slope" in names
    assert isinstance(network.impulse_correction, ImpulseCorrection)  # the one to train stays whole
