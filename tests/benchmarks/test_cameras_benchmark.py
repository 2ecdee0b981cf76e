"""The drawn camera has the noise that it states, and the tables of its benchmark count by the truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks import cameras
from benchmarks.camera_cases import BALANCE, FINISHES, LEVELS, WELL, Camera
from benchmarks.cameras import METHODS, Row, Task, body
from zsn2m_runtime.noise.jpeg import compressed


@pytest.mark.parametrize("finish", FINISHES)
def test_flat_colours_without_noise_stay(finish: str) -> None:
    picture = np.broadcast_to([200.0, 120.0, 60.0], (64, 64, 3))
    found = Camera("weak", finish).photograph(picture, None)
    expected = compressed(picture, int(finish.split()[1])) if finish.startswith("JPEG") else picture
    assert np.array_equal(found, expected)


def test_a_scene_without_noise_is_as_opencv_demosaicks_it() -> None:
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.uniform(0, 255, (64, 64, 3)), (0, 0), 1.0)
    found = Camera("weak", "nothing").photograph(picture, None)
    light = WELL * np.where(picture <= 0.04045 * 255, picture / 255 / 12.92, ((picture / 255 + 0.055) / 1.055) ** 2.4)
    mosaic = (light / BALANCE)[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = (light / BALANCE)[::2, ::2, 0], (light / BALANCE)[1::2, 1::2, 2]
    coloured = cv2.demosaicing(np.rint(60000 * mosaic).astype(np.uint16), cv2.COLOR_BayerRGGB2RGB) / 60000.0
    linear = coloured * BALANCE / WELL
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(found - expected)[2:-2, 2:-2].max() <= 0.51


@pytest.mark.parametrize("level", LEVELS)
def test_green_of_a_flat_grey_has_the_noise_of_its_photons_and_of_reading(level: str) -> None:
    gain, read = LEVELS[level]
    picture = np.full((256, 256, 3), 150.0)
    noisy = Camera(level, "nothing").photograph(picture, np.random.default_rng(0))
    measured = noisy[::2, 1::2, 1]  # where demosaicking leaves a sample as it was
    light = WELL * ((150 / 255 + 0.055) / 1.055) ** 2.4
    rise = 255 * 1.055 / 2.4 * (light / WELL) ** (1 / 2.4 - 1) / WELL
    deviation = rise * np.sqrt(gain * light + read**2)
    assert measured.std() == pytest.approx(np.hypot(deviation, 12**-0.5), rel=0.04)
    other = noisy[::2, ::2, 1]  # the mean of four
    assert other.std() == pytest.approx(np.hypot(deviation / 2, 12**-0.5), rel=0.06)


def rows(image: str, finish: str, *figures: float, said: str = "") -> list[Row]:
    return [
        Row(image, "weak", finish, method, psnr, said if method == "default" else "", "", "", "", "")
        for method, psnr in zip(METHODS, figures, strict=True)
    ]


def test_frames_that_every_method_had_are_counted_by_what_became_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = [
        Task(cameras.DATA / f"{image}.png", Camera("weak", "nothing"), method)
        for image in ("a", "b", "c")
        for method in METHODS
    ]
    monkeypatch.setattr(cameras, "tasks", lambda half: planned if half == "test" else [])
    text = body(
        [
            *rows("a", "nothing", 30, 29, 28, 31, said="lost"),
            *rows("b", "nothing", 30, 31, 32, 32.5),
            *rows("c", "nothing", 30, 31, 32, 32.5)[:3],
        ]
    )
    assert "**Test half:** 2 of 3 planned frames." in text
    assert "**Tuning half:** 0 of 0 planned frames." in text
    line = "| 2 | 30.00 | 30.00 | 30.00 | 31.75 | +1.75 | +3.00 | 1 | 1 (-1.00) | 1 | 0 of 1 | 1 (-2.00) | 0 | 0 of 1 |"
    assert f"| nothing | weak {line}" in text
    assert f"| all | all {line}" in text
