"""Results on a frame of a drawn camera: the product's, and that of a network which was told the truth."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmarks.camera_cases import Case
from benchmarks.quality.methods import apply
from zsn2m_deploy.adapt.scenes import synthetic_scenes
from zsn2m_deploy.adapt.stage import PALETTE_STEP
from zsn2m_deploy.config.training import Preset, TrainConfig
from zsn2m_deploy.fit.crops import CropSampler
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.noise.mean import samples
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained_for
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.self_check import Context, self_check
from zsn2m_deploy.report.warnings import warnings
from zsn2m_deploy.training import train
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise.model import Doubles

RANGE = (0.0, 255.0)
NOT_LEARNED = "of which the pretrained network leaves a part"  # said of `instant` by itself, whatever the result


def ours(of: Case, preset: Preset) -> tuple[Doubles, str]:
    """A result of the product, and its warnings."""
    trained = train([of.noisy], TrainConfig.from_preset(preset).updated({"device": "cpu", "video": False}))

    def denoise(pixels: Doubles) -> Doubles:
        return apply(trained, "sensor", pixels.astype(np.float32)).astype(np.float64)

    noisy = of.noisy.astype(np.float64)
    result = denoise(noisy)
    removed = analyse(of.noisy, np.rint(result).clip(*RANGE).astype(np.uint8), trained.noise.normal, RANGE)
    check = self_check(noisy, denoise, trained.noise, RANGE, Context(removed.structured, trained.unmodelled))
    presence = presence_of(of.noisy, trained.noise)
    uneven = any(group.uneven is not None for group in trained.groups)
    said = (*trained.warnings, *warnings(removed, check, trained.config, presence, uneven))
    return result, " | ".join(text for text in said if NOT_LEARNED not in text).replace("\n", " ")


def told(of: Case, preset: Preset) -> Doubles:
    """The result of a network that learned from the true camera."""
    config = TrainConfig.from_preset(preset)
    schedule, rng = config.sensor.schedule, np.random.default_rng(config.seed)
    low, high = value_span([of.noisy])
    frame = (torch.from_numpy(to_nchw(of.noisy)[0]) - low) / (high - low)
    fitter, generator = Fitter(torch.device("cpu"), "fp32"), torch.Generator().manual_seed(config.seed)
    sensor = pretrained_for([frame])
    network = fitter.place(sensor)
    with torch.no_grad():
        colours = samples(network(frame[None]))[::PALETTE_STEP]
    scenes = synthetic_scenes(colours, config.sensor, config.seed) * (high - low) + low
    crops = CropSampler(list(scenes), schedule, SensorNet.stride, generator)

    def loss(drawn: Tensor) -> Tensor:
        pictures = drawn.movedim(1, 3).double().numpy()
        clean, noisy = (
            (torch.from_numpy(np.stack([of.camera.photograph(picture, by) for picture in pictures])) - low)
            / (high - low)
            for by in (None, rng)
        )
        return (network(noisy.movedim(3, 1).float()) - clean.movedim(3, 1).float()).square().mean()

    fitter.fit("told", sensor, loss, crops, schedule)
    with torch.no_grad():
        return from_nchw((network(frame[None]) * (high - low) + low).numpy(), np.float32).astype(np.float64)
