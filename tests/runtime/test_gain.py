"""The strength of the noise is found within a tenth, at once where it changes at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from zsn2m_deploy.sample import SampleConfig, clean_scene
from zsn2m_runtime.gain import Gain, InOrder, differ_in_strength
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Result
from zsn2m_runtime.noise_record import NoiseRecord

Array = np.ndarray[Any, Any]

SIDE = 160


def record(slope: float, floor: float, channels: int = 3, neighbours: tuple[float, float] = (0.0, 0.0)) -> NoiseRecord:
    """Noise that is normal and of which the channels share nothing."""
    return NoiseRecord(
        slope=(slope,) * channels, floor=(floor,) * channels, span=(0.0, 255.0), skew=(0.0,) * channels,
        neighbours=neighbours, channels=0.0, correlated=neighbours != (0.0, 0.0),
    )  # fmt: skip


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
    clean, gain = scene(channels), Gain([record(slope, floor, channels)])
    gain.update(result(clean, 0), noisy(clean, slope, floor, strength, 1))
    assert gain.strength == pytest.approx(strength, rel=0.1)


def test_the_gain_of_the_training_frames_is_exactly_1() -> None:
    clean, gain = scene(), Gain([record(0.0, 100.0)])
    for seed in range(5):
        gain.update(result(clean, seed), noisy(clean, 0.0, 100.0, 1.0, 10 + seed))
        assert gain.strength == 1.0


def test_a_slow_change_is_followed() -> None:
    clean, gain = scene(), Gain([record(0.0, 100.0)])
    strengths = 4 ** np.linspace(0, 1, 50)
    for seed, strength in enumerate(strengths):
        gain.update(result(clean, seed), noisy(clean, 0.0, 100.0, strength, 100 + seed))
        if strength > 1.4:
            assert gain.strength == pytest.approx(strength, rel=0.2)


def test_noise_that_neighbours_share_is_not_taken_for_weak() -> None:
    clean, generator = scene(), np.random.default_rng(2)
    noise = np.stack([cv2.blur(generator.normal(0, 20, (SIDE, SIDE + 1)), (2, 1))[:, 1:] for _ in range(3)])
    gain = Gain([record(0.0, float(noise.var()), neighbours=(0.5, 0.0))])
    gain.update(clean, (clean + 2 * noise).astype(np.float32))
    assert gain.strength == pytest.approx(2, rel=0.1)


def test_where_the_frame_stands_for_the_result_before_nothing_is_measured() -> None:
    clean, gain = scene(), Gain([record(0.0, 100.0)])
    now = noisy(clean, 0.0, 100.0, 2.0, 1)
    before = result(clean, 0)
    before[..., 20:150, :110] = now[..., 20:150, :110]
    gain.update(before, now)
    assert gain.strength == pytest.approx(2, rel=0.1)
    gain.update(now, now)
    assert gain.strength == pytest.approx(2, rel=0.1)


def test_the_gain_of_other_training_frames_is_exactly_theirs() -> None:
    clean, gain = scene(), Gain([record(0.0, 100.0), record(0.0, 900.0), record(0.0, 10_000.0)])
    for strength, found in ((3.2, 3.0), (1.05, 1.0), (2.0, 2.0), (2.8, 3.0)):
        gain.update(result(clean, 0), noisy(clean, 0.0, 100.0, strength, 1))
        assert gain.strength == pytest.approx(found, rel=0.1 if found == 2 else 1e-9)


@pytest.mark.parametrize(("strength", "found"), [(1.0, 1.0), (3.0, 3.0), (9.0, 10.0)])
def test_a_first_frame_has_the_nearest_noise_that_was_trained_on(strength: float, found: float) -> None:
    clean, gain = scene(), Gain([record(0.0, 100.0), record(0.0, 900.0), record(0.0, 10_000.0)])
    gain.start(noisy(clean, 0.0, 100.0, strength, 1))
    assert gain.strength == pytest.approx(found)
    one = Gain([record(0.0, 100.0)])
    one.start(noisy(clean, 0.0, 100.0, strength, 1))
    assert one.strength == 1.0


def test_kinds_of_noise_are_told_from_strengths() -> None:
    white, photons = record(0.0, 100.0), record(1.0, 0.0)
    assert differ_in_strength([white, record(0.0, 2500.0)])
    assert differ_in_strength([photons, record(16.0, 1.0)])
    assert not differ_in_strength([white, photons])
    assert not differ_in_strength([white, record(0.0, 2500.0, neighbours=(0.4, 0.0))])


def test_a_cut_says_nothing_of_the_gain_and_another_bundle_begins_anew() -> None:
    strengths: list[float] = []
    clean = scene()

    def denoised(strong: float) -> SimpleNamespace:
        def denoise_after(frame: Frame, previous: Any, strength: float, name: str) -> tuple[Frame, Result]:
            strengths.append(strength)
            planes = np.ascontiguousarray(frame.pixels.transpose(2, 0, 1)[None])
            previous(planes)
            return frame, Result(clean, None)

        card = SimpleNamespace(state="previous", strength="strength")
        return SimpleNamespace(card=card, noises=(record(0.0, strong),), denoise_after=denoise_after)

    cuts = iter([True, *[False] * 4])
    follow: Any = InOrder(denoised(100.0), lambda previous, _: None if next(cuts) else previous)
    for number in range(6):
        if number == 4:
            follow.go_on_with(denoised(900.0))
        follow(Frame(noisy(clean, 0.0, 100.0, 3.0, number)[0].transpose(1, 2, 0)), "frame")
    assert strengths[:2] == [1.0, 1.0]  # nothing before, and a cut
    assert strengths[2] == 1.0
    np.testing.assert_allclose(strengths[3], 3.0, rtol=0.1)
    assert strengths[4:] == [1.0, 1.0]


def test_tiny_frames_say_nothing() -> None:
    gain, tiny = Gain([record(0.0, 100.0)]), np.zeros((1, 3, 15, 40), np.float32)
    gain.update(tiny, tiny)
    assert gain.strength == 1.0


def test_frames_without_any_noise_give_a_strength_above_0() -> None:
    gain, clean = Gain([record(0.0, 100.0)]), scene()
    gain.update(clean + 1, clean)
    assert 0 < gain.strength < 0.1
    gain.update(clean, noisy(clean, 0.0, 100.0, 2.0, 1))
    assert gain.strength == pytest.approx(2, rel=0.1)
