"""Frames like and unlike those trained on: what is said, and that nothing is said of a frame that is like them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.known_noise import SIGMA, SIZE, Array, known, noise, scene, whole

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import differences, training_stats, unlike
from zsn2m_runtime.noise.frame_stats import MOST_PIXELS, measure
from zsn2m_runtime.noise_record import NoiseRecord, TrainingStats


@pytest.fixture(scope="module")
def trained() -> tuple[NoiseRecord, TrainingStats]:
    return known(whole(scene() + noise(0)))


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_said_of_the_same_scene_under_fresh_noise(
    trained: tuple[NoiseRecord, TrainingStats], seed: int
) -> None:
    assert unlike(whole(scene() + noise(seed)), *trained) == ()


def test_nothing_is_said_of_a_little_more_noise_light_or_texture(trained: tuple[NoiseRecord, TrainingStats]) -> None:
    assert unlike(whole(scene(texture=3, low=55) + noise(1, 1.05 * SIGMA)), *trained) == ()


@pytest.mark.parametrize("factor", [0.5, 1.4, 2.0])
def test_noise_of_another_level_is_said_with_both_levels(
    trained: tuple[NoiseRecord, TrainingStats], factor: float
) -> None:
    [sentence] = unlike(whole(scene() + noise(1, factor * SIGMA)), *trained)
    form = (
        r"noise: expected about (\S+) at this brightness, but the frame has (\S+) \((\S+) times\); train a bundle on .*"
    )
    found = re.fullmatch(form, sentence)
    assert found
    assert [float(number) for number in found.groups()] == pytest.approx([SIGMA, factor * SIGMA, factor], rel=0.08)


def test_correlated_noise_is_said(trained: tuple[NoiseRecord, TrainingStats]) -> None:
    [sentence] = unlike(whole(scene() + noise(1, lag_1=0.35)), *trained)
    assert sentence.startswith("noise of neighbouring pixels:")
    assert "but the frame has 0.3" in sentence


def shared_by_channels(seed: int, share: float) -> Array:
    """Noise whose channels have a correlation of `share`."""
    own, common = noise(seed), noise(seed + 100)[..., :1]
    return np.asarray(np.sqrt(1 - share) * own + np.sqrt(share) * common)


def test_noise_that_channels_share_is_said_both_ways() -> None:
    white, shared = (whole(scene() + shared_by_channels(seed, share)) for seed, share in ((1, 0.0), (2, 0.8)))
    for trained_on, used_on in ((white, shared), (shared, white)):
        for every_level in (False, True):
            said = differences(measure(used_on), *known(trained_on), every_level)
            assert any(sentence.startswith("noise of the channels:") for sentence in said)
    fresh = whole(scene() + shared_by_channels(3, 0.6))
    assert differences(measure(fresh), *known(shared)) == ()


@pytest.mark.parametrize("factor", [0.4, 0.5, 1.4, 2.0])
def test_a_network_that_knows_every_level_is_warned_of_far_ones_only(
    trained: tuple[NoiseRecord, TrainingStats], factor: float
) -> None:
    assert unlike(whole(scene() + noise(1, factor * SIGMA)), *trained, every_level=True) == ()
    far = [whole(scene() + noise(1, other * SIGMA)) for other in (0.2, 3.5)]
    assert all(unlike(frame, *trained, every_level=True) for frame in far)


def test_light_colour_and_texture_are_no_reason_to_warn(trained: tuple[NoiseRecord, TrainingStats]) -> None:
    green = scene() + noise(1)
    green[..., 1] += 75
    for frame in (green, scene(low=10) + noise(1)):
        assert unlike(whole(frame), *trained) == ()
    assert unlike(whole(scene(texture=20) + noise(1)), *trained, every_level=True) == ()


def test_much_more_texture_is_said_of_networks_that_know_their_frames_alone(
    trained: tuple[NoiseRecord, TrainingStats],
) -> None:
    said = unlike(whole(scene(texture=40) + noise(1)), *trained)
    assert [sentence for sentence in said if sentence.startswith("texture:")]


def test_what_one_of_several_training_frames_has_is_known() -> None:
    frames = [whole(scene() + noise(0)), whole(scene() + noise(1, 2 * SIGMA)), whole(scene() + noise(2))]
    several = known(*frames)
    fresh = [whole(scene() + noise(3)), whole(scene() + noise(4, 2 * SIGMA))]
    assert [unlike(frame, *several) for frame in fresh] == [(), ()]
    assert unlike(fresh[1], *known(frames[0])) != ()


def test_noise_that_depends_on_brightness_is_expected_by_it() -> None:
    generator = np.random.default_rng(0)

    def shots(low: float) -> Array:
        clean = scene(1, low=low)[..., 0]
        return np.asarray(generator.poisson(clean * 0.5) / 0.5, np.float32)

    trained_on = known(shots(30))
    assert unlike(shots(30), *trained_on) == ()
    assert not [sentence for sentence in unlike(shots(100), *trained_on) if sentence.startswith("noise")]


@pytest.mark.parametrize("unit", [1.0, 1e-4, 256.0])
def test_units_do_not_matter(unit: float) -> None:
    frames = [np.asarray(unit * (scene() + noise(seed)), np.float32) for seed in (0, 1)]
    louder = np.asarray(unit * (scene() + noise(1, 1.6 * SIGMA)), np.float32)
    trained_on = known(frames[0])
    assert unlike(frames[1], *trained_on) == ()
    assert [sentence.partition(":")[0] for sentence in unlike(louder, *trained_on)] == ["noise"]


NASTY = {
    "constant": np.full((*SIZE, 3), 100),
    "black": np.zeros((*SIZE, 3)),
    "saturated": np.full((*SIZE, 3), 255),
    "half saturated": np.concatenate((whole(scene() + noise(1))[:80], np.full((80, SIZE[1], 3), 255))),
    "two values": np.where(np.random.default_rng(0).random((*SIZE, 3)) < 0.5, 0, 255),
    "one hot pixel": np.pad(np.full((1, 1, 3), 255), ((80, 79), (80, 111), (0, 0))),
    "16 x 16": scene(size=(16, 16)),
    "thin": scene(size=(16, 300)),
    "17 x 33": scene(size=(18, 34))[:17, :33],
    "long": np.full((17, 9000, 3), 90),
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_frames_are_looked_at_like_others(trained: tuple[NoiseRecord, TrainingStats], name: str) -> None:
    frame = NASTY[name].astype(np.uint8)
    for pixels in (frame, frame.astype(np.float32)):
        said = unlike(pixels, *trained)
        assert all("nan" not in sentence and "inf" not in sentence for sentence in said)
        alone = known(pixels)  # and can be what others are compared with
        assert np.isfinite([*alone[1].low, *alone[1].high, alone[1].texture, *alone[1].noise]).all()
        assert unlike(pixels, *alone) == ()
        assert isinstance(unlike(whole(scene() + noise(1)), *alone), tuple)


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_tiny_frames_are_not_judged(trained: tuple[NoiseRecord, TrainingStats], size: tuple[int, int]) -> None:
    assert unlike(np.zeros((*size, 3), np.uint8), *trained) == ()
    with pytest.raises(InputError, match="at least 16 x 16"):
        measure(np.zeros((*size, 3), np.uint8))


@pytest.mark.parametrize("size", [(512, 768), (3000, 400), (400, 9000), (64, 20000), (20, 20000), (20000, 17)])
def test_of_large_frames_only_a_part_is_looked_at_all_over_it(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    frame = np.stack((rows, columns, rows), axis=2).astype(np.float32)
    blocks = measure(frame).blocks
    assert 0.25 * MOST_PIXELS < 16 * len(blocks) <= MOST_PIXELS
    for channel, side in ((0, size[0]), (1, size[1])):
        assert blocks[:, channel].min() < 8
        assert blocks[:, channel].max() > side - 18


def test_a_large_frame_is_judged_as_a_small_one() -> None:
    def large(seed: int, sigma: float) -> Array:
        return whole(np.tile(scene(), (5, 5, 1)) + noise(seed, sigma, shape=(5 * SIZE[0], 5 * SIZE[1], 3)))

    trained_on = known(large(0, SIGMA))
    assert unlike(large(1, SIGMA), *trained_on) == ()
    assert [sentence.partition(":")[0] for sentence in unlike(large(1, 1.5 * SIGMA), *trained_on)] == ["noise"]


def test_blank_spots_all_over_leave_something_to_look_at() -> None:
    frame = (scene(1) + noise(1, shape=(*SIZE, 1)))[..., 0].astype(np.float32)
    for row in (2, 30):  # one in each patch of the grid of 16 x 16; those between them are free
        for column in (2, 30):
            frame[row::32, column::32] = np.nan
    spotted = np.isnan(frame)
    model = estimate_noise([frame], [spotted])
    look = training_stats([frame], model, [spotted])
    assert np.isfinite([look.texture, *look.noise, *look.low]).all()
    assert differences(measure(frame, spotted), model.record(), look) == ()
