"""What the plugin does with arrays, without napari."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.napari.work import Stack, StoppedError, Task, denoise, train
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import from_nchw

FRAMES = np.stack([from_nchw(noisy_planes(1, 40, 50, 255.0, seed), "uint8") for seed in range(6)])


@pytest.fixture
def grey(make_bundle: BundleMaker) -> Path:
    return make_bundle(channels=1, method="mbd", video=True)


def test_every_frame_is_denoised_in_its_place(grey: Path) -> None:
    denoiser, task = Denoiser(grey, provider="cpu", threads=1), Task()
    expected = np.stack([denoiser(frame) for frame in FRAMES])
    for shape in ((6,), (2, 3), (1, 6, 1)):
        stack = Stack(FRAMES.reshape(*shape, 40, 50), rgb=False)
        np.testing.assert_array_equal(denoise(stack, denoiser, task), expected.reshape(*shape, 40, 50))
        assert (task.done, task.total) == (5, 6)
    np.testing.assert_array_equal(denoise(Stack(FRAMES[0], False), denoiser, task), expected[0])
    np.testing.assert_array_equal(denoise(Stack(FRAMES, False).at((4,)), denoiser, task), expected[4:5])


def test_a_model_with_a_state_follows_the_first_axis(grey: Path) -> None:
    denoiser = Denoiser(grey, "video", "cpu", threads=1)
    stack = Stack(FRAMES.reshape(3, 2, 40, 50), rgb=False)
    found = denoise(stack, denoiser, Task())
    for second in range(2):
        np.testing.assert_array_equal(found[:, second], np.stack(list(denoiser.stream(stack.data[:, second]))))


def test_a_first_frame_unlike_the_training_frames_is_noticed(grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    denoiser, task, compared = Denoiser(grey, provider="cpu", threads=1), Task(), []
    monkeypatch.setattr(denoiser, "differences", lambda frame: (compared.append(frame.pixels) or "noise: stronger",))
    denoise(Stack(FRAMES, rgb=False), denoiser, task)
    assert task.unlike == ("noise: stronger",)
    np.testing.assert_array_equal(compared, FRAMES[:1])


def test_colour_has_its_axis_last_and_alpha_is_kept(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle(method="mbd"), provider="cpu", threads=1)
    frame = from_nchw(noisy_planes(3, 40, 50, 255.0), "uint8")
    with_alpha = np.dstack((frame, np.full((40, 50), 200, np.uint8)))[None]
    found = denoise(Stack(with_alpha, rgb=True), denoiser, Task())
    np.testing.assert_array_equal(found[0, ..., :3], denoiser(frame))
    assert (found[..., 3] == 200).all()


def test_what_is_stopped_ends_and_writes_nothing(grey: Path, tmp_path: Path) -> None:
    task = Task()
    task.stop.set()
    with pytest.raises(StoppedError):
        denoise(Stack(FRAMES, False), Denoiser(grey, provider="cpu", threads=1), task)

    class Impatient(Task):
        def tell(self, stage: str, done: int, total: int) -> None:
            if stage == "export":  # the last of the stages: files were written by then
                self.stop.set()
            super().tell(stage, done, total)

    frame = from_nchw(noisy_planes(1, 64, 64, 255.0), "uint8")
    with pytest.raises(StoppedError):
        config = TrainConfig.from_preset("instant").updated({"video": False})
        train(Stack(frame, False), tmp_path / "new.zsn2m", config, FrameOptions(), Impatient())
    assert not list(tmp_path.iterdir())
