"""The downsamplers against the oracle, and the properties that hold for every mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support import reference

from zsn2m_deploy.paper.downsample import block_mean, diagonal_downsample, random_mask, random_mask_downsample

CPU = torch.device("cpu")


def frame(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mask_of(shape: tuple[int, ...], seed: int = 0, per_pixel: bool = False) -> torch.Tensor:
    return random_mask(torch.Size(shape), torch.Generator().manual_seed(seed), CPU, per_pixel)


@pytest.mark.parametrize("shape", [(1, 2, 2), (3, 2, 6), (3, 10, 4)])
def test_diagonal_downsample_is_the_oracles(shape: tuple[int, ...]) -> None:
    noisy = frame(*shape)
    for ours, theirs in zip(
        diagonal_downsample(noisy[None]), reference.diagonal_downsample(noisy.numpy()), strict=True
    ):
        np.testing.assert_allclose(ours[0].numpy(), theirs, rtol=0, atol=1e-15)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 6, 10)])
def test_random_mask_downsample_is_the_oracles(shape: tuple[int, ...]) -> None:
    noisy = frame(*shape)
    channels, height, width = shape
    mask = mask_of((1, channels, height // 2, width // 2))
    ours = random_mask_downsample(noisy[None], mask)
    theirs = reference.random_mask_downsample(noisy.numpy(), mask[0].numpy().astype(np.float64))
    for half, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(half[0].numpy(), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 3, 5), (2, 3, 4, 4), (5, 3, 7, 9)])
@pytest.mark.parametrize("per_pixel", [False, True])
def test_mask_has_exactly_half_ones(shape: tuple[int, ...], per_pixel: bool) -> None:
    mask = mask_of(shape, per_pixel=per_pixel)
    assert mask.shape == (shape[0], 1 if per_pixel else shape[1], *shape[2:])
    for element in mask:
        assert int(element.sum()) == element.numel() // 2


def test_masks_are_new_each_time_and_the_same_for_a_seed() -> None:
    generator = torch.Generator().manual_seed(3)
    shape = torch.Size((1, 3, 16, 16))
    first, second = random_mask(shape, generator, CPU), random_mask(shape, generator, CPU)
    assert not torch.equal(first, second)
    assert torch.equal(first, mask_of((1, 3, 16, 16), seed=3))


def test_the_mean_of_the_masked_halves_is_that_of_the_halves() -> None:
    noisy = frame(2, 3, 12, 8)
    half_1, half_2 = random_mask_downsample(noisy, mask_of((2, 3, 6, 4)))
    torch.testing.assert_close((half_1 + half_2) / 2, block_mean(noisy))


def test_constant_frames_stay_constant() -> None:
    halves = random_mask_downsample(torch.full((1, 3, 8, 8), 0.3), mask_of((1, 3, 4, 4)))
    assert all(bool((half == 0.3).all()) for half in halves)


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (1, 1, 4, 3)])
def test_odd_sides_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="even"):
        diagonal_downsample(torch.zeros(*shape))
