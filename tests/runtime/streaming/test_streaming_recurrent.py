"""Streams of models with a state: each channel is a sequence of its own, and its strength is followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.denoisers import gain_denoiser, recurrent_denoiser
from support.sources import FakeSource, noise

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Result
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sequence import MOTIONS, MotionName
from zsn2m_runtime.streaming import pace
from zsn2m_runtime.streaming.ends import Item, Picture
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.pace import video_model
from zsn2m_runtime.streaming.running import Stream

Array = np.ndarray[Any, Any]

BASE = np.full((72, 80, 3), 100.0)


class Kept(NullSink):
    """Keeps the results by channel."""

    def __init__(self) -> None:
        super().__init__()
        self.results: dict[str, list[Array]] = {}

    def write(self, item: Item) -> None:
        if isinstance(item, Picture):
            self.results.setdefault(item.channel, []).append(item.frame.pixels)


class Channels(FakeSource):
    """Frames of two channels in turn."""

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self.count + 1):
            yield Picture(Frame(noise(number)), number, str(number), channel="ab"[number % 2])


class Noisy(FakeSource):
    """One grey level with noise of 5, from frame 6 on of 20."""

    def __iter__(self) -> Iterator[Item]:
        for number in range(1, self.count + 1):
            deviation = 5 if number < 6 else 20
            pixels = BASE + np.random.default_rng(number).normal(0, deviation, BASE.shape)
            yield Picture(Frame(np.rint(pixels).clip(0, 255).astype(np.uint8)), number, str(number))


@pytest.fixture
def denoiser(tmp_path: Path) -> Denoiser:
    return recurrent_denoiser(tmp_path, "uint8", channels=3)


@pytest.mark.parametrize("motion", list(MOTIONS))
def test_a_stream_gives_what_a_denoiser_s_stream_gives(denoiser: Denoiser, motion: MotionName) -> None:
    sink = Kept()
    report = Stream(denoiser, FakeSource(6), sink, motion=motion).run()
    assert report.model == "recurrent"
    np.testing.assert_array_equal(sink.results[""], list(denoiser.stream(map(noise, range(1, 7)), motion)))


def test_channels_have_a_history_each(denoiser: Denoiser) -> None:
    sink = Kept()
    Stream(denoiser, Channels(8), sink, motion="none").run()
    for channel, first in (("b", 1), ("a", 2)):
        right = list(denoiser.stream(map(noise, range(first, 9, 2)), "none"))
        np.testing.assert_array_equal(sink.results[channel], right)


def test_temporal_is_refused(denoiser: Denoiser) -> None:
    with pytest.raises(UsageError, match="--temporal"):
        Stream(denoiser, FakeSource(2), NullSink(), temporal=True)


def test_motion_of_a_model_without_a_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--motion none"):
        Stream(gain_denoiser(tmp_path, "uint8", 3, (0.0, 255.0)), FakeSource(2), NullSink(), motion="none")


@pytest.mark.parametrize("by", ["stream", "python"])
def test_a_change_of_gain_reaches_the_model(denoiser: Denoiser, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    monkeypatch.setattr(Denoiser, "noises", (white(25),))
    given: list[float] = []

    def keep(_: Denoiser, frame: Frame, previous: Any, strength: float, name: str) -> Any:
        given.append(strength)
        planes = np.ascontiguousarray(BASE.transpose(2, 0, 1)[None], np.float32)
        previous(np.ascontiguousarray(frame.pixels.transpose(2, 0, 1)[None], np.float32))
        return frame, Result(planes, None)

    monkeypatch.setattr(Denoiser, "denoise_after", keep)
    if by == "stream":
        Stream(denoiser, Noisy(12), NullSink(), motion="none").run()
    else:
        pictures = (item for item in Noisy(12) if isinstance(item, Picture))
        list(denoiser.stream((item.frame.pixels for item in pictures), "none"))
    assert given[:6] == [1.0] * 6
    np.testing.assert_allclose(given[6:], 4.0, rtol=0.1)


def white(floor: float, neighbours: tuple[float, float] = (0.0, 0.0)) -> NoiseRecord:
    """Noise of one variance."""
    return NoiseRecord(
        slope=(0.0,) * 3, floor=(floor,) * 3, span=(0.0, 255.0), skew=(0.0,) * 3,
        neighbours=neighbours, channels=0.0, correlated=False,
    )  # fmt: skip


def test_the_model_for_videos_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, state = (SimpleNamespace(id=f"{of}", state=of, files={"onnx": None}) for of in (None, "previous"))
    for models, noises, found in (
        ([plain], (), None),
        ([plain, state], (), "previous"),
        ([plain, state], (white(25), white(900)), "previous"),
        ([plain, state], (white(25), white(900, (0.5, 0.5))), None),
    ):
        mixture = tuple(SimpleNamespace(noise=noise) for noise in noises)
        manifest = SimpleNamespace(models=models, mixture=mixture, impulses=None)
        monkeypatch.setattr(pace, "read_manifest", lambda _, manifest=manifest: manifest)
        assert video_model(tmp_path) == found
    assert video_model(tmp_path / "single.onnx") is None
