"""Synthetic scenes, pretraining on them, and the weights that the package holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zsn2m_deploy.networks import SensorNet
from zsn2m_deploy.prior.pretraining import pretrain
from zsn2m_deploy.prior.scenes import dead_leaves, random_palette
from zsn2m_deploy.prior.weights import pretrained
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.image import to_nchw


def test_scenes_are_those_of_their_seed() -> None:
    palette = random_palette(np.random.default_rng(0))
    scenes = [dead_leaves(np.random.default_rng(seed), 48, palette) for seed in (1, 1, 2)]
    assert np.array_equal(scenes[0], scenes[1])
    assert not np.allclose(scenes[0], scenes[2])
    assert scenes[0].shape == (48, 48, 3)
    assert scenes[0].dtype == np.float32


def test_scenes_are_in_the_colours_of_the_palette_and_have_edges() -> None:
    red = np.array([[0.7, 0.1, 0.1], [0.5, 0.05, 0.05], [0.9, 0.2, 0.2]], np.float32)
    generator = np.random.default_rng(0)
    for scene in (dead_leaves(generator, 96, red) for _ in range(4)):
        assert scene[..., 0].mean() > scene[..., 1].mean() + 0.3
        assert scene.std(axis=(0, 1)).max() > 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_the_weights_of_the_package_denoise_what_they_have_never_seen(channels: int) -> None:
    network = pretrained(channels)
    noisy, clean = next(iter(sample_frames(SampleConfig(width=96, height=64, channels=channels, seed=3))))
    x = torch.from_numpy(to_nchw(noisy.pixels)) / 255
    with torch.no_grad():
        error = 255 * network(x).numpy() - to_nchw(clean.pixels)
    before = np.square(to_nchw(noisy.pixels) - to_nchw(clean.pixels)).mean()
    assert np.square(error).mean() < before / 3  # 5 dB


def test_an_offset_of_the_frame_is_an_offset_of_the_result() -> None:
    network, x = pretrained(3), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(network(x + 0.25), network(x) + 0.25, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_pretraining_goes_on_where_it_stopped_and_writes_weights_that_load(
    tmp_path: Path, channels: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zsn2m_deploy.prior import pretraining, weights

    monkeypatch.setattr(pretraining, "SCENES", 2)
    monkeypatch.setattr(pretraining, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    path, saves = tmp_path / f"sensor_{channels}.safetensors", []
    original = torch.save

    def save_once(*content: object) -> None:
        if saves:
            raise KeyboardInterrupt
        saves.append(content)
        original(*content)

    monkeypatch.setattr(torch, "save", save_once)
    with pytest.raises(KeyboardInterrupt):
        pretrain(path, channels, steps=5, seed=0, device_name="cpu")
    assert not path.exists()
    monkeypatch.setattr(torch, "save", original)
    pretrain(path, channels, steps=5, seed=0, device_name="cpu")
    assert "5/5" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name]
    with torch.no_grad():
        pairs = zip(_started(channels), weights.pretrained(channels).parameters(), strict=True)
        assert max(float((before - after).abs().max()) for before, after in pairs) > 1e-3


def _started(channels: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(SensorNet(channels).parameters())
