"""The strength of the noise is found within a tenth, at once where it changes at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from support.known_noise import plain_record

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.gain import Gain, differ_in_strength
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.inference.frames import Average
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.motion import Flow
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.sequence import Sequence

Array = np.ndarray[Any, Any]

SIDE = 160


def scene(channels: int = 3) -> Array:
    """(1, c, h, w) from 0 to 255."""
    picture = clean_scene(SampleConfig(width=SIDE, height=SIDE)).transpose(2, 0, 1) * np.float32(150) + 50
    return np.ascontiguousarray(picture[None, :channels])


def noisy(clean: Array, slope: float, floor: float, strength: float, seed: int) -> Array:
    deviation = strength * np.sqrt(slope * clean + floor)
    return (clean + deviation * np.random.default_rng(seed).standard_normal(clean.shape)).astype(np.float32)


def result(clean: Array, seed: int) -> Array:
    """As a denoiser leaves it: a little soft, with a rest of smooth noise."""
    left = np.random.default_rng(seed).normal(0, 6, clean.shape[2:])
    planes = [cv2.GaussianBlur(plane, (0, 0), 0.5) + cv2.GaussianBlur(left, (0, 0), 1.5) for plane in clean[0]]
    return np.stack(planes)[None].astype(np.float32)


@pytest.mark.parametrize("strength", [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize(("slope", "floor"), [(0.0, 100.0), (1.0, 9.0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_another_gain_is_found_in_one_frame(slope: float, floor: float, strength: float, channels: int) -> None:
    clean, gain = scene(channels), Gain([plain_record(slope, floor, channels)])
    gain.update(result(clean, 0), noisy(clean, slope, floor, strength, 1), Flow())
    assert gain.strength == pytest.approx(strength, rel=0.1)


def test_the_gain_of_the_training_frames_is_exactly_1() -> None:
    clean, gain = scene(), Gain([plain_record(0.0, 100.0)])
    for seed in range(5):
        gain.update(result(clean, seed), noisy(clean, 0.0, 100.0, 1.0, 10 + seed), Flow())
        assert gain.strength == 1.0


@pytest.mark.parametrize("strength", [1.0, 2.0])
def test_clipped_noise_is_not_taken_for_weaker(strength: float) -> None:
    clean = scene() - 50
    clean[..., : SIDE // 2, :] *= 0.05
    gain = Gain([plain_record(0.0, 100.0)], (0.0, 255.0))
    gain.update(result(clean, 0), noisy(clean, 0.0, 100.0, strength, 1).clip(0, 255), Flow())
    assert gain.strength == pytest.approx(strength, rel=0.1)


def test_after_a_cut_noise_is_no_stronger_than_the_frame_s_detail() -> None:
    clean, gain = scene(), Gain([plain_record(0.0, 100.0)])
    gain.update(result(clean, 0), noisy(clean, 0.0, 100.0, 4.0, 1), Flow())
    gain.start(noisy(clean, 0.0, 100.0, 4.0, 2))
    assert gain.strength == pytest.approx(4.0, rel=0.1)
    gain.start(noisy(clean, 0.0, 100.0, 1.0, 3))
    assert 1.0 <= gain.strength < 1.3


def test_a_slow_change_is_followed() -> None:
    clean, gain = scene(), Gain([plain_record(0.0, 100.0)])
    strengths = 4 ** np.linspace(0, 1, 50)
    for seed, strength in enumerate(strengths):
        gain.update(result(clean, seed), noisy(clean, 0.0, 100.0, strength, 100 + seed), Flow())
        if strength > 1.4:
            assert gain.strength == pytest.approx(strength, rel=0.2)


def test_noise_that_neighbours_share_is_not_taken_for_weak() -> None:
    clean, generator = scene(), np.random.default_rng(2)
    noise = np.stack([cv2.blur(generator.normal(0, 20, (SIDE, SIDE + 1)), (2, 1))[:, 1:] for _ in range(3)])
    gain = Gain([plain_record(0.0, float(noise.var()), neighbours=(0.5, 0.0))])
    gain.update(clean, (clean + 2 * noise).astype(np.float32), Flow())
    assert gain.strength == pytest.approx(2, rel=0.1)


def test_the_gain_of_other_training_frames_is_exactly_theirs() -> None:
    clean, gain = scene(), Gain([plain_record(0.0, 100.0), plain_record(0.0, 900.0), plain_record(0.0, 10_000.0)])
    for strength, found in ((3.2, 3.0), (1.05, 1.0), (2.0, 2.0), (2.8, 3.0)):
        gain.update(result(clean, 0), noisy(clean, 0.0, 100.0, strength, 1), Flow())
        assert gain.strength == pytest.approx(found, rel=0.1 if found == 2 else 1e-9)


@pytest.mark.parametrize(("strength", "found"), [(1.0, 1.0), (3.0, 3.0), (9.0, 10.0)])
def test_a_first_frame_has_the_nearest_noise_that_was_trained_on(strength: float, found: float) -> None:
    clean, gain = scene(), Gain([plain_record(0.0, 100.0), plain_record(0.0, 900.0), plain_record(0.0, 10_000.0)])
    gain.start(noisy(clean, 0.0, 100.0, strength, 1))
    assert gain.strength == pytest.approx(found)
    one = Gain([plain_record(0.0, 100.0)])
    one.start(noisy(clean, 0.0, 100.0, strength, 1))
    assert one.strength == 1.0


def test_kinds_of_noise_are_told_from_strengths() -> None:
    white, photons = plain_record(0.0, 100.0), plain_record(1.0, 0.0)
    assert differ_in_strength([white, plain_record(0.0, 2500.0)])
    assert differ_in_strength([photons, plain_record(16.0, 1.0)])
    assert not differ_in_strength([white, photons])
    assert not differ_in_strength([white, plain_record(0.0, 2500.0, neighbours=(0.4, 0.0))])


def test_a_cut_says_nothing_of_the_gain_and_another_bundle_begins_anew() -> None:
    strengths: list[float] = []
    clean = scene()

    class Known:
        """A denoiser that is always right, of noise of a variance."""

        averages = True
        sensor = Sensor(dtype="float32", channels=3, range=(0.0, 255.0), noise_sigma=1.0)
        card = SimpleNamespace(sensor=sensor, strength="strength")

        def __init__(self, variance: float) -> None:
            self.noises = (plain_record(0.0, variance),)

        def denoise(self, frame: Frame, name: str = "") -> Frame:
            raise AssertionError("expected a mean of frames")

        def denoise_mean(self, frame: Frame, average: Average, name: str = "") -> tuple[Frame, Nchw]:
            strengths.append(float(np.mean(average(to_nchw(frame.pixels), None).strength)))
            return frame, clean

    cuts = iter([True, *[False] * 4])
    sequence = Sequence(Known(100.0), lambda *_: None if next(cuts) else Flow())
    for number in range(6):
        if number == 4:
            sequence.go_on_with(Known(900.0))
        sequence(Frame(noisy(clean, 0.0, 100.0, 3.0, number)[0].transpose(1, 2, 0)))
    assert strengths[:2] == [1.0, 1.0]  # nothing before, and a cut
    assert 2.0 < strengths[2] <= 3.3 > strengths[3] > 1.2
    assert strengths[4] < 1.0


def test_tiny_frames_say_nothing() -> None:
    gain, tiny = Gain([plain_record(0.0, 100.0)]), np.zeros((1, 3, 15, 40), np.float32)
    gain.update(tiny, tiny, Flow())
    assert gain.strength == 1.0


def test_frames_without_any_noise_give_a_strength_above_0() -> None:
    gain, clean = Gain([plain_record(0.0, 100.0)]), scene()
    gain.update(clean + 1, clean, Flow())
    assert 0 < gain.strength < 0.1
    gain.update(clean, noisy(clean, 0.0, 100.0, 2.0, 1), Flow())
    assert gain.strength == pytest.approx(2, rel=0.1)
