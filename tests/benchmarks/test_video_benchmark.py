"""The tables of the benchmark of videos count the same frames of every method, and name what was not run."""

from __future__ import annotations

import numpy as np

from benchmarks.video import PEERS, UNIT, Row, body
from benchmarks.video_cases import SEQUENCES, SHOTS, noisy


def row(sequence: str, method: str, decibels: list[float], seconds: float, flicker: float | None = None) -> Row:
    preset = "" if method in PEERS else "default"
    text = " ".join(map(str, decibels))
    return Row(sequence, method, preset, seconds, text, flicker, sources="", code="", date="", machine="")


def test_methods_are_compared_on_the_same_frames_and_beside_the_same_time() -> None:
    nl_means = "OpenCV fastNlMeansDenoisingColoredMulti"
    rows = []
    for shot, frames in SHOTS.items():
        rows.append(row(shot, UNIT, [0.0] * 5 + [30.0] * (len(frames) - 5), 0.1))
        rows.append(row(shot, nl_means, [29.0] * (len(frames) - 5), 0.4))
    text = body([*rows, row("112-127", "video, moved", [31.0] * 16, 0.15)])
    assert f"| {UNIT} | 30.00 | 30.00 | 30.00 | 30.00 | 1.00 |" in text
    assert f"| {nl_means} | 29.00 | 29.00 | 29.00 | 29.00 | 4.00 |" in text
    assert "| video, moved | 31.00 |  |  |  | 1.50 |" in text


def test_a_preset_is_named_and_no_row_stands_for_a_method_that_was_not_run() -> None:
    fast = Row("112-127", "default, by frame", "fast", 1.0, "30 " * 16, None, "", "", "", "")
    text = body([fast])
    assert "| default, by frame | 30.00 (fast) |" in text
    assert "Not run on the shots: video, by frame, video, unmoved" in text.replace("\n", " ")
    assert "| noisy" not in text


def test_frames_after_a_cut_are_shown_one_by_one() -> None:
    text = body([row("cut", UNIT, [*range(16)], 0.1)])
    assert "| frame | 8 | 9 | 10 | 11 | 13 | 16 |" in text
    assert f"| {UNIT} | 7.00 | 8.00 | 9.00 | 10.00 | 12.00 | 15.00 |" in text


def test_the_noise_is_that_which_is_stated_and_other_in_every_frame() -> None:
    grey = np.full((128, 128, 3), 100, np.uint8)
    first, second = (noisy(grey, "Poisson-Gaussian", (112, index)).astype(float) for index in range(2))
    assert abs(first.var() / (3 * 100 + 25) - 1) < 0.03
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.03
    assert all(len(frames) > 5 for frames in SEQUENCES.values())
