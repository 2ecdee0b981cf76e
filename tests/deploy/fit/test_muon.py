"""Muon: its orthogonalised steps against the singular value decomposition, its biases against Adam."""

from __future__ import annotations

import pytest
import torch

from zsn2m_deploy.fit.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(48, 432), (48, 27), (3, 48), (5, 5)])
def test_singular_values_become_about_one_and_singular_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    rotated = left.mT @ orthogonalised(matrix) @ right.mT  # diagonal if the vectors stayed
    values = torch.diagonal(rotated)
    assert values.min() > 0.3 and values.max() < 1.3  # a nearly singular square matrix is not finished in five rounds
    torch.testing.assert_close(rotated, torch.diag(values), atol=1e-4, rtol=0)


def test_the_scale_of_the_gradient_does_not_matter() -> None:
    matrix = torch.randn(6, 20, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(orthogonalised(matrix), orthogonalised(1e-6 * matrix), atol=1e-5, rtol=0)


def test_a_gradient_of_zeros_moves_nothing() -> None:
    weight = torch.nn.Parameter(torch.ones(4, 3, 3, 3))
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight.detach(), torch.ones(4, 3, 3, 3))


def test_biases_follow_adam() -> None:
    ours, adams = torch.nn.Parameter(torch.ones(7)), torch.nn.Parameter(torch.ones(7))
    muon, adam = Muon([ours], lr=0.02), torch.optim.Adam([adams], lr=0.02, betas=(0.9, 0.99))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        gradient = torch.randn(7, generator=generator)
        ours.grad, adams.grad = gradient, gradient.clone()
        muon.step()
        adam.step()
    torch.testing.assert_close(ours, adams)


def test_a_kernel_reaches_the_minimum_of_a_quadratic() -> None:
    target = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(2))
    weight = torch.nn.Parameter(torch.zeros_like(target))
    muon = Muon([weight], lr=0.1)
    for step in range(200):
        muon.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        weight.grad = weight.detach() - target
        muon.step()
    assert (weight.detach() - target).square().mean() < 0.01 * target.square().mean()


@pytest.mark.parametrize("shape", [(8, 2, 3, 3), (64, 3, 3, 3)])
def test_a_step_is_the_orthogonalised_nesterov_momentum(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(3)
    weight = torch.nn.Parameter(torch.zeros(shape))
    muon = Muon([weight], lr=0.01)
    momentum = torch.zeros(shape)
    for _ in range(3):
        before, weight.grad = weight.detach().clone(), torch.randn(shape, generator=generator)
        muon.step()
        momentum = 0.9 * momentum + 0.1 * weight.grad
        ahead = 0.1 * weight.grad + 0.9 * momentum
        rows, columns = shape[0], 9 * shape[1]
        expected = 2 * 0.01 * max(1.0, rows / columns) ** 0.5 * orthogonalised(ahead.reshape(rows, columns))
        torch.testing.assert_close(before - weight.detach(), expected.reshape(shape))
