"""The kit on real images, where they are present: minutes each, so marked slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import beads, kodak
from zsn2m_deploy.config import TrainConfig

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stage", ["mbd", "full"])
def test_a_bundle_of_one_frame_serves_the_frames_after_it(shared_data: Path, stage: str) -> None:
    stack = shared_data / "seq_beads" / "stuck_beads.tif"
    figures = beads.measure(stack, TrainConfig(stage=stage))  # type: ignore[arg-type]
    noisy = figures.pop("noisy")
    assert set(figures) == ({"mbd"} if stage == "mbd" else {"mbd", "grd"})
    for name, values in figures.items():
        assert values["flicker"] <= noisy["flicker"] / 2, name
        assert values["largest mean shift"] < 0.5, name
        assert values["banding"] < 1.5, name


def test_kodim23_is_denoised(shared_data: Path) -> None:
    row = kodak.measure(shared_data / "kodak24" / "kodim23.png", 23, "mbd")
    assert row["mbd"] > row["noisy"] + 9.0
