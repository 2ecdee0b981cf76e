"""The kit on real images, where they are present: minutes each, so marked slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import beads
from benchmarks.quality import rows
from zsn2m_deploy.config.training import TrainConfig

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", ["mbd", "full"])
def test_a_bundle_of_one_frame_serves_the_frames_after_it(shared_data: Path, method: str) -> None:
    stack = shared_data / "seq_beads" / "stuck_beads.tif"
    figures = beads.measure(stack, TrainConfig(method=method))  # type: ignore[arg-type]
    noisy = figures.pop("noisy")
    assert set(figures) == ({"mbd"} if method == "mbd" else {"mbd", "grd"})
    for name, values in figures.items():
        assert values["flicker"] <= noisy["flicker"] / 2, name
        assert values["largest mean shift"] < 0.5, name
        assert values["banding"] < 1.5, name


def test_kodim23_is_denoised(shared_data: Path) -> None:
    row = rows.measure(rows.Task("kodak24", "kodim23.png", "gauss 25", "zsn2m", 0, 24))[0]
    assert row.psnr > row.noisy_psnr + 9.0
