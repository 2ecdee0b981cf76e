"""Zero-shot training: networks from the noisy frames of one sensor, read top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.adapt.mixture import grouped, in_words
from zsn2m_deploy.adapt.stage import confirm_noise, train_sensor
from zsn2m_deploy.config import TrainConfig
from zsn2m_deploy.fit.device import resolve_device, resolve_precision
from zsn2m_deploy.fit.fitter import Fitter, ProgressCallback
from zsn2m_deploy.fit.run import FrameGroup, Run, Trained
from zsn2m_deploy.frames.scene import Scene, scene_of
from zsn2m_deploy.frames.screening import REGULAR_DETAIL, screen
from zsn2m_deploy.noise.defects import defects_in_words, find_defects_of_groups
from zsn2m_deploy.paper.stages import train_mbd_and_grd
from zsn2m_runtime.blank.areas import largest_scene, present
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.sample_types import Pixels

__all__ = ["Trained", "train"]

REGULAR = (
    "the frame has regular detail, as lines, fabrics, screens and lattices have: its noise was measured between the "
    "peaks of the spectrum, and counts as shared by no pixels"
)
SMALLEST_SIDE = 16  # pixels; below, a half-size frame is hardly larger than the 5 x 5 window


def train(
    frames: Sequence[Pixels | Frame],
    config: TrainConfig,
    progress: ProgressCallback | None = None,
    names: Sequence[str] | None = None,
) -> Trained:
    """Train the networks of `config.method` on the noisy frames of one sensor.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, at least 16 x 16; sizes may differ, channels may not; blank
            areas (padding, alpha 0, NaN) are not learned from
    Args:
        names: of the frames, for errors
    Raises:
        InputError: frames too small, of different channel counts, constant, blank nearly all over, or a mosaic; for
            methods mbd and full also frames of different noise.
        UsageError, UnavailableError: device or precision not to be had.
        TrainingError: the loss stopped being finite, or a network died.

    Paper: Sec. 3.2 and 3.3. Deterministic for a seed on one CPU with one thread count.
    """
    given = [frame if isinstance(frame, Frame) else Frame(frame) for frame in frames]
    channels = _check([frame.pixels for frame in given], config)
    scenes = [scene_of(frame) for frame in given]
    pixels, blanks = [scene.pixels for scene in scenes], [scene.blank for scene in scenes]
    _check(pixels, config)  # without blank borders they may be too small
    screened = screen([largest_scene(*scene) for scene in scenes], config.mosaic)
    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    if config.stage == "sensor" and config.precision == "auto" and device.type == "cpu":
        precision = "fp32"  # narrow layers gain nothing from bf16 on a CPU: 1.45 times slower; measured
    grouping = grouped(pixels, config.sensor.schedule, device, config.seed, blanks)
    noises = [estimate_noise([pixels[i] for i in group], [blanks[i] for i in group]) for group in grouping]
    defects, without = find_defects_of_groups(pixels, grouping, noises, blanks)
    warnings = defects_in_words(defects, config.sensor.correct_defects, any(noise.regular for noise in noises))
    corrected = defects if config.sensor.correct_defects else None
    if corrected:
        pixels, noises = corrected.frames, without
    low, high = _span([Scene(*scene) for scene in zip(pixels, blanks, strict=True)])
    config = config.updated({"sensor": {"correct_defects": corrected is not None}})
    pool = [(torch.from_numpy(to_nchw(frame)[0]).to(device) - low) / (high - low) for frame in pixels]
    shown = [_presence(scene, device) for scene in scenes] if any(blank is not None for blank in blanks) else None

    groups = [FrameGroup(tuple(group), noise) for group, noise in zip(grouping, noises, strict=True)]
    normalised = [FrameGroup(group.frames, group.noise.rescaled(low, high - low)) for group in groups]
    crops = torch.Generator().manual_seed(config.seed)
    run = Run(pool, normalised, Fitter(device, precision, progress), crops, shown)
    trained = Trained(config, channels, low, high - low, groups, {}, str(device), precision)
    if config.stage == "sensor" and all(noise.regular for noise in noises):  # it is told from noise
        screened = screened.without(REGULAR_DETAIL)
    for text in (*screened.warnings, *warnings):
        trained.warn(text)
    if any(noise.regular for noise in noises):
        trained.hints.append(REGULAR)
    trained.unmodelled = screened.unmodelled
    if corrected:
        trained.correction, trained.defective_share = corrected.correction, corrected.share
    if config.stage == "sensor":
        train_sensor(run, trained)
    else:
        confirm_noise(run, trained)
        if len(run.groups) > 1:
            _refuse_mixture(run, trained, names)
        train_mbd_and_grd(run, trained)
    return trained


def _presence(scene: Scene, device: torch.device) -> Tensor:
    """1 where a scene is not blank. Shape: (1, h, w)."""
    blank = np.zeros(scene.pixels.shape[:2], bool) if scene.blank is None else scene.blank
    return torch.from_numpy(~blank)[None].float().to(device)


def _span(scenes: Sequence[Scene]) -> tuple[float, float]:
    low, high = value_span([present(*scene) for scene in scenes])
    if high <= low:
        raise InputError(f"expected frames with some variation, but nearly all values are {low:g}; nothing to learn")
    return low, high


def _refuse_mixture(run: Run, trained: Trained, names: Sequence[str] | None) -> NoReturn:
    named = names or [f"frame {number}" for number in range(1, len(run.pool) + 1)]
    levels = [([named[index] for index in group.frames], trained.scale * run.sigma(group)) for group in run.groups]
    raise InputError(
        f"expected frames of the same noise for method {trained.config.method}, but got {in_words(levels)}; train them "
        f"separately, or take the default (--method adapt), which adapts to a mixture"
    )


def _check(frames: Sequence[Pixels], config: TrainConfig) -> int:
    if not frames:
        raise InputError("expected at least one frame to train on, but got none")
    if config.sensor.correct_defects and config.stage != "sensor":
        raise UsageError(f"expected method adapt where defective pixels are corrected, but got {config.method}")
    channels = {1 if frame.ndim == 2 else frame.shape[2] for frame in frames}
    if len(channels) > 1:
        raise InputError(f"expected frames of one sensor, but got {sorted(channels)} channels; train them separately")
    smallest = max(SMALLEST_SIDE, 2 ** len(config.grd.widths) if config.stage == "full" else 0)  # half-size in GRD-Net
    for frame in frames:
        if min(frame.shape[:2]) < smallest:
            raise InputError(
                f"expected training frames of at least {smallest} x {smallest} pixels, but got "
                f"{frame.shape[1]} x {frame.shape[0]} (width x height); use a larger frame of the same sensor"
            )
    return channels.pop()
