"""What the pretrained network says of the noise of frames, before or without adapting to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.correlated_line import fit_correlated_line
from zsn2m_deploy.fit.run import FrameGroup, Run
from zsn2m_deploy.noise.grain import guessed_with, has_grain, with_grain
from zsn2m_deploy.noise.guesses import FirstGuess, first_guesses
from zsn2m_deploy.noise.heavy_tails import with_heavy_tails
from zsn2m_deploy.noise.mosaics import shared_by_planes
from zsn2m_deploy.noise.places import unevenness
from zsn2m_deploy.noise.refine import refine_noise
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_deploy.pretrain.weights import pretrained, pretrained_for
from zsn2m_runtime.mosaic_record import COLOURS, PLANES
from zsn2m_runtime.noise.estimate import estimate_noise

FEW_LOOKS = 4  # steps whose crops it denoises where nothing is adapted: half of what adapting looks at


def measured_noise(
    run: Run, group: FrameGroup, prior: Callable[[Tensor], Tensor], crops: Sequence[Tensor], seed: int
) -> tuple[list[FirstGuess], FrameGroup]:
    """A group of frames with its noise: an estimate by patches, put right by what the pretrained network removes.

    The planes of a mosaic share one line of the variance, which stands where it was found beside texture; tails are not
    looked for, nor unevenness. Grain that all channels share is measured in their mean.

    Args:
        prior: the pretrained network
        crops: of the group, as a sampler of the run gives them
    Returns:
        what the network makes of the crops, and the group
    """
    guesses = first_guesses(crops, prior, run.channels)
    if run.channels == PLANES:
        noise = group.noise
        if not noise.alike:
            noise = shared_by_planes(refine_noise(noise, prior, guesses, seed), guesses)
        return guesses, replace(group, noise=noise)
    noise, uneven = refine_noise(group.noise, prior, guesses, seed), None
    if run.channels == COLOURS and not (group.compressed or noise.apart):  # such channels share none
        grey = run.fitter.place(pretrained(1))
        grain = _of_mean(run, group, grey, crops, seed) if has_grain(guesses, grey) else None
        if grain and grain.noise.correlated:
            levels = np.concatenate([guess.levels().double().cpu().numpy() for guess in guesses])
            noise = with_grain(noise, grain.noise, levels)
            return guessed_with(grey, guesses), replace(group, noise=noise, uneven=grain.uneven, grain=grain.noise)
    if not group.compressed:  # the noise of JPEGs is never even
        if noise.correlated and not (noise.jpeg or noise.regular):
            noise = fit_correlated_line(noise, prior, guesses, seed)
        uneven = unevenness(prior, run.with_blanks(group), noise, seed)
        if uneven and noise.correlated:  # by texture where there is hardly any noise
            noise = noise.without_correlation()
    pixels = sum(frame[0].numel() for frame in run.frames_of(group))
    return guesses, replace(group, noise=with_heavy_tails(noise, guesses, pixels), uneven=uneven)


def _of_mean(
    run: Run, group: FrameGroup, grey: Callable[[Tensor], Tensor], crops: Sequence[Tensor], seed: int
) -> FrameGroup:
    """A group of frames of colours as grey ones, the mean of their channels, with the noise of that."""
    means, blanks = run.of_means(), None
    frames = [frame[0].double().cpu().numpy() for frame in means.frames_of(group)]
    if run.shown is not None:
        blanks = [run.shown[index][0].cpu().numpy() == 0 for index in group.frames]
    crops = [torch.cat((crop[:, :COLOURS].mean(dim=1, keepdim=True), crop[:, COLOURS:]), dim=1) for crop in crops]
    return measured_noise(means, replace(group, noise=estimate_noise(frames, blanks)), grey, crops, seed)[1]


def confirm_noise(run: Run, config: TrainConfig) -> Run:
    """The run with its noise measured by the pretrained network, where nothing is adapted.

    The run's random numbers stay as they were.
    """
    prior, schedule = run.fitter.place(pretrained_for(run.pool)), config.sensor.schedule
    groups = []
    for group in run.groups:
        generator = torch.Generator().manual_seed(config.seed)
        crops = run.crops(run.frames_of(group), schedule, SensorNet.stride, generator)
        groups.append(measured_noise(run, group, prior, [crops() for _ in range(FEW_LOOKS)], config.seed)[1])
    return replace(run, groups=tuple(groups))
