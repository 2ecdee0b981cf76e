"""Where a report's pictures are cut, and what they show."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest
from support.scenes import RANGE

from zsn2m_deploy.report.pictures import SIDE, detailed_crop, report_pictures
from zsn2m_runtime.noise.model import NoiseModel


def test_the_crop_is_where_the_detail_is() -> None:
    generator = np.random.default_rng(0)
    frame = np.full((600, 900), 100, np.float32)
    frame[300:500, 610:800] += 50 * generator.standard_normal((200, 190)).astype(np.float32)
    model = NoiseModel.white(np.zeros(1), np.ones(1))
    top, left = detailed_crop(frame, model)
    assert top <= 300 and top + SIDE >= 500
    assert left <= 610 and left + SIDE >= 800
    assert detailed_crop(frame[:100, :SIDE], model) == (0, 0)
    pictures = report_pictures(frame, frame, model, RANGE, (slice(100, 600), slice(0, 900)))
    assert (pictures.top >= 100, pictures.height, pictures.width) == (True, SIDE, SIDE)
    assert pictures.overview is not None


def test_what_was_removed_is_drawn_in_units_of_the_noise_there() -> None:
    generator = np.random.default_rng(0)
    clean = np.full((64, 128), 100, np.float32)
    clean[:, 64:] = 1600
    model = NoiseModel.white(np.ones(1), np.zeros(1))
    noisy = clean + np.sqrt(clean) * generator.standard_normal(clean.shape).astype(np.float32)
    shown = report_pictures(noisy, clean, model, (0.0, 2000.0), (slice(0, 64), slice(0, 128)))
    content = np.frombuffer(base64.b64decode(shown.removed.partition(",")[2]), np.uint8)
    drawn = cv2.imdecode(content, cv2.IMREAD_UNCHANGED).astype(float)
    assert drawn[:, :64].std() == pytest.approx(127.5 / 4, rel=0.05)
    assert drawn[:, 64:].std() == pytest.approx(drawn[:, :64].std(), rel=0.05)


def test_nothing_is_drawn_as_removed_where_a_frame_is_blank() -> None:
    """Such areas are filled for the network with a mirror image of the frame, noise and all."""
    clean = np.full((64, 128), 100, np.float32)
    noisy = clean + 10 * np.random.default_rng(1000).standard_normal(clean.shape).astype(np.float32)
    blank = np.zeros(clean.shape, np.bool_)
    blank[:20] = True
    model = NoiseModel.white(np.zeros(1), np.full(1, 100.0))
    shown = report_pictures(noisy, clean, model, (0.0, 200.0), (slice(0, 64), slice(0, 128)), blank)
    content = np.frombuffer(base64.b64decode(shown.removed.partition(",")[2]), np.uint8)
    drawn = cv2.imdecode(content, cv2.IMREAD_UNCHANGED).astype(float)
    assert np.ptp(drawn[:20]) == 0
    assert drawn[20:].std() == pytest.approx(127.5 / 4, rel=0.05)
