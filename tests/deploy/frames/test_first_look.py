"""What is seen of frames before torch is needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.frames import first_look as looking
from zsn2m_deploy.frames.first_look import first_look
from zsn2m_deploy.preparation import prepare
from zsn2m_runtime.image import Frame

INSTANT = load_config(None, "instant", None)


def noisy(seed: int) -> Frame:
    drawn = np.random.default_rng(seed).normal(100, 9, (96, 128, 3))
    return Frame(np.rint(drawn).clip(0, 255).astype(np.uint8))


def test_what_was_seen_before_is_what_preparing_sees() -> None:
    frame, cpu = noisy(0), torch.device("cpu")
    before = prepare([frame], INSTANT, cpu, (0, 255), first_look([frame], INSTANT).estimated())
    now = prepare([frame], INSTANT, cpu, (0, 255))
    assert before.screened == now.screened
    assert before.groups[0].noise.record() == now.groups[0].noise.record()


def test_noise_is_estimated_once_unless_more_is_taken_from_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    look = first_look([noisy(0)], INSTANT).estimated()
    pixels = look.scenes[0].pixels
    asked = []
    monkeypatch.setattr(looking, "estimate_noise", lambda frames, blanks: asked.append(frames))
    assert look.noise_of([pixels], [None]) is look.noise
    assert not asked
    look.noise_of([pixels.copy()], [None])
    look.noise_of([pixels, pixels], [None, None])
    assert len(asked) == 2


def test_frames_that_may_differ_in_noise_are_not_estimated_before_they_are_grouped() -> None:
    assert first_look([noisy(0), noisy(1)], INSTANT).estimated().noise is None
