"""Frames that follow each other: the network gets their mean, moved, and nothing of another scene or another size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.denoisers import gain_denoiser, write_gain_model
from support.known_noise import plain_record
from support.panning import SIDE, SIGMA, averaging, error, noisy, pan, view

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.inference.frames import Planes
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of
from zsn2m_runtime.mosaic_record import BayerPattern, MosaicRecord
from zsn2m_runtime.motion import flow, still
from zsn2m_runtime.sample_types import Mask, Nchw
from zsn2m_runtime.sequence import MOTIONS, Motion, MotionName, Sequence

Array = np.ndarray[Any, Any]


@pytest.fixture
def denoiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    return averaging(tmp_path, monkeypatch)


def run(sequence: Sequence, given: list[Array]) -> list[Array]:
    return [sequence(Frame(frame)).pixels for frame in given]


def test_a_pan_is_averaged(denoiser: Denoiser) -> None:
    clean, given = pan()
    found = run(Sequence(denoiser), given)
    np.testing.assert_array_equal(found[0], given[0])
    assert error(given[-1], clean[-1]) > 0.95
    assert error(found[-1], clean[-1]) < 0.65


def test_a_fade_is_averaged_in_its_own_light(denoiser: Denoiser) -> None:
    clean = [frame * np.float32(0.95**index) for index, frame in enumerate(pan(8)[0])]
    found = run(Sequence(denoiser), [noisy(frame, index) for index, frame in enumerate(clean)])
    assert error(found[-1], clean[-1]) < 0.65
    assert abs(float((found[-1] - clean[-1]).mean())) < 0.5


def test_a_still_camera_s_frames_are_averaged_where_they_are(denoiser: Denoiser) -> None:
    clean = view()
    found = run(Sequence(denoiser, still), [noisy(clean, seed) for seed in range(6)])
    assert error(found[-1], clean) < 0.55


@pytest.mark.parametrize("motion", [still, flow])
def test_what_clipping_adds_in_the_dark_is_no_cut(denoiser: Denoiser, motion: Motion) -> None:
    """The result has the light, the next frame is brighter by the noise's share above black: that was a cut once."""
    clean = np.full((SIDE, SIDE), 0.3 * SIGMA, np.float32)
    sequence = Sequence(denoiser, motion)
    found = run(sequence, [noisy(clean, seed) for seed in range(8)])
    errors = [float(np.square(frame - clean).mean()) for frame in found]
    assert max(errors[4:]) < 0.4 * errors[0]


def test_a_cut_and_another_size_begin_anew(denoiser: Denoiser) -> None:
    sequence, first, other = Sequence(denoiser), noisy(view(), 0), noisy(view()[::-1, ::-1].copy(), 1)
    small = noisy(view(height=64), 2)
    for frame in (first, other, small, first):
        np.testing.assert_array_equal(run(sequence, [frame])[0], frame)
    assert (run(sequence, [noisy(view(), 3)])[0] != noisy(view(), 3)).any()


def test_the_network_is_told_how_much_noise_is_left(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    card = denoiser.card.model_copy(update={"strength": "strength"})
    monkeypatch.setattr(denoiser, "card", card)

    def keep(_: Session, planes: Nchw, strength: Nchw) -> Nchw:
        assert strength.shape == planes.shape[2:]
        given.append(float(strength.mean()))
        return to_nchw(view())

    monkeypatch.setattr(Session, "run", keep)
    run(Sequence(denoiser, still), [noisy(view(), seed) for seed in range(5)])
    assert given[0] == 1
    assert given[1] == pytest.approx(0.74, abs=0.05)
    assert sorted(given, reverse=True) == given


@pytest.mark.parametrize("rows", [1, 8])
def test_strips_are_the_whole_frame_bit_for_bit(denoiser: Denoiser, tmp_path: Path, rows: int) -> None:
    _, given = pan(4)
    strips = Denoiser(tmp_path / "gain.onnx", threads=1, strip_pixels=rows * SIDE)
    np.testing.assert_array_equal(run(Sequence(strips), given), run(Sequence(denoiser), given))


def test_blank_areas_stay_and_nothing_of_them_reaches_the_next_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first frame lacks its right half, the second its top rows: what was not there before is the frame."""
    denoiser = averaging(tmp_path, monkeypatch, "float32")
    first, second = (noisy(view(), seed).astype(np.float32) for seed in range(2))
    first[:, SIDE // 2 :] = np.nan
    second[:20] = np.nan
    before, after = run(Sequence(denoiser, still), [first, second])
    np.testing.assert_array_equal(before, first)
    assert np.isnan(after[:20]).all()
    np.testing.assert_array_equal(after[20:, SIDE // 2 :], second[20:, SIDE // 2 :])
    assert error(after[20:, : SIDE // 2], view()[20:, : SIDE // 2]) < 0.85


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("motion", ["flow", "none"])
@pytest.mark.parametrize("value", [1e20, 2e37, np.nan])
def test_what_overflows_in_a_network_is_gone_with_its_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, motion: MotionName, value: float
) -> None:
    """A frame with a huge value, and one that a network made NaN of; both once made all that followed NaN."""
    denoiser = averaging(tmp_path, monkeypatch, "float32")
    given = [noisy(view(), seed).astype(np.float32) for seed in range(5)]
    if np.isnan(value):
        original = Session.run
        calls = iter(range(len(given)))

        def overflow(session: Session, planes: Nchw, strength: Nchw | None = None) -> Nchw:
            result = original(session, planes, strength)
            return np.full_like(result, np.nan) if next(calls) == 1 else result

        monkeypatch.setattr(Session, "run", overflow)
    else:
        given[1][64, 64] = value
    found = run(Sequence(denoiser, MOTIONS[motion]), given)
    assert np.isfinite(found[2:]).all()
    assert error(found[-1], view()) < 0.8


def test_after_a_cut_the_nearest_of_several_noises_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before the cut was once kept: 7 dB of the first frame."""
    monkeypatch.setattr(Denoiser, "noises", (plain_record(0.0, SIGMA**2, 1), plain_record(0.0, 9 * SIGMA**2, 1)))
    monkeypatch.setattr(Denoiser, "averages", True)
    denoiser = gain_denoiser(tmp_path, "float32", 1, (0.0, 255.0))
    monkeypatch.setattr(denoiser, "card", denoiser.card.model_copy(update={"strength": "strength"}))
    told: list[float] = []

    def keep(_: Session, planes: Nchw, strength: Nchw) -> Nchw:
        told.append(float(strength.max()))
        return planes.copy()

    monkeypatch.setattr(Session, "run", keep)
    random, other = np.random.default_rng(0), view()[::-1, ::-1]
    scenes = [(view(), 3), (view(), 3), (other, 1), (view(), 3), (view(height=64), 1)]
    loud = [clean + random.normal(0, times * SIGMA, clean.shape) for clean, times in scenes]
    run(Sequence(denoiser), [frame.astype(np.float32) for frame in loud])
    assert [told[0], *told[2:]] == pytest.approx([3, 1, 3, 1])


def test_a_frame_that_is_refused_leaves_the_ones_before(denoiser: Denoiser) -> None:
    _, given = pan(3)
    sequence = Sequence(denoiser)
    found = run(sequence, given[:2])
    with pytest.raises(InputError, match="uint8"):
        sequence(Frame(given[0].astype(np.uint16)))
    np.testing.assert_array_equal([*found, *run(sequence, given[2:])], run(Sequence(denoiser), given))


def test_sequences_of_one_denoiser_do_not_mix(denoiser: Denoiser) -> None:
    clips = [pan(4, step)[1] for step in range(4)]
    right = [run(Sequence(denoiser), clip) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda clip: run(Sequence(denoiser), clip), clips))
    np.testing.assert_array_equal(found, right)


def test_a_stream_of_a_denoiser_is_a_sequence(denoiser: Denoiser) -> None:
    _, given = pan(4)
    found = {motion: list(denoiser.stream(iter(given), motion)) for motion in MOTIONS}
    for motion, results in found.items():
        np.testing.assert_array_equal(results, run(Sequence(denoiser, MOTIONS[motion]), given))
    np.testing.assert_array_equal(found["off"], given)
    assert (np.stack(found["flow"]) != found["none"]).any()
    np.testing.assert_array_equal(list(denoiser.stream(iter(given))), found["flow"])


def test_a_motion_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="flow, none, off"):
        list(gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0)).stream([view()], "blocks"))  # type: ignore[arg-type]


def test_frames_of_unknown_noise_are_denoised_by_themselves(tmp_path: Path) -> None:
    single = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0), gain=0.5)
    assert not single.averages
    _, given = pan(3)
    np.testing.assert_array_equal(run(Sequence(single), given), [single(frame) for frame in given])


def test_what_stands_for_a_frame_is_denoised_and_its_blank_areas_stay(tmp_path: Path) -> None:
    half = gain_denoiser(tmp_path, "float32", 1, (0.0, 255.0), gain=0.5)
    frame = noisy(view(), 0).astype(np.float32)
    frame[:, :30] = np.nan
    seen: list[Mask | None] = []

    def average(planes: Nchw, blank: Mask | None) -> Planes:
        seen.append(blank)
        assert np.isfinite(planes).all()
        return Planes(planes + 2)

    found, result = half.denoise_mean(Frame(frame), average)
    assert seen[0] is not None and seen[0][:, :30].all() and not seen[0][:, 30:].any()
    np.testing.assert_array_equal(found.pixels[:, :30], frame[:, :30])
    np.testing.assert_array_equal(found.pixels[:, 30:], (frame[:, 30:] + 2) / 2)
    np.testing.assert_array_equal(result[..., 30:], (to_nchw(frame[:, 30:]) + 2) / 2)


@pytest.mark.parametrize("pattern", ["RGGB", "GRBG"])
@pytest.mark.parametrize(("height", "width"), [(40, 36), (41, 35)])
def test_of_mosaics_the_four_planes_are_averaged(
    tmp_path: Path, pattern: BayerPattern, height: int, width: int
) -> None:
    mosaic = MosaicRecord(pattern=pattern)
    sensor = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=1.0, mosaic=mosaic)
    denoiser = Denoiser(write_gain_model(tmp_path / "half.onnx", sensor, 0.5), threads=1)
    frame = Frame(np.random.default_rng(0).uniform(1, 200, (height, width)).astype(np.float32))
    seen: list[Nchw] = []

    def average(planes: Nchw, _: Mask | None) -> Planes:
        seen.append(planes.copy())
        return Planes(planes + np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1))

    found, result = denoiser.denoise_mean(frame, average)
    np.testing.assert_array_equal(seen[0][0].transpose(1, 2, 0), planes_of(frame, pattern).pixels)
    added = mosaic_of((seen[0][0] + np.arange(4).reshape(4, 1, 1)).transpose(1, 2, 0), pattern, (height, width))
    np.testing.assert_allclose(found.pixels, added / 2, rtol=1e-6)
    np.testing.assert_array_equal(result[0].transpose(1, 2, 0), planes_of(found, pattern).pixels)
