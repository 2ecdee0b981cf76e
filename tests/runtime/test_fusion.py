"""The mean of frames: its noise is what it says, and it shows nothing that the frame does not."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from support.known_noise import plain_record

from zsn2m_runtime.fusion import Fusion
from zsn2m_runtime.light import Light
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.noise.clipping import Ends

Array = np.ndarray[Any, Any]

SIGMA, SIDE = 10.0, 160
WHITE = plain_record(0.0, SIGMA**2)


def noise(seed: int, channels: int = 3, smooth: float = 0.0) -> Array:
    """White, or the same seen through a Gaussian, of deviation SIGMA."""
    planes = np.random.default_rng(seed).standard_normal((channels, SIDE, SIDE))
    if smooth:
        planes = np.stack([cv2.GaussianBlur(plane, (0, 0), smooth) for plane in planes])
    return (SIGMA * planes / planes.std())[None].astype(np.float32)


def scene(channels: int = 3) -> Array:
    """Stripes and a ramp, (1, c, h, w) from 40 to 200."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    picture = 100 + 40 * np.sin(columns / 5) + 60 * rows / SIDE
    return np.repeat(picture[None, None], channels, axis=1).astype(np.float32)


def run(frames: list[Array], fusion: Fusion | None = None) -> Mean:
    fusion, mean = fusion or Fusion(WHITE), Mean.of_one(frames[0])
    for frame in frames[1:]:
        mean = fusion(mean, frame)
    return mean


def power(mean: Mean, clean: Array) -> float:
    """Of the error, of a frame's noise."""
    return float(np.square(mean.planes - clean).mean()) / SIGMA**2


def said_well(mean: Mean, left: float) -> bool:
    """Whether its variance is what is left, or a little more: what noise does by chance counts as error of motion."""
    return bool(left - 0.01 < mean.variance.mean() < left + 0.1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_noise_of_what_stands_still_falls_as_said(channels: int) -> None:
    clean = scene(channels)
    mean = run([clean + noise(seed, channels) for seed in range(10)], Fusion(plain_record(0.0, SIGMA**2, channels)))
    assert power(mean, clean) < 0.25
    assert said_well(mean, power(mean, clean))
    assert np.square(mean.strength()).mean() == pytest.approx(mean.variance.mean(), rel=0.1)


def test_light_that_changes_in_a_part_leaves_no_lag() -> None:
    """A lamp that shines into one half, and becomes darker by less than a frame's noise shows."""
    lamp = np.zeros((SIDE, SIDE), np.float32)
    lamp[:, SIDE // 2 :] = 1
    clean = [scene() - np.float32(0.3 * SIGMA * index) * lamp for index in range(8)]
    mean = run([frame + noise(seed) for seed, frame in enumerate(clean)])
    lit = (..., slice(SIDE // 2 + 16, None))
    assert abs(float((mean.planes - clean[-1])[lit].mean())) < 0.1 * SIGMA
    assert np.square((mean.planes - clean[-1])[lit]).mean() / SIGMA**2 < 0.3


@pytest.mark.parametrize("level", [0.0, 255.0])
def test_clipping_is_no_noise_that_frames_share(level: float) -> None:
    """It takes two thirds of the power away at black, but what is left is new in every frame."""
    frames = [(np.full_like(scene(), level) + noise(seed)).clip(0, 255) for seed in range(8)]
    mean = run(frames, Fusion(WHITE, (0.0, 255.0)))
    assert mean.variance.mean() < 0.3
    assert run([frames[0]] * 4 + [frames[0] + scene()] * 4, Fusion(WHITE, (0.0, 255.0))).variance.mean() > 0.9


def test_a_mean_that_became_brighter_has_more_noise_than_a_frame() -> None:
    clean, light = scene(), Light(np.full(3, 2.0, np.float32), np.zeros(3, np.float32))
    mean = Fusion(WHITE)(Mean.of_one(clean / 2 + noise(0)).relit(light), clean + noise(1))
    assert power(mean, clean) < 0.88
    assert said_well(mean, power(mean, clean))


def test_photons_and_another_gain_count_by_their_noise() -> None:
    clean, slope, strength = scene(), 2.0, 3.0
    frames = [clean + strength * np.sqrt(slope * clean + 9) * noise(seed) / SIGMA for seed in range(10)]
    fusion, mean = Fusion(plain_record(slope, 9.0)), Mean.of_one(frames[0])
    for frame in frames[1:]:
        mean = fusion(mean, frame, strength)
    left = np.square(mean.planes - clean).mean() / (strength**2 * (slope * clean + 9)).mean()
    assert left < 0.25
    assert said_well(mean, left)


def test_where_motion_is_in_doubt_the_frame_counts_for_more() -> None:
    """And no mean is said to have less noise than it has; frames are not taken for shown twice."""
    clean = scene()
    before, frame = run([clean + noise(seed) for seed in range(6)]), clean + noise(6)
    doubt = np.zeros_like(before.variance)
    doubt[:40] = 4
    again = Mean(before.planes.copy(), before.variance, before.planes)
    usual, found = Fusion(WHITE)(before, frame), Fusion(WHITE)(again._replace(doubt=doubt), frame)
    top, bottom = (..., slice(0, 76), slice(None)), (..., slice(84, None), slice(None))
    np.testing.assert_array_equal(found.planes[bottom], usual.planes[bottom])
    left = [np.square(mean.planes - clean)[top].mean() / SIGMA**2 for mean in (usual, found)]
    assert left[0] < 0.5 * left[1]
    assert left[1] < found.variance[:38].mean() < 0.9


def test_noise_that_neighbours_share_is_no_motion() -> None:
    clean = scene()
    frames = [clean + noise(seed, smooth=0.7) for seed in range(10)]
    beside = float(np.corrcoef(noise(0, smooth=0.7)[..., 1:].ravel(), noise(0, smooth=0.7)[..., :-1].ravel())[0, 1])
    known, white = (run(frames, Fusion(plain_record(0.0, SIGMA**2, neighbours=(share,) * 2))) for share in (beside, 0))
    assert power(known, clean) < 0.3
    assert said_well(known, power(known, clean))
    assert power(known, clean) < 0.8 * power(white, clean)


@pytest.mark.parametrize(("contrast", "left"), [(2.0, 0.6), (4.0, 0.3), (10.0, 0.1)])
def test_what_is_gone_is_not_shown(contrast: float, left: float) -> None:
    """A square that goes after ten frames; contrast and what is left of it at once are in units of the noise."""
    clean, place = scene(), (..., slice(64, 96), slice(64, 96))
    before = clean.copy()
    before[place] += contrast * SIGMA
    mean = run([*(before + noise(seed) for seed in range(10)), clean + noise(10)])
    shadow = float((mean.planes - clean)[place].mean()) / SIGMA
    assert abs(shadow) < left
    later = run([*(before + noise(seed) for seed in range(10)), *(clean + noise(seed) for seed in range(10, 14))])
    assert abs(float((later.planes - clean)[place].mean())) / SIGMA < 0.2


@pytest.mark.parametrize("contrast", [4.0, 10.0])
def test_a_thin_line_that_moves_leaves_no_second_line(contrast: float) -> None:
    clean = scene()

    def with_line(column: int) -> Array:
        picture = clean.copy()
        picture[..., column] += contrast * SIGMA
        return picture

    mean = run([with_line(20 + 8 * index) + noise(index) for index in range(6)])
    off = mean.planes - clean
    ghosts = [abs(float(off[..., 20 + 8 * index].mean())) / SIGMA for index in range(5)]
    assert max(ghosts) < 0.12 * contrast
    assert float(off[..., 60].mean()) / SIGMA == pytest.approx(contrast, rel=0.12)


def test_frames_that_are_shown_twice_say_nothing_new() -> None:
    clean = scene()
    frame = clean + noise(1)
    assert run([frame] * 6).variance.mean() > 0.9
    mean = run([clean + noise(seed // 2) for seed in range(8)])
    assert mean.variance.mean() > 0.9 * power(mean, clean)


def test_noise_that_stays_where_it_is_counts_as_left() -> None:
    clean, stays = scene(), noise(99)
    frames = [clean + np.float32(np.sqrt(0.6)) * stays + np.float32(np.sqrt(0.4)) * noise(seed) for seed in range(10)]
    mean = run(frames)
    assert mean.variance.mean() > 0.8 * power(mean, clean)


def test_where_nothing_was_before_the_frame_stands() -> None:
    clean, new = scene(), np.zeros((SIDE, SIDE), bool)
    new[:, :41] = True
    frame = clean + noise(2)
    mean = Fusion(WHITE)(Mean.of_one(clean + noise(1)), frame, new=new)
    np.testing.assert_array_equal(mean.planes[..., :41], frame[..., :41])
    assert (mean.variance[:, :21] == 1).all()
    assert (mean.strength()[:, :40] == 1).all()
    assert mean.variance[:, 21:].mean() < 0.7


@pytest.mark.parametrize(("height", "width"), [(SIDE, SIDE), (77, 130), (65, 33), (1, 1), (2, 9)])
def test_any_size_and_what_is_given_stays(height: int, width: int) -> None:
    first, second = ((scene() + noise(seed))[..., :height, :width].copy() for seed in range(2))
    kept = first.copy(), second.copy()
    mean = Fusion(WHITE)(Mean.of_one(first), second)
    assert mean.planes.shape == first.shape and mean.planes.dtype == np.float32
    assert mean.variance.shape == (-(-height // 2), -(-width // 2)) and mean.variance.dtype == np.float32
    np.testing.assert_array_equal((first, second), kept)


def test_a_mean_is_made_of_the_planes_of_the_one_before_whatever_is_in_the_room_for_it() -> None:
    """Another size in between, too; what clipping added is not taken from the mean itself."""
    frames, ends = [np.clip(scene() - 60 + noise(seed), 0, 255) for seed in range(4)], (0.0, 255.0)
    fusion = Fusion(WHITE, ends)
    right = run(frames, fusion)
    planes, lit = right.planes.copy(), right.lit.copy()
    fusion(Mean.of_one(frames[1][..., :33, :50].copy()), frames[2][..., :33, :50].copy())
    before = run(frames[:3], fusion)
    again = fusion(before, frames[3])
    assert again.planes is before.planes
    np.testing.assert_array_equal(again.planes, planes)
    np.testing.assert_array_equal(again.lit, lit)
    assert (lit <= planes).all() and (lit < planes).any()


@pytest.mark.parametrize("level", [0.0, 4.0, 10.0, 245.0, 255.0])
def test_clipping_adds_nothing_to_a_mean(level: float) -> None:
    """Without it shadows rise by up to 0.4 of the noise as frames are added."""
    fusion, clean = Fusion(WHITE, (0.0, 255.0)), np.full((1, 3, SIDE, SIDE), level, np.float32)
    frames = [np.clip(clean + noise(seed), 0, 255) for seed in range(8)]
    mean = run(frames, fusion)
    added = abs(float((mean.planes - clean).mean()))
    left = (
        0.6 * added if level in (0.0, 255.0) else 0.05 * SIGMA
    )  # plain black has little noise, which passes for shared
    assert added > 0.05 * SIGMA
    assert abs(float((mean.lit - clean).mean())) < left
    again = Mean.of_one(frames[0])
    assert again.lit is again.planes
    unclipped = Fusion(WHITE)(again, frames[1])
    assert unclipped.lit is unclipped.planes


def test_a_network_that_is_not_told_its_noise_has_dark_frames_until_their_mean_is_better() -> None:
    """Weak means of clipped samples are neither like a frame nor like normal noise: it took them for 4 dB too dark."""
    clean = (scene() - 40) / 16  # 0 to a deviation
    frames = [(clean + noise(seed)).clip(0, 255) for seed in range(8)]
    told, fusion = Fusion(WHITE, (0.0, 255.0)), Fusion(WHITE, (0.0, 255.0), told=False)
    mean, other = Mean.of_one(frames[0]), Mean.of_one(frames[0])
    for place, frame in enumerate(frames[1:]):
        mean, other = fusion(mean, frame), told(other, frame)
        assert np.array_equal(mean.lit, frame) == (place == 0)
        np.testing.assert_array_equal(mean.planes, other.planes)
    assert other.lit.min() >= 0 > mean.lit.min()
    assert abs(float((mean.lit - clean).mean())) < 0.01 * SIGMA
    bright = Fusion(WHITE, (0.0, 255.0), told=False)(Mean.of_one(scene() + noise(0)), scene() + noise(1))
    assert not np.array_equal(bright.lit, scene() + noise(1))


def test_dark_frames_do_not_pass_for_shown_twice() -> None:
    """By cells that noise has made brighter, amid others whose samples are clipped."""
    clean = np.full((1, 3, SIDE, SIDE), 0.7 * SIGMA, np.float32)
    mean = run([(clean + noise(seed)).clip(0, 255) for seed in range(2)], Fusion(WHITE, (0.0, 255.0)))
    assert mean.variance.mean() < 0.65


@pytest.mark.parametrize(
    ("ends", "low", "high"), [((0.0, 255.0), 0, 255), ((None, 255.0), -9, 255), ((0.0, None), 0, 264)]
)
def test_what_interpolation_brings_beyond_the_ends_is_kept_from_the_network(
    ends: Ends, low: float, high: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a few bands as in one; those without clipped places, too."""
    frame = scene() + noise(1)
    means = []
    for cells in (2**17, 40):
        monkeypatch.setattr("zsn2m_runtime.cells.BAND", cells)
        before = Mean.of_one(scene() + noise(0))
        before.planes[..., 20, 20], before.planes[..., 140, 20] = -9, 264
        frame[..., 20, 20], frame[..., 140, 20] = -9, 264
        means.append(Fusion(WHITE, ends)(before, frame))
    assert (means[0].lit.min(), means[0].lit.max()) == pytest.approx((low, high), abs=1e-3)
    np.testing.assert_allclose(means[0].lit, means[1].lit, atol=1e-3)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e5, 1e20, 1e37, -1e37])
def test_a_huge_value_is_gone_with_its_frame(value: float) -> None:
    """As missing samples are marked in scientific files: its square once made all that followed NaN."""
    clean, marked = scene(), scene() + noise(1)
    marked[..., 80, 80] = value
    fusion = Fusion(WHITE)
    with_mark = fusion(Mean.of_one(clean + noise(0)), marked)
    np.testing.assert_array_equal(with_mark.planes[..., 80, 80], marked[..., 80, 80])
    found, right = fusion(with_mark, clean + noise(2)), run([clean + noise(seed) for seed in range(3)])
    np.testing.assert_array_equal(found.planes[..., 80, 80], (clean + noise(2))[..., 80, 80])
    assert np.isfinite(found.variance).all()
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - 80)) > 16
    np.testing.assert_array_equal(found.planes[..., away], right.planes[..., away])


def test_clipped_and_noiseless_places_stay_finite() -> None:
    black = np.zeros((1, 3, 32, 32), np.float32)
    for record in (WHITE, plain_record(0.0, 0.0), plain_record(1.0, 0.0)):
        mean = run([black] * 4, Fusion(record))
        assert np.isfinite(mean.planes).all() and np.isfinite(mean.variance).all() and (mean.strength() > 0).all()
