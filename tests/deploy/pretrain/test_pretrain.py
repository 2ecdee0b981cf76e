"""Synthetic scenes, pretraining on them, and the weights that the package holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from zsn2m_deploy.pretrain import pairs
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.noise import RandomNoise
from zsn2m_deploy.pretrain.run import pretrain
from zsn2m_deploy.pretrain.scenes import dead_leaves, random_palette
from zsn2m_deploy.pretrain.weights import pretrained, pretrained_for
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.errors import UsageError
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


def test_pairs_have_the_noise_of_their_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    filters = np.zeros((3, 3, 5, 5))
    filters[range(3), range(3), 2, 2:4] = 0.5**0.5  # smeared along rows
    filters[0, 0], filters[0, 1] = 0, filters[1, 1]  # the first channel's is the second's
    faint, strong = (RandomNoise(np.full(3, level), np.full(3, level), filters, False) for level in (1e-4, 1e-2))
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "random_noise", lambda generator, _: (faint, strong)[generator.integers(2)])
    monkeypatch.setattr(pairs, "CLIPPED", 0.0)
    noisy, clean = pairs.PairSource(3, seed=0, crops=24, side=96, workers=0, device=torch.device("cpu"))()
    assert noisy.shape == clean.shape == (24, 3, 96, 96)
    assert 0 <= float(clean.min()) < float(clean.max()) <= 1
    shape = (noisy - clean) / (clean + 1).sqrt()
    levels = shape.square().mean(dim=(1, 2, 3))
    assert {float(f"{level:.0e}") for level in levels} == {1e-4, 1e-2}
    unit = shape / levels.sqrt()[:, None, None, None]
    assert torch.allclose(unit[:, 0], unit[:, 1], atol=1e-4)
    assert float((unit[:, 1] * unit[:, 2]).mean()) == pytest.approx(0, abs=0.02)
    assert float((unit[..., 1:] * unit[..., :-1]).mean()) == pytest.approx(0.5, abs=0.03)
    assert float((unit[..., 1:, :] * unit[..., :-1, :]).mean()) == pytest.approx(0, abs=0.02)


def test_scenes_are_replaced_and_half_of_the_crops_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "SCENES", 16)
    monkeypatch.setattr(pairs, "CROPS_PER_SCENE", 1)
    monkeypatch.setattr("zsn2m_deploy.pretrain.scenes.dead_leaves", _flat_scenes())
    source = pairs.PairSource(1, seed=0, crops=8, side=32, workers=0, device=torch.device("cpu"))
    seen, clipped = [], 0
    for _ in range(4):
        noisy, clean = source()
        seen.append({round(float(value), 2) for value in clean.mean(dim=(1, 2, 3))})
        clipped += sum(bool(crop.min() >= 0 and crop.max() <= 1) for crop in noisy)
    assert max(seen[0]) <= 0.16
    assert min(seen[3]) > 0.24  # the first 24 of 40 are gone
    assert 8 <= clipped < 32


def test_processes_draw_different_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "FIRST_SCENES", 16)
    source = pairs.PairSource(1, seed=0, crops=32, side=64, workers=2, device=torch.device("cpu"))
    _, clean = source()
    assert len({float(value) for value in clean.mean(dim=(1, 2, 3))}) > 24


def _flat_scenes() -> Callable[..., np.ndarray]:
    """Scenes of 0.01, 0.02 and so on."""
    values = itertools.count(1)
    return lambda _, side, __: np.full((side, side, 3), next(values) / 100, np.float32)


def test_noise_of_photons_in_pairs_is_skewed_as_their_gain_says(monkeypatch: pytest.MonkeyPatch) -> None:
    gain = 0.05
    photons = RandomNoise(
        np.full(1, gain), np.full(1, 1e-4), np.pad(np.ones((1, 1, 1, 1)), [(0, 0)] * 2 + [(2, 2)] * 2), True
    )
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "random_noise", lambda *_: photons)
    monkeypatch.setattr(pairs, "CLIPPED", 0.0)
    noisy, clean = pairs.PairSource(1, seed=0, crops=64, side=96, workers=0, device=torch.device("cpu"))()
    bright = (clean > 0.4) & (clean < 0.6)
    noise = (noisy - clean)[bright].double()
    assert float(noise.pow(3).mean() / noise.pow(2).mean() ** 1.5) == pytest.approx((gain / 0.5) ** 0.5, rel=0.15)


def test_the_network_of_planes_begins_as_the_one_for_colour() -> None:
    colour, x = pretrained(3), torch.rand(2, 3, 32, 40)
    of_planes = [0, 1, 1, 2]
    with torch.no_grad():
        result = SensorNet.of_planes(colour)(x[:, of_planes])
        torch.testing.assert_close(result, colour(x)[:, of_planes], rtol=0, atol=1e-5)


def test_frames_of_equal_channels_have_the_grey_network() -> None:
    grey = torch.rand(1, 1, 32, 40)
    stored = grey.repeat(1, 3, 1, 1)
    with torch.no_grad():
        result = pretrained_for([stored[0]])(stored)
        torch.testing.assert_close(result, pretrained(1)(grey).repeat(1, 3, 1, 1), rtol=0, atol=1e-5)
        coloured = stored.clone()
        coloured[0, 0, 3, 4] += 0.01
        torch.testing.assert_close(pretrained_for([stored[0], coloured[0]])(stored), pretrained(3)(stored))


def test_pairs_of_planes_are_cells_of_one_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = RandomNoise(np.zeros(4), np.full(4, 1e-12), np.zeros((4, 4, 5, 5)), True)
    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pairs, "random_noise", lambda *_: silent)
    ramp = np.repeat(np.repeat(np.linspace(0, 1, 192, dtype=np.float32)[None, :, None], 192, axis=0), 3, axis=2)
    monkeypatch.setattr("zsn2m_deploy.pretrain.scenes.dead_leaves", lambda *_: ramp)
    monkeypatch.setattr(pairs, "LINEAR", 0.0)
    monkeypatch.setattr(pairs, "FILTERED", 0.0)
    noisy, clean = pairs.PairSource(4, seed=0, crops=16, side=48, workers=0, device=torch.device("cpu"))()
    assert noisy.shape == clean.shape == (16, 4, 48, 48)
    step = (clean[..., 1:] - clean[..., :-1]).abs().amax(dim=(1, 2, 3))
    along = step > 1e-3  # the ramp was not turned by 90 degrees
    apart = (clean[:, 1] - clean[:, 0]).abs().mean(dim=(1, 2))
    assert torch.allclose(apart[along], step[along] / 2, atol=2e-3)  # the next pixel is half a cell further
    assert float(apart[~along].max()) < 1e-3


@pytest.mark.parametrize("channels", [1, 3])
def test_pretraining_goes_on_where_it_stopped_and_writes_weights_that_load(
    tmp_path: Path, channels: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zsn2m_deploy.pretrain import checkpointed, weights
    from zsn2m_deploy.pretrain import run as pretraining

    monkeypatch.setattr(pairs, "FIRST_SCENES", 8)
    monkeypatch.setattr(pretraining, "CROP_SIDE", 32)
    monkeypatch.setattr(checkpointed, "CHECKPOINT_EVERY", 2)
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
    assert "2/5" in capsys.readouterr().out
    with pytest.raises(UsageError, match=r"'steps': 6.*'steps': 5"):
        pretrain(path, channels, steps=6, crops=2, seed=0, device_name="cpu", workers=0)
    monkeypatch.setattr(torch, "save", original)
    pretrain(path, channels, steps=5, crops=2, seed=0, device_name="cpu", workers=0)
    printed = capsys.readouterr().out
    assert "5/5" in printed
    assert "2/5" not in printed
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name]
    with torch.no_grad():
        changed = zip(_started(channels), weights.pretrained(channels).parameters(), strict=True)
        assert max(float((before - after).abs().max()) for before, after in changed) > 1e-3


def _started(channels: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(SensorNet(channels).parameters())
