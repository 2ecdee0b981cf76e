"""The losses of both stages, Eq. 2-6; |.|^2 is the mean of squares over all elements."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, mse_loss

from zsn2m_deploy.config.networks import GrdConfig, MbdConfig
from zsn2m_deploy.paper.downsample import block_mean, random_mask_downsample

Network = Callable[[Tensor], Tensor]

WINDOW = 5  # paper, Eq. 4: mean and deviation over 5 x 5 pixels; at the border over those inside the frame
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601; the paper says "luminance" only


def luminance(frame: Tensor) -> Tensor:
    """Luminance of RGB; the channel itself of grey; the mean of any other number of channels.

    Shape:
        frame: (b, c, h, w)
        returns: (b, 1, h, w)
    """
    if frame.shape[1] != len(LUMINANCE):
        return frame.mean(dim=1, keepdim=True)
    weights = frame.new_tensor(LUMINANCE).view(1, -1, 1, 1)
    return (frame * weights).sum(dim=1, keepdim=True)


def local_mean(frame: Tensor) -> Tensor:
    """Mean over the 5 x 5 window of each pixel, clipped at the frame's border.

    Shape:
        frame: (b, c, h, w)
        returns: (b, c, h, w)
    """
    return avg_pool2d(frame, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False)


def local_variance(plane: Tensor) -> Tensor:
    """Population variance over the 5 x 5 window of each pixel, clipped at the frame's border.

    Shape:
        plane: (b, 1, h, w)
        returns: (b, 1, h, w), never negative
    """
    centred = plane - plane.mean(dim=(-2, -1), keepdim=True)  # keeps the difference of squares exact
    return (local_mean(centred.square()) - local_mean(centred).square()).clamp_min(0)


def similarity(denoised_1: Tensor, denoised_2: Tensor, c_constant: float) -> Tensor:
    """d of Eq. 4: near 1 where both halves show the same structure, near 0 where neither shows any.

    Shape:
        denoised_1, denoised_2: (b, c, h, w)
        returns: (b, 1, h, w) in [0, 1]
    """
    variance_1 = local_variance(luminance(denoised_1))
    variance_2 = local_variance(luminance(denoised_2))
    return 2 * (variance_1 * variance_2).sqrt() / (variance_1 + variance_2 + c_constant)


def interactive_equality(denoised_1: Tensor, denoised_2: Tensor, masked_1: Tensor, masked_2: Tensor) -> Tensor:
    """L_ie, Eq. 2: f(y_1n) against G_2n(f(y)) and f(y_2n) against G_1n(f(y)); mind the crossing.

    Shape:
        denoised_1, denoised_2: f(y_1n), f(y_2n); masked_1, masked_2: G_1n(f(y)), G_2n(f(y)); all (b, c, h/2, w/2)
    """
    return mse_loss(denoised_1, masked_2) + mse_loss(denoised_2, masked_1)


def cross_mapping(denoised_1: Tensor, denoised_2: Tensor, half_1: Tensor, half_2: Tensor) -> Tensor:
    """L_cm, Eq. 3: f(y_1n) against y_2n and f(y_2n) against y_1n.

    Shape:
        denoised_1, denoised_2: f(y_1n), f(y_2n); half_1, half_2: y_1n, y_2n; all (b, c, h/2, w/2)
    """
    return mse_loss(denoised_1, half_2) + mse_loss(denoised_2, half_1)


def interactive_denoising(denoised_1: Tensor, denoised_2: Tensor, c_constant: float, detach: bool) -> Tensor:
    """L_id, Eq. 4: pulls f(y_in) to its local mean where the two halves agree on no structure.

    Shape:
        denoised_1, denoised_2: f(y_1n), f(y_2n), (b, c, h/2, w/2)
        detach: no gradient into the local means and d (and so none through a root at zero variance)
    """
    with torch.set_grad_enabled(torch.is_grad_enabled() and not detach):
        mean_1, mean_2 = local_mean(denoised_1), local_mean(denoised_2)
        weight = 1 - similarity(denoised_1, denoised_2, c_constant)  # (b, 1, h/2, w/2)
    return (weight * (denoised_1 - mean_1)).square().mean() + (weight * (denoised_2 - mean_2)).square().mean()


def mbd_loss(network: Network, noisy: Tensor, mask: Tensor, config: MbdConfig) -> Tensor:
    """The loss of stage 1: a_ie L_ie + a_cm L_cm + a_id L_id.

    Shape:
        noisy: (b, c, h, w), h and w even, normalised; mask: bool (b, c or 1, h/2, w/2)

    Paper: Eq. 2-4, Sec. 3.2.
    """
    half_1, half_2 = random_mask_downsample(noisy, mask)
    denoised_1, denoised_2 = network(torch.cat((half_1, half_2))).float().chunk(2)
    masked_1, masked_2 = random_mask_downsample(network(noisy).float(), mask)
    loss = config.alpha_ie * interactive_equality(denoised_1, denoised_2, masked_1, masked_2)
    loss = loss + config.weight_cross_mapping * cross_mapping(denoised_1, denoised_2, half_1, half_2)
    if config.weight_denoising:
        loss = loss + config.weight_denoising * interactive_denoising(
            denoised_1, denoised_2, config.c_constant, config.detach_statistics
        )
    return loss


def grd_loss(network: Network, noisy: Tensor, teacher: Tensor, config: GrdConfig) -> Tensor:
    """The loss of stage 2: b_re L_re + b_con L_con against the fixed t = (D1 + D2) / 2 of the teacher's result.

    Unless its weight is zero, a third term compares at full resolution (not in the paper): the other two see the
    means of 2 x 2 blocks only.

    Shape:
        noisy: (b, c, h, w), normalised; teacher: f(noisy), the same shape, no gradient

    Paper: Eq. 5-6, Sec. 3.3.
    """
    target = block_mean(teacher)
    denoised = network(noisy).float()
    loss = config.weight_gap * mse_loss(network(block_mean(noisy)).float(), target)
    loss = loss + config.weight_consistency * mse_loss(block_mean(denoised), target)
    if config.weight_distillation:
        loss = loss + config.weight_distillation * mse_loss(denoised, teacher)
    return loss
