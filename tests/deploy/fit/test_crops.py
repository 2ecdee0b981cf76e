"""Crops: a bounded budget, every phase of the grid, and orientations that can be undone."""

from __future__ import annotations

import pytest
import torch

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.fit.crops import ORIENTATIONS, CropSampler, average_orientations, orient, orient_back
from zsn2m_runtime.errors import InputError


def schedule(side: int, flips: bool, max_crops: int = 4) -> ScheduleConfig:
    return ScheduleConfig(iterations=1, learning_rate=1.0, crop_side=side, flips=flips, max_crops=max_crops)


def sampler(sizes: list[tuple[int, int]], plan: ScheduleConfig, multiple: int = 2) -> CropSampler:
    frames = [torch.arange(height * width, dtype=torch.float32).view(1, height, width) for height, width in sizes]
    return CropSampler(frames, plan, multiple, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_orientations_are_undone(orientation: int) -> None:
    frame = torch.rand(2, 3, 5, 7)
    assert torch.equal(orient_back(orient(frame, orientation), orientation), frame)


def test_orientations_are_eight_different_ones() -> None:
    frame = torch.arange(4.0).view(2, 2)
    assert len({tuple(orient(frame, k).flatten().tolist()) for k in range(ORIENTATIONS)}) == ORIENTATIONS


def test_average_of_orientations_undoes_a_directed_network() -> None:
    def left_neighbour(frame: torch.Tensor) -> torch.Tensor:
        return frame.roll(1, dims=-1)

    frame = torch.rand(1, 1, 6, 6)
    averaged = average_orientations(left_neighbour, frame)
    neighbours = sum(frame.roll(step, dims=axis) for step in (-1, 1) for axis in (-2, -1)) / 4
    torch.testing.assert_close(averaged, neighbours)


@pytest.mark.parametrize(
    ("size", "side", "flips", "multiple", "expected"),
    [
        ((300, 200), 128, True, 2, (1, 1, 128, 128)),
        ((64, 64), 128, True, 2, (4, 1, 62, 62)),  # room to reach every phase; more crops for the same budget
        ((64, 64), 128, False, 2, (4, 1, 64, 64)),  # the whole frame
        ((65, 201), 512, False, 2, (4, 1, 64, 200)),  # odd sides: all but the last row and column
        ((16, 16), 64, True, 16, (4, 1, 16, 16)),  # no room, still possible
        ((40, 100), 64, True, 16, (4, 1, 32, 32)),
    ],
)
def test_crop_sizes(size: tuple[int, int], side: int, flips: bool, multiple: int, expected: tuple[int, ...]) -> None:
    assert sampler([size], schedule(side, flips), multiple)().shape == expected


def test_budget_is_the_same_for_any_frame() -> None:
    plan = schedule(64, flips=True, max_crops=16)
    for size in [(17, 17), (64, 64), (65, 4000), (3000, 2000)]:
        assert sampler([size], plan)().numel() <= 64**2


def test_all_grid_phases_and_frames_occur() -> None:
    draw = sampler([(40, 40), (20, 80)], schedule(16, flips=False, max_crops=1))
    widths, phases = set(), set()
    for _ in range(60):
        crop = draw()[0, 0]
        width = int(crop[1, 0] - crop[0, 0])  # of the frame it came from
        widths.add(width)
        phases.add((int(crop[0, 0]) // width % 2, int(crop[0, 0]) % width % 2))
    assert widths == {40, 80}
    assert phases == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_frames_below_the_multiple_are_refused() -> None:
    with pytest.raises(InputError, match="at least 32 x 32"):
        sampler([(31, 64)], schedule(64, flips=True), multiple=32)
