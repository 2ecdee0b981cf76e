"""Synthetic scenes, pretraining on them, and the weights that the package holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from zsn2m_deploy.networks import SensorNet
from zsn2m_deploy.prior import pairs
from zsn2m_deploy.prior.noise import RandomSensor
from zsn2m_deploy.prior.pretraining import pretrain
from zsn2m_deploy.prior.scenes import dead_leaves, random_palette
from zsn2m_deploy.prior.weights import pretrained
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise_model import REACH


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


def test_pairs_have_the_noise_of_the_sensors_that_came_with_the_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "random_sensor", _a_sensor)
    monkeypatch.setattr(pairs, "CLIPPED", 0.0)
    source = pairs.PairSource(3, seed=0, crops=12, side=96, workers=0, device=torch.device("cpu"))
    noisy, clean = source()
    assert noisy.shape == clean.shape == (12, 3, 96, 96)
    assert 0 <= float(clean.min()) < float(clean.max()) <= 1
    unit = (noisy - clean) / (0.02 * clean + 0.01).sqrt()
    assert float(unit.mean()) == pytest.approx(0, abs=0.01)
    assert unit.std(dim=(0, 2, 3)).numpy() == pytest.approx(np.ones(3), rel=0.03)
    beside = (unit[..., 1:] * unit[..., :-1]).mean(dim=(0, 2, 3))
    model = _a_sensor(np.random.default_rng(0), 3).model()
    assert beside.numpy() == pytest.approx(model.correlation[(0, 1, 2), (0, 1, 2), REACH, REACH + 1], abs=0.03)
    assert not torch.equal(source()[1], clean)


def test_noise_of_photons_in_pairs_is_skewed_as_their_gain_says(monkeypatch: pytest.MonkeyPatch) -> None:
    gain = 0.05
    photons = RandomSensor(
        np.full(1, gain), np.full(1, 1e-4), np.pad(np.ones((1, 1, 1, 1)), [(0, 0)] * 2 + [(2, 2)] * 2), True
    )
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "random_sensor", lambda *_: photons)
    monkeypatch.setattr(pairs, "CLIPPED", 0.0)
    noisy, clean = pairs.PairSource(1, seed=0, crops=64, side=96, workers=0, device=torch.device("cpu"))()
    bright = (clean > 0.4) & (clean < 0.6)
    noise = (noisy - clean)[bright].double()
    assert float(noise.pow(3).mean() / noise.pow(2).mean() ** 1.5) == pytest.approx((gain / 0.5) ** 0.5, rel=0.15)


def _a_sensor(generator: np.random.Generator, channels: int) -> RandomSensor:
    """Noise that is smeared along rows, alike for all scenes."""
    filters = np.zeros((channels, channels, 5, 5))
    filters[range(channels), range(channels), 2, 2:4] = 0.5**0.5
    return RandomSensor(np.full(channels, 0.02), np.full(channels, 0.01), filters, False)


@pytest.mark.parametrize("channels", [1, 3])
def test_pretraining_goes_on_where_it_stopped_and_writes_weights_that_load(
    tmp_path: Path, channels: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zsn2m_deploy.prior import pretraining, weights

    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pretraining, "CROP_SIDE", 32)
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
        pretrain(path, channels, steps=5, crops=2, seed=0, device_name="cpu", workers=0)
    assert not path.exists()
    monkeypatch.setattr(torch, "save", original)
    pretrain(path, channels, steps=5, crops=2, seed=0, device_name="cpu", workers=0)
    assert "5/5" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name]
    with torch.no_grad():
        changed = zip(_started(channels), weights.pretrained(channels).parameters(), strict=True)
        assert max(float((before - after).abs().max()) for before, after in changed) > 1e-3


def _started(channels: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(SensorNet(channels).parameters())
