"""The networks: sizes that the paper prints, and MBD-Net against the oracle's loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support import reference

from zsn2m_deploy.config.networks import GrdConfig, MbdConfig
from zsn2m_deploy.paper.networks import GrdNet, MbdNet


def parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_mbd_has_the_papers_parameters() -> None:
    assert parameter_count(MbdNet(3, MbdConfig())) == 22_275  # "22K", Table 3


def test_grd_has_about_the_papers_parameters() -> None:
    assert 2.65e6 < parameter_count(GrdNet(3, GrdConfig())) < 2.75e6  # "2.7M", Table 3


@pytest.mark.parametrize("channels", [1, 3])
def test_mbd_is_the_oracles(channels: int) -> None:
    network = MbdNet(channels, MbdConfig(level_blind=False)).double()
    noisy = torch.rand(1, channels, 5, 7, dtype=torch.float64)
    layers = [network.layers[index] for index in (0, 2, 4)]
    weights = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in layers]
    expected = reference.mbd_forward(noisy[0].numpy(), weights, slope=0.2)
    np.testing.assert_allclose(network(noisy)[0].detach().numpy(), expected, atol=1e-12)


def test_mbd_can_predict_the_frame() -> None:
    network = MbdNet(1, MbdConfig(residual=False))
    noisy = torch.rand(1, 1, 6, 6)
    torch.testing.assert_close(network(noisy), network.layers(noisy))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_grd_keeps_the_shape(channels: int, height: int, width: int) -> None:
    network = GrdNet(channels, GrdConfig(widths=(4, 6, 8, 8)))
    assert network.stride == 8
    assert network(torch.rand(2, channels, height, width)).shape == (2, channels, height, width)


def test_every_weight_of_grd_is_used() -> None:
    network = GrdNet(3, GrdConfig(widths=(4, 6, 8)))
    network(torch.rand(1, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_level_blind_network_passes_offsets_through(channels: int) -> None:
    mbd = MbdNet(channels, MbdConfig())
    grd = GrdNet(channels, GrdConfig(widths=(4, 6, 8)), mbd)
    torch.nn.init.normal_(grd.out.weight)
    noisy = torch.rand(1, channels, 16, 16)
    offset = torch.tensor([0.5, -0.25, 2.0])[:channels].view(1, channels, 1, 1)
    for network in (mbd, grd):
        torch.testing.assert_close(network(noisy + offset), network(noisy) + offset, atol=1e-5, rtol=0)
    seeing = MbdNet(channels, MbdConfig(level_blind=False))
    assert not torch.allclose(seeing(noisy + offset), seeing(noisy) + offset, atol=1e-2)


def test_grd_starts_as_its_teacher() -> None:
    mbd = MbdNet(3, MbdConfig())
    noisy = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(GrdNet(3, GrdConfig(), mbd)(noisy), mbd(noisy))
