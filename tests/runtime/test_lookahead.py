"""Frames with those after them: better, in order, nothing of another scene, and nothing lost whatever ends them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.denoisers import gain_denoiser
from support.known_noise import plain_record
from support.panning import SIDE, SIGMA, averaging, error, noisy, pan, view

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.lookahead import Lookahead
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.motion import flow, still
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.sequence import Motion, Sequence

Array = np.ndarray[Any, Any]


@pytest.fixture
def denoiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Denoiser:
    """Its noise is not measured: what it leaves, being no real network, would pass for noise of the next frame."""
    monkeypatch.setattr(Gain, "update", lambda *_: None)
    return averaging(tmp_path, monkeypatch)


def looked_ahead(denoiser: Denoiser, given: list[Array], frames: int, motion: Motion = flow) -> list[Array]:
    return [frame.pixels for frame in Lookahead(denoiser, motion, frames).results(map(Frame, given))]


def one_by_one(denoiser: Denoiser, given: list[Array], motion: Motion = flow) -> list[Array]:
    sequence = Sequence(denoiser, motion)
    return [sequence(Frame(frame)).pixels for frame in given]


def test_every_frame_but_the_last_has_less_noise(denoiser: Denoiser) -> None:
    clean, given = pan(7)
    before = [error(frame, right) for frame, right in zip(one_by_one(denoiser, given), clean, strict=True)]
    for frames in (1, 3):
        found = looked_ahead(denoiser, given, frames)
        after = [error(frame, right) for frame, right in zip(found, clean, strict=True)]
        assert after[0] < 0.8 * before[0]
        assert all(now < was for now, was in zip(after[:-1], before[:-1], strict=True))
        assert after[-1] == before[-1]


def test_the_mean_of_still_frames_is_that_of_all_that_were_seen(denoiser: Denoiser) -> None:
    """Of n frames noise has a root of n less, a little more for what every frame adds to the variance."""
    given = [noisy(view(), seed) for seed in range(6)]
    found = [error(frame, view()) for frame in looked_ahead(denoiser, given, 2, still)]
    for index, seen in enumerate((3, 4, 5, 6, 6, 6)):
        assert found[index] == pytest.approx(seen**-0.5, abs=0.12)


def test_without_it_a_sequence_is_left(denoiser: Denoiser) -> None:
    _, given = pan(4)
    np.testing.assert_array_equal(looked_ahead(denoiser, given, 0), one_by_one(denoiser, given))


@pytest.mark.parametrize("frames", [1, 2, 16])
def test_as_many_results_wait(denoiser: Denoiser, frames: int) -> None:
    lookahead, (_, given) = Lookahead(denoiser, flow, frames), pan(5)
    ready = [len(list(lookahead(Frame(frame)))) for frame in given]
    assert ready == [int(index >= frames) for index in range(5)]
    assert sum(ready) + len(list(lookahead.rest())) == 5
    assert not list(lookahead.rest())


def test_a_cut_and_another_size_end_the_wait(denoiser: Denoiser) -> None:
    """Of what comes after them nothing is taken: the frame before is as without lookahead."""
    scenes = [[noisy(view()[::-1, ::-1].copy(), seed) for seed in range(3)], [noisy(view(), seed) for seed in (4, 5)]]
    scenes.append([noisy(view(height=64), seed) for seed in (6, 7)])
    lookahead = Lookahead(denoiser, flow, 2)
    found = [list(lookahead(Frame(frame))) for frame in chain(*scenes)]
    assert [len(ready) for ready in found] == [0, 0, 1, 2, 0, 2, 0]
    given = [frame.pixels for frame in (*chain(*found), *lookahead.rest())]
    for result, right in zip(given, chain(*(looked_ahead(denoiser, scene, 2) for scene in scenes)), strict=True):
        np.testing.assert_array_equal(result, right)
    np.testing.assert_array_equal(given[2], one_by_one(denoiser, scenes[0])[-1])


def test_a_light_that_blinks_leaves_no_ghost(denoiser: Denoiser) -> None:
    """A lamp that is on in one frame: it is not in the one before, and not weaker in its own."""
    clean = [view() for _ in range(5)]
    lamp = (slice(60, 68), slice(60, 68))
    clean[2][lamp] = 250
    clean[1][lamp] = clean[3][lamp] = clean[0][lamp] = clean[4][lamp] = 60
    found = looked_ahead(denoiser, [noisy(frame, seed) for seed, frame in enumerate(clean)], 2, still)
    for index, frame in enumerate(found):
        assert abs(float(frame[lamp].mean() - clean[index][lamp].mean())) < 0.5 * SIGMA


def test_noise_that_becomes_louder_is_weighed_by_its_strength(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later frames with four times the noise add little to what is quiet, and take nothing away."""
    denoiser = averaging(tmp_path, monkeypatch)
    random = np.random.default_rng(0)
    sigmas = [SIGMA] * 4 + [4 * SIGMA] * 4
    given = [(view() + random.normal(0, one, view().shape)).clip(0, 255).astype(np.uint8) for one in sigmas]
    before, after = (
        [error(frame, view()) for frame in found]
        for found in (one_by_one(denoiser, given, still), looked_ahead(denoiser, given, 3, still))
    )
    assert after[3] < before[3] + 0.02
    assert after[4] < 0.95 * before[4]


@pytest.mark.parametrize("sigmas", [(30, 30, 30), (10, 30, 30), (30, 10, 10), (10, 60, 60), (60, 10, 10)])
def test_a_first_frame_is_told_how_strong_its_own_noise_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sigmas: tuple[int, ...]
) -> None:
    """By itself it passes for what was trained on; that of the next one may be another, as exposure settles."""
    denoiser = averaging(tmp_path, monkeypatch, "float32")
    monkeypatch.setattr(denoiser, "card", denoiser.card.model_copy(update={"strength": "strength"}))
    told: list[tuple[Array, Array]] = []

    def keep(_: Session, planes: Nchw, strength: Nchw) -> Nchw:
        told.append((planes[0, 0], strength))
        return to_nchw(view())

    monkeypatch.setattr(Session, "run", keep)
    random = np.random.default_rng(0)
    given = [(view() + random.normal(0, sigma, view().shape)).astype(np.float32) for sigma in sigmas]
    looked_ahead(denoiser, given, 1, still)
    assert float(told[0][1].mean()) == pytest.approx(1.0)
    planes, strength = told[2]
    left = float(np.std(planes - view())) / SIGMA
    assert left == pytest.approx(float(np.sqrt(np.square(strength).mean())), rel=0.2)
    assert left < 1.02 * sigmas[0] / SIGMA


def test_blank_areas_stay_and_nothing_of_them_reaches_the_frame_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second frame lacks its right half, the first its top rows."""
    denoiser = averaging(tmp_path, monkeypatch, "float32")
    first, second = (noisy(view(), seed).astype(np.float32) for seed in range(2))
    second[:, SIDE // 2 :] = np.nan
    first[:20] = np.nan
    before, after = looked_ahead(denoiser, [first, second], 1, still)
    assert np.isnan(before[:20]).all()
    np.testing.assert_array_equal(before[20:, SIDE // 2 :], first[20:, SIDE // 2 :])
    assert error(before[20:, : SIDE // 2], view()[20:, : SIDE // 2]) < 0.85
    np.testing.assert_array_equal(np.isnan(after), np.isnan(second))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e20, 2e37, np.nan])
def test_what_overflows_in_a_network_is_gone_with_its_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    denoiser = averaging(tmp_path, monkeypatch, "float32")
    given = [noisy(view(), seed).astype(np.float32) for seed in range(5)]
    if np.isnan(value):
        original = Session.run
        calls = iter(chain(repeat(False, 2), [True], repeat(False)))
        monkeypatch.setattr(
            Session,
            "run",
            lambda session, planes, strength=None: original(session, planes, strength) * (np.nan if next(calls) else 1),
        )
    else:
        given[2][64, 64] = value
    found = looked_ahead(denoiser, given, 2, still)
    others = found[:2] + found[3:]
    assert np.isfinite(others).all()
    assert max(error(frame, view()) for frame in others) < 1.02


def test_a_mosaic_is_averaged_in_its_planes(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Denoiser, "noises", (plain_record(0.0, SIGMA**2, 4),))
    sensor = denoiser.card.sensor.model_copy(update={"mosaic": MosaicRecord(pattern="RGGB")})
    monkeypatch.setattr(denoiser, "card", denoiser.card.model_copy(update={"sensor": sensor}))
    given = [noisy(view(), seed) for seed in range(3)]
    found = looked_ahead(denoiser, given, 2, still)
    assert error(found[0], view()) < 0.75


def test_a_frame_that_is_refused_comes_after_the_results_of_those_before(denoiser: Denoiser) -> None:
    _, given = pan(4)
    found: list[Array] = []
    with pytest.raises(InputError, match="uint8"):
        for frame in denoiser.stream([*given, given[0].astype(np.uint16), *given], lookahead=3):
            found.append(frame)
    np.testing.assert_array_equal(found, looked_ahead(denoiser, given, 3))


def test_a_source_that_fails_loses_no_result(denoiser: Denoiser) -> None:
    _, given = pan(4)

    def source() -> Iterator[Array]:
        yield from given
        raise ConnectionError("cable")

    found: list[Array] = []
    with pytest.raises(ConnectionError, match="cable"):
        for frame in denoiser.stream(source(), lookahead=2):
            found.append(frame)
    np.testing.assert_array_equal(found, looked_ahead(denoiser, given, 2))


def test_shapes_stay_those_of_their_frames(denoiser: Denoiser) -> None:
    _, given = pan(4)
    mixed = [given[0], given[1][..., None], given[2], given[3][..., None]]
    assert [frame.shape for frame in denoiser.stream(mixed, lookahead=2)] == [frame.shape for frame in mixed]


def test_another_bundle_goes_on_where_the_one_before_ends(denoiser: Denoiser, tmp_path: Path) -> None:
    """What waits is of the first, which was there when it came; the mean so far stays."""
    (tmp_path / "other").mkdir()
    other, (_, given) = gain_denoiser(tmp_path / "other", "uint8", 1, (0.0, 255.0), 0.5), pan(6)
    bundles = iter([None, None, None, other, None, None])
    found = list(Lookahead(denoiser, flow, 2).results(map(Frame, given), lambda: next(bundles)))
    assert len(found) == 6
    np.testing.assert_array_equal([frame.pixels for frame in found[:3]], looked_ahead(denoiser, given[:3], 2))
    assert [bool(frame.pixels.mean() < 0.7 * right.mean()) for frame, right in zip(found, given, strict=True)] == (
        [False] * 3 + [True] * 3
    )
    assert error(2.0 * found[3].pixels.astype(np.float64), pan(6)[0][3]) < 0.75


@pytest.mark.parametrize("frames", [0, 2])
def test_a_bundle_that_does_not_average_comes_and_goes(
    denoiser: Denoiser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    """What was before it is no past of what comes after it."""
    (tmp_path / "other").mkdir()
    other, (_, given) = gain_denoiser(tmp_path / "other", "uint8", 1, (0.0, 255.0), 0.5), pan(8)
    monkeypatch.setattr(Denoiser, "averages", property(lambda self: self is denoiser))
    bundles = iter([None, None, None, other, None, denoiser, None, None])
    found = [one.pixels for one in Lookahead(denoiser, flow, frames).results(map(Frame, given), lambda: next(bundles))]
    np.testing.assert_array_equal(found[:3], looked_ahead(denoiser, given[:3], frames))
    np.testing.assert_array_equal(found[3:5], [other(frame) for frame in given[3:5]])
    np.testing.assert_array_equal(found[5:], looked_ahead(denoiser, given[5:], frames))


@pytest.mark.parametrize(("fails_at", "come"), [(6, 4), (7, 2)])
def test_an_error_of_a_result_that_comes_late_takes_its_place(
    denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch, fails_at: int, come: int
) -> None:
    """The results before it come, and none of those after it in its place."""
    _, given = pan(6)
    right, original, calls = looked_ahead(denoiser, given, 2), Session.run, iter(range(100))

    def fails(session: Session, planes: Nchw, strength: Nchw | None = None) -> Nchw:
        if next(calls) == fails_at:  # frames 0, 1, 2, the result of 0, frame 3, that of 1, frame 4, that of 2
            raise MemoryError
        return original(session, planes, strength)

    monkeypatch.setattr(Session, "run", fails)
    found: list[Array] = []
    with pytest.raises(MemoryError):
        for frame in denoiser.stream(given, lookahead=2):
            found.append(frame)
    assert len(found) == come
    np.testing.assert_array_equal(found[:2], right[:2])


def test_where_nothing_is_averaged_nothing_waits(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch) -> None:
    _, given = pan(3)
    monkeypatch.setattr(Denoiser, "averages", False)
    lookahead = Lookahead(denoiser, flow, 2)
    assert [len(list(lookahead(Frame(frame)))) for frame in given] == [1, 1, 1]
    assert not list(lookahead.rest())


@pytest.mark.parametrize("frames", [-1, 17, 1.5, "2", None])
def test_what_is_no_number_of_frames_is_refused(denoiser: Denoiser, frames: Any) -> None:
    with pytest.raises(UsageError, match=f"0 to 16 frames, but got {frames!r}; 2 is usual"):
        Lookahead(denoiser, flow, frames)
    with pytest.raises(UsageError, match="lookahead"):
        list(denoiser.stream([to_nchw(view())[0, 0]], lookahead=-1))
