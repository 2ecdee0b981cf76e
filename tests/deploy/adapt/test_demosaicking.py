"""Scenes as a camera's mosaic leaves them, against an interpolation by loops."""

from __future__ import annotations

import numpy as np
import torch

from zsn2m_deploy.adapt.demosaicking import demosaicked

BAYER = (("red", "green"), ("green", "blue"))
NAMES = ("red", "green", "blue")


def by_loops(scene: np.ndarray, down: int, across: int) -> np.ndarray:
    """Each missing sample is the mean of the nearest ones of its colour; (3, h, w), borders left out."""
    _, height, width = scene.shape

    def has(row: int, column: int, channel: int) -> bool:
        return BAYER[(row - down) % 2][(column - across) % 2] == NAMES[channel]

    found = np.full(scene.shape, np.nan)
    for channel in range(3):
        for row in range(1, height - 1):
            for column in range(1, width - 1):
                if has(row, column, channel):
                    found[channel, row, column] = scene[channel, row, column]
                    continue
                for near in ([(0, 1), (0, -1), (1, 0), (-1, 0)], [(1, 1), (1, -1), (-1, 1), (-1, -1)]):
                    there = [(row + y, column + x) for y, x in near if has(row + y, column + x, channel)]
                    if there:
                        found[channel, row, column] = np.mean([scene[channel, y, x] for y, x in there])
                        break
    return found


def test_every_sample_is_the_mean_of_the_nearest_at_all_four_starts() -> None:
    scenes = torch.rand(6, 3, 8, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = demosaicked(scenes).numpy()
    for number, scene in enumerate(scenes.numpy()):
        expected = by_loops(scene, *divmod(number % 4, 2))
        inner = (slice(None), slice(1, -1), slice(1, -1))
        np.testing.assert_allclose(found[number][inner], expected[inner], atol=1e-12)


def test_what_has_no_detail_stays_and_borders_are_no_darker() -> None:
    plain = torch.full((4, 3, 6, 6), 0.4)
    torch.testing.assert_close(demosaicked(plain), plain)


def test_one_scene_is_enough() -> None:
    assert demosaicked(torch.rand(1, 3, 4, 4)).shape == (1, 3, 4, 4)
