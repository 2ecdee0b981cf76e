"""The default: recorrupted pairs, synthetic scenes, and what comes of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from support.random_noise import random_noise_model
from support.trainings import STILLS

from zsn2m_deploy.adapt import stage
from zsn2m_deploy.adapt.loss import pairs_are_independent, sensor_loss
from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.noise.fields import FIELD_SIDE, NoiseFields
from zsn2m_deploy.noise.guesses import FirstGuess
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_deploy.training import Trained, train
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel
from zsn2m_runtime.sample_types import Pixels

CPU = torch.device("cpu")
WHITE = NoiseModel.white(np.zeros(3), np.full(3, 0.01))


def fields(model: NoiseModel, stronger: float = 1.0) -> NoiseFields:
    return NoiseFields(model, stronger, 0, CPU, torch.Generator().manual_seed(0))


def short(iterations: int = 20, **values: Any) -> TrainConfig:
    schedule = {"iterations": iterations, "crop_side": 64}
    return TrainConfig(precision="fp32", video=False).updated({"sensor": {"schedule": schedule, "scenes": 4}} | values)


def sample(**values: Any) -> tuple[Pixels, Pixels]:
    noisy, clean = next(iter(sample_frames(SampleConfig(width=96, height=80, **values))))
    return noisy.pixels, clean.pixels


def psnr(trained: Trained, noisy: Pixels, clean: Pixels) -> tuple[float, float]:
    """Of the noisy frame and of the denoised one."""
    with torch.no_grad():
        x = (torch.from_numpy(to_nchw(noisy)) - trained.offset) / trained.scale
        denoised = (trained.networks["sensor"](x) * trained.scale + trained.offset).numpy()
    errors = [np.square(to_nchw(pixels) - to_nchw(clean)).mean() for pixels in (noisy, from_tensor(denoised))]
    return 10 * np.log10(255**2 / errors[0]), 10 * np.log10(255**2 / errors[1])


def from_tensor(frame: np.ndarray) -> Pixels:
    return frame[0].transpose(1, 2, 0) if frame.shape[1] == 3 else frame[0, 0]


def test_noise_of_fields_is_as_the_model_says() -> None:
    generator = np.random.default_rng(1)
    for model in (random_noise_model(generator, 3) for _ in range(3)):
        clean = torch.full((8, 3, FIELD_SIDE, FIELD_SIDE), 0.5)
        drawn = fields(model, stronger=2.0).draw(clean)
        expected = 2 * np.sqrt(model.variance(np.full(3, 0.5)))
        assert drawn.std(dim=(0, 2, 3)).numpy() == pytest.approx(expected, rel=0.06)
        beside = (drawn[..., 1:] * drawn[..., :-1]).mean() / drawn.square().mean()
        assert float(beside) == pytest.approx(model.neighbours[0], abs=0.1)


@pytest.mark.parametrize("skew", [-0.9, -0.3, 0.0, 0.8])
def test_noise_below_a_tone_curve_keeps_its_median(skew: float) -> None:
    model = replace(WHITE, skew=np.full(3, skew))
    drawn = fields(model).corrupt(torch.zeros(8, 3, FIELD_SIDE, FIELD_SIDE)).numpy()
    assert drawn.std() == pytest.approx(0.1, rel=0.03)
    assert np.median(drawn) == pytest.approx(0, abs=2e-3)
    found = np.mean((drawn - drawn.mean()) ** 3) / drawn.std() ** 3
    assert found == pytest.approx(min(skew, 0), abs=0.06)  # positive skewness is that of photons, whose mean is right


def test_noise_of_photons_is_skewed_as_their_gain_says() -> None:
    gain, clean = 0.02, 0.3
    slope = NoiseModel.white(np.full(3, gain), np.full(3, 1e-3))
    variance = gain * clean + 1e-3
    frame = torch.full((8, 3, FIELD_SIDE, FIELD_SIDE), clean)
    for model, expected in ((replace(slope, skew=np.full(3, 0.4)), gain / np.sqrt(variance)), (slope, 0.0)):
        drawn = (fields(model).corrupt(frame) - frame).numpy()
        assert drawn.mean() == pytest.approx(0, abs=1e-3)
        assert drawn.std() == pytest.approx(np.sqrt(variance), rel=0.03)
        assert np.mean((drawn - drawn.mean()) ** 3) / drawn.std() ** 3 == pytest.approx(expected, abs=0.03)
    shared = slope.correlation.copy()
    shared[..., REACH, REACH + 1] = shared[..., REACH, REACH - 1] = 0.4 * np.eye(3)
    assert replace(slope, skew=np.full(3, 0.4), correlation=shared).photon_gain.tolist() == [0.0, 0.0, 0.0]


def test_no_two_draws_are_alike() -> None:
    noise, clean = fields(WHITE), torch.zeros(2, 3, 32, 32)
    first, second = noise.draw(clean), noise.draw(clean)
    assert abs(float((first * second).mean())) < 0.1 * float(first.square().mean())
    assert abs(float((first[0] * first[1]).mean())) < 0.1 * float(first.square().mean())


def test_the_noises_of_a_recorrupted_pair_share_nothing() -> None:
    noise, clean = fields(WHITE), torch.rand(1, 3, 192, 192)
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    seen: list[torch.Tensor] = []

    def identity(frame: torch.Tensor) -> torch.Tensor:
        seen.append(frame)
        return frame

    config = SensorConfig(weight_synthetic=0.0)
    loss = sensor_loss(identity, noisy, clean, lambda _: clean, noise, config)
    z = (seen[0] - noisy) / config.recorruption
    other = noisy - z / config.recorruption
    assert float(((seen[0] - clean) * (other - clean)).mean()) == pytest.approx(0, abs=5e-4)
    assert float(loss) == pytest.approx(float((seen[0] - other).square().mean()))


@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_pairs_of_clipped_noise_share_nothing_either(slope: float) -> None:
    """As strong as clipping leaves the frame's noise, at each brightness."""
    model = replace(NoiseModel.white(np.full(3, slope), np.full(3, 0.02)), ends=(0.0, 1.0))
    clean = torch.linspace(0, 1, 16).view(1, 1, 1, 16).expand(1, 3, 192, 16)
    deviation = (slope * clean + 0.02).sqrt()
    drawn = clean + deviation * torch.randn(300, 3, 192, 16, generator=torch.Generator().manual_seed(1))
    left = drawn.clamp(0, 1).var(dim=(0, 2))
    units = fields(model)
    found = torch.cat([units.draw(clean) for _ in range(100)]).square().mean(dim=(0, 2))
    assert torch.allclose(found, left, rtol=0.12)
    assert (left[:, [0, -1]] < 0.5 * left[:, [8]]).all()


@pytest.mark.parametrize(
    ("noise", "level", "expected"),
    [
        (WHITE, 0.5, True),
        (replace(WHITE, skew=np.full(3, 0.8)), 0.5, False),
        (replace(WHITE, skew=np.full(3, -0.8)), 0.5, False),
        (replace(NoiseModel.white(np.full(3, 0.1), np.zeros(3)), skew=np.full(3, 0.4)), 0.8, True),  # 8 photons
        (replace(NoiseModel.white(np.full(3, 0.1), np.zeros(3)), skew=np.full(3, 0.4)), 0.1, False),  # one
        (replace(NoiseModel.white(np.full(3, 0.1), np.zeros(3)), skew=np.zeros(3)), 0.1, True),  # of something else
    ],
)
def test_pairs_are_for_symmetric_noise(noise: NoiseModel, level: float, expected: bool) -> None:
    clean = torch.full((1, 3, 16, 16), level)
    clean[:, 2] = 0.01  # a channel at black all over
    noisy = clean.clone()
    noisy[:, 2] = 0.0
    black = replace(noise, ends=(0.0, np.inf))
    assert pairs_are_independent(black, [FirstGuess(noisy, clean)]) is expected
    assert not pairs_are_independent(black, [FirstGuess(torch.zeros_like(clean), clean)])


def test_a_black_border_does_not_switch_pairs_off() -> None:
    generator = np.random.default_rng(0)
    frame = generator.poisson(np.linspace(15, 35, 128)[:, None] * np.ones(128)).astype(np.float32)
    frame[:, :48] = 0
    assert train([frame], short(2)).config.sensor.weight_recorrupted > 0


def test_a_configuration_says_that_pairs_were_left_out() -> None:
    noisy, _ = sample(channels=1)
    counted = np.random.default_rng(0).poisson(noisy / noisy.max()).astype(np.float32)  # one photon at most
    assert train([counted], short()).config.sensor.weight_recorrupted == 0
    assert train([noisy], short()).config.sensor.weight_recorrupted > 0


def test_each_weight_switches_its_loss() -> None:
    noise, frame = fields(WHITE), torch.rand(1, 3, 32, 32)
    calls = {}
    for name, config in {
        "both": SensorConfig(),
        "synthetic": SensorConfig(weight_recorrupted=0),
        "recorrupted": SensorConfig(weight_synthetic=0),
    }.items():
        seen: list[torch.Tensor] = []
        sensor_loss(lambda x, seen=seen: (seen.append(x), x)[1], frame, frame, lambda x: x, noise, config)
        calls[name] = len(seen)
    assert calls == {"both": 2, "synthetic": 1, "recorrupted": 1}


@pytest.mark.parametrize("channels", [1, 3])
def test_scenes_have_the_frame_s_colours(channels: int) -> None:
    frame = np.full((40, 40, 3), (200, 60, 60), np.uint8) if channels == 3 else np.full((40, 40), 90, np.uint8)
    frame[:20] = frame[:20] // 2
    palette = torch.from_numpy(frame.reshape(-1, channels) / np.float32(255))
    scenes = synthetic_scenes(palette, SensorConfig(scenes=2), 0)
    assert scenes.shape[:2] == (2, channels)
    if channels == 3:
        red, green, blue = scenes.mean(dim=(0, 2, 3)).tolist()
        assert red > green + 0.15
        assert green == pytest.approx(blue, abs=0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_adapting_denoises_and_does_not_shift_the_mean(channels: int) -> None:
    noisy, clean = sample(channels=channels)
    trained = train([noisy], short())
    before, after = psnr(trained, noisy, clean)
    assert after > before + 5
    assert trained.reports[0].stage == "sensor"
    assert set(trained.networks) == {"sensor"}


@pytest.mark.slow
def test_correlated_noise_is_learnt_from_scenes_alone() -> None:
    noisy, clean = sample(correlation=0.4)
    assert train([noisy], short(1)).noise.correlated
    before, after = psnr(train([noisy], short(60)), noisy, clean)
    assert after > before + 4


@pytest.mark.slow
def test_strength_smooths() -> None:
    noisy, _ = sample()
    removed = []
    for strength in (0.5, 0.9, 1.0, 1.1, 2.0):
        trained = train([noisy], short(15, strength=strength))
        with torch.no_grad():
            x = (torch.from_numpy(to_nchw(noisy)) - trained.offset) / trained.scale
            removed.append(float((trained.networks["sensor"](x) - x).square().mean()))
    assert removed == sorted(removed) and len(set(removed)) == len(removed)


def test_the_same_seed_gives_the_same_network() -> None:
    noisy, _ = sample()
    first, again, other = (train([noisy], short(3, seed=seed)).networks["sensor"] for seed in (0, 0, 1))
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)
    assert any(not torch.equal(one, two) for one, two in zip(first.parameters(), other.parameters(), strict=True))


def test_noise_that_grows_faster_than_brightness_trains() -> None:
    ramp = np.tile(np.linspace(5, 200, 96, dtype=np.float32), (80, 1))
    speckle = ramp * np.random.default_rng(0).gamma(10, 0.1, ramp.shape).astype(np.float32)
    trained = train([speckle], short(3))
    variance = trained.noise.variance(np.array([[0.0], [100.0], [200.0]]))
    assert (variance > 0).all()
    assert np.isfinite(trained.reports[0].losses).all()
    trained.noise.record().model_dump_json()


def test_frames_of_different_sizes_train_together() -> None:
    noisy, _ = sample()
    trained = train([noisy, noisy[:40, :50]], short(3))
    assert np.isfinite(trained.reports[0].losses).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [({"schedule": {"crop_side": 256}}, "at most 192"), ({"weight_synthetic": 0, "weight_recorrupted": 0}, "above 0")],
)
def test_settings_that_cannot_train_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        STILLS.updated({"sensor": values})


def test_pairs_alone_cannot_learn_correlated_noise() -> None:
    noisy, _ = sample(correlation=0.4)
    with pytest.raises(UsageError, match="weight_synthetic"):
        train([noisy], short(1, sensor={"weight_synthetic": 0.0}))


def test_an_empty_channel_is_no_tone_curve() -> None:
    noisy, _ = sample()
    noisy = noisy.copy()
    noisy[..., 2] = 0
    found = estimate_noise([noisy])
    assert found.skew[2] == 0
    assert [found.correlation[channel, channel, REACH, REACH] for channel in range(3)] == [1.0, 1.0, 1.0]


def test_what_is_alike_along_one_direction_as_no_noise_is_warned_of() -> None:
    generator = np.random.default_rng(1000)
    streaks = cv2.GaussianBlur(generator.normal(0, 60, (128, 128)), (0, 0), sigmaX=2.2, sigmaY=0.7)
    short = STILLS.updated({"sensor": {"scenes": 1, "schedule": {"iterations": 1, "crop_side": 64}}})
    trained = train([(120 + streaks).astype(np.float32)], short)
    beside, below = trained.noise.neighbours
    assert beside > stage.IMPLAUSIBLE > below
    assert any("alike from pixel to pixel" in text for text in trained.warnings)
