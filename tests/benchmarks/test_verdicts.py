"""The frames that verdicts are measured on, and what they have shown."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.verdicts import drawn, faults
from benchmarks.verdicts.__main__ import false_alarms, planted, ranges
from benchmarks.verdicts.frames import Example, Spec
from benchmarks.verdicts.rows import OWN, Row
from zsn2m_runtime.noise.estimate import estimate_noise


@pytest.mark.parametrize("kind", drawn.KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_noise_of_drawn_frames_is_finite_and_a_frame_is_drawn_again_alike(kind: str, seed: int) -> None:
    noisy, clean = drawn.draw(kind, seed)
    model = estimate_noise([noisy])
    assert all(np.isfinite(part).all() for part in (model.skew, model.slope, model.floor, model.correlation))
    assert noisy.shape == clean.shape and noisy.dtype.kind == "u" and clean.dtype == np.float32
    np.testing.assert_array_equal(drawn.draw(kind, seed)[0], noisy)


def row(fault: str, warned: str = "", **figures: float | None) -> Row:
    known = {"gain": 5.0, "behind": 0.0, "true": None, "low": None, "high": None} | figures
    return Row("drawn", "1", "blobs", fault, warned, **known, code="", date="", machine="", sources="")


def test_the_tables_count_by_the_truth() -> None:
    rows = [
        row(OWN, true=30.0, low=29.0, high=31.0),
        row(OWN, "false alarm", true=35.0, low=29.0, high=31.0),
        row(OWN, "right", gain=-1.0),
        row("perfect"),
        row("blur 5 x 5", "found", behind=5.0),
        row("blur 5 x 5", "", behind=4.0),
        row("blur 5 x 5", "", behind=1.0),
        row("mosaic", "refused", gain=None, behind=None),
    ]
    assert "| all | 3 | 1 of 2 | 0 of 1 | 1 of 1 |" in false_alarms(rows)
    assert "| blur 5 x 5 | 1 of 2 |" in planted(rows)
    assert "| mosaic | 1 of 1 |" in planted(rows)
    assert "| all | 3 | 2 | 1 | 2 | 2.50 | 2.0 |" in ranges(rows)


def test_planted_faults_are_worse_than_the_result() -> None:
    noisy, clean = drawn.draw("blobs", 0)
    example = Example(Spec("drawn", "0", "blobs"), noisy, clean, (0.0, 65535.0))
    made = dict(faults.results(example, np.rint(clean).astype(np.uint16)))
    errors = {name: float(np.square(result - clean.astype(float)).mean()) for name, result in made.items()}
    assert errors.pop("perfect") < 0.1
    assert set(errors) == {"blur 5 x 5", "fine texture dropped", "spots erased"} and min(errors.values()) > 10
    assert all(result.dtype == np.uint16 for result in made.values())
