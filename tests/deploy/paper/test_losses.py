"""Every loss against the oracle, and what each must do to its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support import reference
from torch import Tensor

from zsn2m_deploy.config.networks import GrdConfig, MbdConfig
from zsn2m_deploy.paper.downsample import random_mask, random_mask_downsample
from zsn2m_deploy.paper.losses import (
    cross_mapping,
    grd_loss,
    interactive_denoising,
    interactive_equality,
    local_mean,
    local_variance,
    luminance,
    mbd_loss,
    similarity,
)

SHAPES = [(1, 4, 4), (3, 8, 12), (3, 14, 10)]


def smooth(frame: Tensor) -> Tensor:
    """A stand-in for a network, the same in torch and NumPy: not linear, mixes nothing."""
    return 0.8 * frame + 0.1 * frame * frame


def smooth_reference(frame: np.ndarray) -> np.ndarray:
    return 0.8 * frame + 0.1 * frame * frame


def case(shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    noisy = torch.rand(1, *shape, generator=generator)
    half = torch.Size((1, shape[0], shape[1] // 2, shape[2] // 2))
    return noisy, random_mask(half, generator, torch.device("cpu"))


def in_numpy(noisy: Tensor, mask: Tensor) -> tuple[np.ndarray, np.ndarray]:
    return noisy[0].double().numpy(), mask[0].numpy().astype(np.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_windows_are_the_oracles(shape: tuple[int, ...]) -> None:
    noisy, _ = case(shape)
    plane = luminance(noisy)
    np.testing.assert_allclose(plane[0, 0].numpy(), reference.luminance(noisy[0].double().numpy()), rtol=1e-6)
    np.testing.assert_allclose(local_mean(noisy)[0].numpy(), reference.local_mean(noisy[0].double().numpy()), rtol=1e-5)
    np.testing.assert_allclose(
        local_variance(plane)[0, 0].sqrt().numpy(),
        reference.local_deviation(plane[0, 0].double().numpy()),
        rtol=1e-4,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_single_losses_are_the_oracles(shape: tuple[int, ...]) -> None:
    noisy, mask = case(shape)
    half_1, half_2 = random_mask_downsample(noisy, mask)
    masked_1, masked_2 = random_mask_downsample(smooth(noisy), mask)
    denoised = smooth(half_1), smooth(half_2)
    frame, binary = in_numpy(noisy, mask)
    assert float(interactive_equality(*denoised, masked_1, masked_2)) == pytest.approx(
        reference.loss_interactive_equality(smooth_reference, frame, binary), rel=1e-5
    )
    assert float(cross_mapping(*denoised, half_1, half_2)) == pytest.approx(
        reference.loss_cross_mapping(smooth_reference, frame, binary), rel=1e-5
    )
    assert float(interactive_denoising(*denoised, 1e-2, detach=True)) == pytest.approx(
        reference.loss_interactive_denoising(smooth_reference, frame, binary, 1e-2), rel=1e-4
    )


def test_interactive_equality_is_crossed() -> None:
    """f(y_1n) is held against G_2n(f(y)): for the identity the crossed loss is that of the halves, not zero."""
    noisy, mask = case((3, 8, 8))
    half_1, half_2 = random_mask_downsample(noisy, mask)
    loss = interactive_equality(half_1, half_2, half_1, half_2)
    assert float(loss) == pytest.approx(2 * float((half_1 - half_2).square().mean()))
    assert float(loss) > 0


@pytest.mark.parametrize("alpha_ie", [1.0, 10.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_mbd_loss_is_the_oracles(shape: tuple[int, ...], alpha_ie: float) -> None:
    noisy, mask = case(shape)
    config = MbdConfig(alpha_ie=alpha_ie)
    expected = reference.loss_mbd(smooth_reference, *in_numpy(noisy, mask), alpha_ie, 5.0, 10.0, config.c_constant)
    assert float(mbd_loss(smooth, noisy, mask, config)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_grd_loss_is_the_oracles(shape: tuple[int, ...]) -> None:
    noisy, _ = case(shape)
    frame = noisy[0].double().numpy()
    expected = reference.loss_grd(lambda x: x * x, smooth_reference, frame, 100.0, 1000.0)
    paper = grd_loss(torch.square, noisy, smooth(noisy), GrdConfig(weight_distillation=0.0))
    assert float(paper) == pytest.approx(expected, rel=1e-4)
    ours = grd_loss(torch.square, noisy, smooth(noisy), GrdConfig(weight_distillation=7.0))
    assert float(ours - paper) == pytest.approx(7 * float((noisy.square() - smooth(noisy)).square().mean()), rel=1e-3)


def test_similarity_tells_shared_structure_from_flat_ground() -> None:
    edge = torch.zeros(1, 1, 16, 16)
    edge[..., 8:] = 1.0
    weight = similarity(edge, edge, 1e-3)
    assert float(weight[0, 0, 8, 8]) > 0.99  # both halves show the edge: keep it
    assert float(weight[0, 0, 8, 0]) == 0.0  # flat in both: smooth it


@pytest.mark.parametrize("detach", [True, False])
def test_gradient_is_finite_on_a_constant_frame_when_detached(detach: bool) -> None:
    flat = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    interactive_denoising(flat, flat * 1.0, 1e-2, detach).backward()
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all()) == detach  # the root at zero variance has no gradient


def test_detached_statistics_take_no_gradient() -> None:
    noisy, _ = case((1, 8, 8))
    leaf = noisy.clone().requires_grad_(True)
    interactive_denoising(leaf, noisy, 1e-2, detach=True).backward()
    weight = 1 - similarity(noisy, noisy, 1e-2)
    expected = 2 * weight.square() * (noisy - local_mean(noisy)) / noisy.numel()
    assert leaf.grad is not None
    torch.testing.assert_close(leaf.grad, expected)
