"""Frames that follow each other: each result reaches the next frame, moved, unrounded, and nothing else does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.denoisers import gain_denoiser, recurrent_denoiser

from zsn2m_runtime.errors import BundleError, InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.sequence import MOTIONS, Sequence

REACH = 2  # rows that the model blurs over to each side

Array = np.ndarray[Any, Any]


def frames(count: int, height: int = 23, width: int = 9, dtype: str = "uint8", seed: int = 0) -> list[Array]:
    """Whole numbers from 1 to 199, which no step of the model brings to the ends of the range."""
    generator = np.random.default_rng(seed)
    return [generator.integers(1, 200, (height, width)).astype(dtype) for _ in range(count)]


def expected(given: list[Array], strengths: list[float] | None = None) -> list[Array]:
    """What the model gives for frames, computed in NumPy, unrounded."""
    found: list[Array] = []
    for frame, strength in zip(given, strengths or [1.0] * len(given), strict=True):
        before = found[-1] if found else frame
        mixed = 0.25 * frame + 0.75 * np.float32(strength) * before
        rows = np.pad(mixed, [(REACH, REACH), (0, 0)])
        found.append(sum(rows[k : k + len(frame)] for k in range(2 * REACH + 1)) / (2 * REACH + 1))
    return found


def run(sequence: Sequence, given: list[Array]) -> list[Array]:
    return [sequence(Frame(frame)).pixels for frame in given]


def test_each_result_reaches_the_next_frame_unrounded(tmp_path: Path) -> None:
    given = frames(5)
    results = run(Sequence(recurrent_denoiser(tmp_path, "uint8")), given)
    for result, right in zip(results, expected(given), strict=True):
        assert result.dtype == np.uint8
        assert np.abs(result - right).max() <= 0.5 + 1e-4


def test_a_call_and_a_first_frame_are_of_the_frame_alone(tmp_path: Path) -> None:
    denoiser, (frame, other) = recurrent_denoiser(tmp_path, "float32"), frames(2, dtype="float32")
    sequence = Sequence(denoiser)
    np.testing.assert_array_equal(run(sequence, [frame])[0], denoiser(frame))
    np.testing.assert_allclose(denoiser(frame), expected([frame])[0], rtol=1e-5)
    sequence(Frame(other))
    sequence.restart()
    np.testing.assert_array_equal(run(sequence, [frame])[0], denoiser(frame))


def test_a_frame_of_another_size_starts_anew(tmp_path: Path) -> None:
    denoiser = recurrent_denoiser(tmp_path, "float32")
    large, (small,) = frames(2, dtype="float32"), frames(1, 11, 30, "float32")
    results = run(Sequence(denoiser), [*large, small, large[0]])
    np.testing.assert_array_equal(results[2], denoiser(small))
    np.testing.assert_array_equal(results[3], denoiser(large[0]))


def test_the_result_before_is_moved_and_dropped_at_a_cut(tmp_path: Path) -> None:
    denoiser, given = recurrent_denoiser(tmp_path, "float32"), frames(3, dtype="float32")
    seen: list[tuple[Array, Array]] = []

    def motion(previous: Array, noisy: Array) -> Array | None:
        seen.append((previous, noisy))
        return np.roll(previous, 1, axis=3) if len(seen) == 1 else None

    first, second, third = run(Sequence(denoiser, motion), given)
    np.testing.assert_array_equal(seen[0][0][0, 0], first)
    np.testing.assert_array_equal(seen[0][1][0, 0], given[1])
    rolled = 0.25 * given[1] + 0.75 * np.roll(first, 1, axis=1)
    rows = np.pad(rolled, [(REACH, REACH), (0, 0)])
    right = sum(rows[k : k + len(rolled)] for k in range(2 * REACH + 1)) / (2 * REACH + 1)
    np.testing.assert_allclose(second, right, rtol=1e-5)
    np.testing.assert_array_equal(third, denoiser(given[2]))


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_strips_with_their_state_are_the_whole_frame_bit_for_bit(tmp_path: Path, rows: int) -> None:
    given = frames(4, 97, 13, "float32")
    whole = run(Sequence(recurrent_denoiser(tmp_path, "float32")), given)
    strips = run(Sequence(recurrent_denoiser(tmp_path, "float32", strip_pixels=rows * 13)), given)
    for one, other in zip(whole, strips, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_1080p_frame_is_whole_for_a_model_with_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    monkeypatch.setattr(Session, "run", lambda _, noisy, *_state: rows.append(noisy.shape[2]) or noisy)
    for pixels in (None, 2**19):
        recurrent_denoiser(tmp_path, "uint8", strip_pixels=pixels)(frames(1, 1080, 1920)[0])
    assert rows[0] == 1080
    assert len(rows) == 1 + 4


def test_strength_reaches_the_model(tmp_path: Path) -> None:
    given, sequence = frames(3, dtype="float32"), Sequence(recurrent_denoiser(tmp_path, "float32"))
    strengths = [1.0, 0.5, 1.0]
    for frame, strength, right in zip(given, strengths, expected(given, strengths), strict=True):
        np.testing.assert_allclose(sequence(Frame(frame), strength).pixels, right, rtol=1e-5)


@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan"), float("inf")])
def test_a_strength_that_is_none_is_refused(tmp_path: Path, strength: float) -> None:
    sequence = Sequence(recurrent_denoiser(tmp_path, "uint8"))
    with pytest.raises(UsageError, match="strength"):
        sequence(Frame(frames(1)[0]), strength)


def test_blank_areas_stay_and_nothing_of_them_reaches_the_next_frame(tmp_path: Path) -> None:
    """The first frame lacks its right half, the second its top rows: in both the frame stands for the result before."""
    denoiser = recurrent_denoiser(tmp_path, "float32", strip_pixels=1)
    first, second = frames(2, 40, 12, "float32")
    first[:, 6:] = np.nan
    second[:8] = np.nan
    sequence = Sequence(denoiser)
    before, after = run(sequence, [first, second])
    assert np.isnan(before[:, 6:]).all()
    assert np.isfinite(before[:, :6]).all()
    assert np.isnan(after[:8]).all()
    inner = slice(8 + REACH, 40 - REACH)
    alone = denoiser(second)
    np.testing.assert_array_equal(after[inner, 6:], alone[inner, 6:])
    assert (after[inner, :6] != alone[inner, :6]).all()


def test_a_frame_that_is_refused_leaves_the_one_before(tmp_path: Path) -> None:
    given, sequence = frames(2), Sequence(recurrent_denoiser(tmp_path, "uint8"))
    first = run(sequence, given[:1])
    with pytest.raises(InputError, match="uint8"):
        sequence(Frame(given[0].astype(np.uint16)))
    right = run(Sequence(recurrent_denoiser(tmp_path, "uint8")), given)
    np.testing.assert_array_equal([*first, *run(sequence, given[1:])], right)


def test_sequences_of_one_denoiser_do_not_mix(tmp_path: Path) -> None:
    denoiser = recurrent_denoiser(tmp_path, "uint8")
    clips = [frames(6, seed=seed) for seed in range(4)]
    right = [run(Sequence(denoiser), clip) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda clip: run(Sequence(denoiser), clip), clips))
    np.testing.assert_array_equal(found, right)


def test_a_stream_of_a_denoiser_is_a_sequence(tmp_path: Path) -> None:
    denoiser, smooth = recurrent_denoiser(tmp_path, "uint8"), cv2.GaussianBlur(frames(1, 90, 120)[0], (0, 0), 3.0)
    given = [np.roll(smooth, 3 * index, axis=1) for index in range(5)]
    found = {motion: list(denoiser.stream(iter(given), motion)) for motion in MOTIONS}
    for motion, results in found.items():
        np.testing.assert_array_equal(results, run(Sequence(denoiser, MOTIONS[motion]), given))
    assert (np.stack(found["flow"]) != found["none"]).any()
    np.testing.assert_array_equal(list(denoiser.stream(iter(given))), found["flow"])


def test_a_motion_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="flow, none"):
        list(recurrent_denoiser(tmp_path, "uint8").stream(frames(1), "blocks"))  # type: ignore[arg-type]


def test_a_model_without_a_state_denoises_every_frame_by_itself(tmp_path: Path) -> None:
    denoiser, given = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0), gain=0.5), frames(3)
    np.testing.assert_array_equal(run(Sequence(denoiser), given), [denoiser(frame) for frame in given])


def test_a_model_without_a_state_takes_no_previous_result(tmp_path: Path) -> None:
    session = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0))._session
    planes = np.ones((1, 1, 4, 4), np.float32)
    with pytest.raises(BundleError, match="single frames"):
        session.run(planes, planes)
