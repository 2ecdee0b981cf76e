"""Pretraining VideoNet: its loss, checkpoints, the weights that come out, and those that the package holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zsn2m_deploy.video import pretrain as pretraining
from zsn2m_deploy.video import sequences, weights
from zsn2m_deploy.video.loss import chunk_loss
from zsn2m_deploy.video.network import VideoNet
from zsn2m_deploy.video.pretrain import pretrain
from zsn2m_deploy.video.sequences import CHUNK, SequenceSource


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCENES", "CLIPS"):
        monkeypatch.setattr(sequences, name, 4)
    monkeypatch.setattr(pretraining, "SIDE", 32)


@pytest.mark.usefixtures("few")
def test_a_step_learns_from_every_frame_and_carries_its_results_on() -> None:
    chunk = SequenceSource(1, seed=0, sequences=4, side=32)()
    seen: list[Tensor] = []

    def keep(noisy: Tensor, previous: Tensor, deviation: Tensor) -> Tensor:
        seen.append(previous)
        return noisy + 0 * deviation

    loss, state = chunk_loss(keep, chunk, torch.full((4, 1, 32, 32), 7.0), first=3.0)
    assert len(seen) == CHUNK
    assert torch.equal(seen[0][:2], chunk.noisy[0][:2])  # those that begin
    torch.testing.assert_close(seen[0][2:], torch.full((2, 1, 32, 32), 7.0))  # those that go on
    assert torch.equal(state, chunk.noisy[-1])
    power = (chunk.noisy - chunk.clean).square().mean(dim=(2, 3, 4)) ** 0.35
    weight = torch.ones(CHUNK, 4)
    weight[0, :2] = 3.0
    torch.testing.assert_close(loss, (power * weight).sum() / weight.sum())


@pytest.mark.usefixtures("few")
def test_pretraining_writes_weights_that_load_and_grey_begins_with_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(pretraining, "LATER_RATE", 1e-4)
    begin = None
    for channels in (3, 1):
        path = tmp_path / f"video_{channels}.safetensors"
        pretrain(path, channels, steps=2, sequences=2, seed=0, begin=begin)
        begin = path
        assert "2/2" in capsys.readouterr().out
    colour, grey = (weights.pretrained_video(channels) for channels in (3, 1))
    apart = (colour.eighth.weight - grey.eighth.weight).detach().abs().mean()
    assert float(apart) < 2e-3  # of networks that are drawn independently 0.03
    assert sorted(file.name for file in tmp_path.iterdir()) == ["video_1.safetensors", "video_3.safetensors"]


def test_a_network_of_grey_gives_what_the_one_for_colour_gives_on_grey_frames() -> None:
    torch.manual_seed(0)
    colour = VideoNet(3)
    noisy, previous, deviation = torch.rand(3, 2, 1, 32, 48)
    with torch.no_grad():
        expected = colour(noisy.expand(-1, 3, -1, -1), previous.expand(-1, 3, -1, -1), deviation)
        found = VideoNet.of_grey(colour)(noisy, previous, deviation)
    torch.testing.assert_close(found, expected.mean(dim=1, keepdim=True), rtol=0, atol=1e-5)
