"""Networks where some channels have much more noise than others: what has none is hardly changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.scenes import scene
from support.trainings import INSTANT

from zsn2m_deploy.noise.defects import find_defects
from zsn2m_deploy.pretrain import confirm
from zsn2m_deploy.pretrain.network import CorrectingNetwork, SensorNet
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_deploy.video.network import VideoNet
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.sample_types import Pixels

SIDE, SIGMA, RED = 192, 15.0, 0
CLEAN = scene(channels=3, side=SIDE, seed=1000).clean


def noisy(*sigmas: float) -> Pixels:
    noise = np.random.default_rng(1000).standard_normal((SIDE, SIDE, 3)) * sigmas
    return np.asarray((CLEAN + noise).round().clip(0, 255), np.uint8)


def removed_by(trained: Trained, network: torch.nn.Module, frame: Pixels, *told: torch.Tensor) -> np.ndarray:
    """Deviation of what goes, of each channel, sensor units."""
    planes = torch.from_numpy((frame.transpose(2, 0, 1)[None] - trained.offset) / trained.scale).float()
    with torch.no_grad():
        gone = trained.scale * (planes - network(planes, *told))
    return np.asarray(gone.std(dim=(0, 2, 3)))


def test_a_channel_without_noise_stays_nearly_as_it_is() -> None:
    """The network takes texture of green and blue for noise where red is noisy."""
    frame = noisy(SIGMA, 0, 0)
    trained = train([frame], INSTANT.updated({"video": True}))
    red, *others = removed_by(trained, trained.networks["sensor"], frame)
    assert red == pytest.approx(SIGMA, rel=0.2)
    assert others == pytest.approx([0, 0], abs=SIGMA / 12)
    told = torch.full((1, 1, SIDE, SIDE), SIGMA / 2 / trained.scale)
    red, *others = removed_by(trained, trained.networks["video"], frame, told)
    assert others == pytest.approx([0, 0], abs=SIGMA / 12)
    assert red > SIGMA / 2
    assert any("in red alone" in hint for hint in trained.hints)


def test_grey_texture_beside_noise_of_one_channel_is_no_grain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grain is what channels share; the texture of kodim13 passed for it, which cost 3.9 dB."""
    monkeypatch.setattr(confirm, "has_grain", lambda *_: True)
    (group,) = train([noisy(SIGMA, 0, 0)], INSTANT).groups
    assert group.grain is None
    assert group.noise.apart is not None


def test_channels_of_even_noise_are_all_denoised() -> None:
    frame = noisy(SIGMA, SIGMA, SIGMA)
    trained = train([frame], INSTANT)
    assert removed_by(trained, trained.networks["sensor"], frame) == pytest.approx(SIGMA, rel=0.2)
    assert not any("alone" in hint for hint in trained.hints)


def test_detail_of_a_channel_without_noise_is_no_defect() -> None:
    """Single dark and light pixels of a picture stand far out of hardly any noise."""
    frame = noisy(SIGMA, 0, 0).astype(np.float64)
    dots = np.random.default_rng(1).random((SIDE, SIDE)) < 1e-3
    frame[dots] += (0, SIGMA, SIGMA)
    pixels = frame.clip(0, 255).astype(np.uint8)
    model = estimate_noise([pixels])
    assert model.apart is not None
    assert find_defects([pixels], model) is None


@pytest.mark.parametrize("network", [SensorNet(3), VideoNet(3)], ids=["stills", "videos"])
def test_each_channel_is_weakened_by_its_own_share(network: CorrectingNetwork) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    frame = torch.rand(1, 3, 32, 32, generator=generator)
    told = () if isinstance(network, SensorNet) else (torch.full((1, 1, 32, 32), 0.1),)
    with torch.no_grad():
        before = frame - network(frame, *told)
        network.weaken((1.0, 0.5, 0.0))
        after = frame - network(frame, *told)
    shares = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(after, shares * before, rtol=1e-4, atol=1e-6)
