"""VideoNet adapted with a bundle: what it learns, what it is told, and that SensorNet stays what it is without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from support.scenes import scene

from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.weakening import Weakening
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_deploy.video import stage
from zsn2m_deploy.video.network import VideoNet, deviation_at
from zsn2m_deploy.video.weights import pretrained_video
from zsn2m_runtime.image import Frame, as_frame, to_nchw
from zsn2m_runtime.sample_types import Pixels


def short(iterations: int = 3, **fields: object) -> TrainConfig:
    return TrainConfig().updated({"sensor": {"schedule": {"iterations": iterations}}} | fields)


def error(trained: Trained, network: VideoNet, noisy: Pixels, clean: Pixels) -> float:
    """Mean square of what is wrong with a frame by itself, sensor units."""
    x = (torch.from_numpy(to_nchw(noisy)) - trained.offset) / trained.scale
    line = trained.networks["video"].get_buffer("line")
    with torch.no_grad():
        result = network(x, deviation_at(x, line, torch.ones(1))).numpy() * trained.scale + trained.offset
    return float(np.square(result - to_nchw(clean)).mean())


@pytest.mark.parametrize(("kind", "channels"), [("white", 3), ("sloped", 1)])
def test_it_learns_the_noise_of_a_frame(kind: str, channels: int) -> None:
    made = scene(kind, channels, side=128)
    trained = train([made.noisy], short(40))
    before = error(trained, pretrained_video(channels), made.noisy, made.clean)
    after = error(trained, trained.networks["video"], made.noisy, made.clean)  # type: ignore[arg-type]
    assert after < 0.98 * before  # pretrained, it is near already
    assert after < 0.3 * float(np.square(made.noise).mean())


def test_sensor_net_is_the_same_with_it_and_without() -> None:
    made = scene(side=64)
    with_it, without = (train([made.noisy], short(video=video)) for video in (True, False))
    assert (list(with_it.networks), list(without.networks)) == (["sensor", "video"], ["sensor"])
    states = [trained.networks["sensor"].state_dict() for trained in (with_it, without)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_network() -> None:
    made = scene(channels=1, side=64)
    states = [train([made.noisy], short(seed=seed)).networks["video"].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_without_steps_it_is_as_it_was_pretrained_and_knows_the_noise() -> None:
    made = scene("sloped", channels=1, side=96)
    trained = train([made.noisy], load_config(None, "instant"))
    network = trained.networks["video"]
    assert isinstance(network, VideoNet)
    before = pretrained_video(1).state_dict()
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())
    x = torch.linspace(0, 1, 64).view(1, 1, 8, 8)
    values = (x * trained.scale + trained.offset).numpy()
    told = (deviation_at(x, network.line, torch.ones(1)) * trained.scale).numpy()
    np.testing.assert_allclose(
        np.square(told)[0, 0], trained.noise.variance(values[0, 0, :, :, None])[..., 0], rtol=1e-3
    )


def test_each_noise_of_a_mixture_is_told_as_strong_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons: list[stage.Lesson] = []
    real = stage.Lesson.loss

    def kept(self: stage.Lesson, *arguments: Any) -> torch.Tensor:
        lessons.append(self)
        return real(self, *arguments)

    monkeypatch.setattr(stage.Lesson, "loss", kept)
    quiet, loud = (scene(channels=1, seed=seed, side=96, sigma=sigma).noisy for seed, sigma in ((1, 6.0), (2, 30.0)))
    trained = train([quiet, loud], short(4))
    assert len(trained.groups) == 2
    assert [lesson.strength for lesson in lessons] == pytest.approx([1, 5, 1, 5], rel=0.25)


def test_the_deviation_that_is_told_is_that_of_the_drawn_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios: list[torch.Tensor] = []
    real = stage.Lesson.drawn

    def kept(self: stage.Lesson) -> Any:
        noisy, clean, told = real(self)
        deviation = deviation_at(clean, self.line, told)
        ratios.append(
            (noisy - clean).square().mean(dim=(1, 2, 3)).sqrt() / deviation.square().mean(dim=(1, 2, 3)).sqrt()
        )
        return noisy, clean, told

    monkeypatch.setattr(stage.Lesson, "drawn", kept)
    monkeypatch.setattr("zsn2m_deploy.video.fused.SHIFTED", 0.0)  # interpolation leaves less
    train([scene("sloped", side=96).noisy], short(8))
    assert len(ratios) == 8
    assert float(torch.cat(ratios).log().abs().mean()) < 0.1


def drawn_for(monkeypatch: pytest.MonkeyPatch, frame: Pixels | Frame) -> tuple[torch.Tensor, torch.Tensor, Trained]:
    """The noisy and the clean crops of a step, with all of the noise, and what came of it."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    real = stage.Lesson.drawn

    def kept(self: stage.Lesson) -> Any:
        noisy, clean, told = real(self)
        found.append((noisy, clean))
        return noisy, clean, told

    monkeypatch.setattr(stage, "fused_noise", lambda count, _: (torch.ones(count), lambda noise: noise))
    monkeypatch.setattr(stage.Lesson, "drawn", kept)
    trained = train([frame], short(1))
    return *found[0], trained


def test_half_of_the_crops_are_the_frame_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene("correlated", channels=1, side=stage.SIDE)
    noisy, clean, trained = drawn_for(monkeypatch, made.noisy)
    values = np.sort((made.noisy.astype(np.float64) - trained.offset).ravel() / trained.scale)

    def far(crop: torch.Tensor) -> float:
        """Mean distance of values to the nearest one of the frame."""
        places = np.clip(np.searchsorted(values, crop.numpy().ravel()), 1, len(values) - 1)
        return float(np.minimum(*(np.abs(values[places - shift] - crop.numpy().ravel()) for shift in (0, 1))).mean())

    own = slice(-stage.TAUGHT, None)
    assert max(map(far, noisy[own])) < 1e-6 < min(map(far, noisy[: -stage.TAUGHT]))
    assert float((noisy[own] - clean[own]).square().mean()) * trained.scale**2 > 0.3 * np.square(made.noise).mean()


def test_nothing_is_learned_of_blank_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = scene(channels=1, side=stage.SIDE).noisy.astype(np.float32)
    frame[36:60, 36:60] = np.nan
    noisy, clean, _ = drawn_for(monkeypatch, as_frame(frame))
    same = (noisy[-stage.TAUGHT :] == clean[-stage.TAUGHT :]).sum(dim=(1, 2, 3))
    assert same.tolist() == pytest.approx([24 * 24] * stage.TAUGHT, rel=0.02)


def test_what_a_weakened_network_leaves_is_taken_for_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """It removes less than it learned to, and VideoNet is weakened itself, later."""
    frame = scene(channels=1, side=stage.SIDE).noisy
    removed = []
    for share in (1.0, 0.4):
        with monkeypatch.context() as patched:
            patched.setattr("zsn2m_deploy.adapt.stage.weakening", lambda *_, share=share: Weakening(share))
            noisy, clean, trained = drawn_for(patched, frame)
            removed.append(float((noisy - clean)[-stage.TAUGHT :].square().mean()) * trained.scale**2)
    assert removed[1] == pytest.approx(removed[0], rel=0.05)


@pytest.mark.slow
def test_noise_that_neighbours_share_is_learned_of_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene("correlated", channels=1, side=128)
    left = []
    for taught in (1, stage.TAUGHT):
        monkeypatch.setattr(stage, "TAUGHT", taught)
        trained = train([made.noisy], short(60))
        left.append(error(trained, trained.networks["video"], made.noisy, made.clean))  # type: ignore[arg-type]
    assert left[1] < 0.97 * left[0]


def test_what_is_replaced_before_the_network_is_replaced_for_it_too() -> None:
    made = scene(channels=1, side=96)
    frame = np.clip(made.noisy, 1, 254)
    places = np.random.default_rng(0).random(frame.shape) < 0.03
    frame[places] = np.random.default_rng(1).choice([0.0, 255.0], int(places.sum()))
    trained = train([np.rint(frame).astype(np.uint8)], short())
    assert isinstance(trained.networks["video"].impulse_correction, ImpulseCorrection)


def test_mosaics_have_none_and_that_is_said() -> None:
    planes = np.random.default_rng(0).normal(100, 10, (48, 48, 4)).astype(np.float32)
    planes[:, 24:] += 80
    trained = train([planes], short(2, mosaic="RGGB"))
    assert list(trained.networks) == ["sensor"]
    assert any("videos" in hint for hint in trained.hints)


def test_a_network_that_died_is_replaced_by_the_pretrained_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "LEARNING_RATE", 1e3)
    made = scene(channels=1, side=64)
    trained = train([made.noisy], short(2))
    assert any("VideoNet" in warning for warning in trained.warnings)
    assert torch.equal(trained.networks["video"].get_parameter("eighth.weight"), pretrained_video(1).eighth.weight)
    assert trained.networks["video"].get_buffer("line").any()
