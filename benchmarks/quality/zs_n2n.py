"""ZS-N2N (Mansour and Heckel, CVPR 2023), the method that the paper starts from, at its published settings.

The same layers as MBD-Net; half of the residual losses between the diagonal halves, half of the consistency
losses; Adam 1e-3, halved after 1,500 of 2,000 steps, each on the whole frame. It runs in this project's training
loop: the same memory settings, layouts and precisions. `masks` trains on the paper's masked pairs instead (its Table
4, "+ G").
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from zsn2m_deploy.config.networks import MbdConfig, ScheduleConfig
from zsn2m_deploy.config.training import Precision
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.device import resolve_precision
from zsn2m_deploy.fit.fitter import Fitter, StageReport
from zsn2m_deploy.paper.downsample import diagonal_downsample, mix_halves, random_mask
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.sample_types import Pixels

PUBLISHED = ScheduleConfig(
    iterations=2000,
    optimiser="adam",
    learning_rate=1e-3,
    schedule="step",
    step_size=1500,
    crop_side=4096,  # whole frames
    max_crops=1,
    flips=False,
)
_NETWORK = MbdConfig(level_blind=False)


def loss_of(network: Callable[[Tensor], Tensor], noisy: Tensor, mask: Tensor | None) -> Tensor:
    """The loss of ZS-N2N, means of squares; (b, c, h, w), h and w even."""

    def halves(frame: Tensor) -> tuple[Tensor, Tensor]:
        pair = diagonal_downsample(frame)
        return pair if mask is None else mix_halves(*pair, mask)

    half_1, half_2 = halves(noisy)
    denoised_1, denoised_2 = network(torch.cat((half_1, half_2))).chunk(2)
    whole_1, whole_2 = halves(network(noisy))
    residual = mse_loss(denoised_1, half_2) + mse_loss(denoised_2, half_1)
    consistency = mse_loss(denoised_1, whole_1) + mse_loss(denoised_2, whole_2)
    return (residual + consistency) / 2


def denoise(
    noisy: Pixels,
    seed: int,
    precision: Precision = "auto",
    schedule: ScheduleConfig = PUBLISHED,
    masks: bool = False,
    device_name: str = "cpu",
) -> tuple[Pixels, StageReport]:
    """Train on a frame of the 0 to 255 scale and denoise it, not clamped; (h, w) or (h, w, 3)."""
    device = torch.device(device_name)
    frame = torch.from_numpy(to_nchw(noisy)).to(device) / 255.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MbdNet(frame.shape[1], _NETWORK)
    fitter = Fitter(device, resolve_precision(precision, device))
    apply = fitter.place(network)
    crops = CropSampler([frame[0]], schedule, 2, torch.Generator().manual_seed(seed))
    generator = torch.Generator(device).manual_seed(seed)

    def loss(crop: Tensor) -> Tensor:
        batch, channels, height, width = crop.shape
        half = torch.Size((batch, channels, height // 2, width // 2))
        return loss_of(apply, crop, random_mask(half, generator, crop.device) if masks else None)

    report = fitter.fit("zs-n2n", network, loss, crops, schedule)
    with torch.no_grad():
        result = network(frame).cpu().numpy() * 255.0
    return from_nchw(result, np.float32), report
