"""Zero-shot training: from the noisy frames of one sensor to trained networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.adapt.mixture import grouped, in_words
from zsn2m_deploy.adapt.stage import train_sensor
from zsn2m_deploy.config.training import Precision, TrainConfig
from zsn2m_deploy.fit.device import resolve_device, resolve_precision
from zsn2m_deploy.fit.fitter import Fitter, ProgressCallback
from zsn2m_deploy.fit.run import FrameGroup, Notes, Run
from zsn2m_deploy.frames.scene import Scene, scene_of
from zsn2m_deploy.frames.screening import IMPULSES, REGULAR_DETAIL, Screening, screen
from zsn2m_deploy.noise.defects import Defects, defects_in_words, find_defects_of_groups
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.noise.offsets import NO_OFFSETS, Offsets
from zsn2m_deploy.paper.stages import train_mbd_and_grd
from zsn2m_deploy.pretrain.confirm import confirm_noise
from zsn2m_deploy.pretrain.offsets import find_offsets
from zsn2m_deploy.trained import Trained
from zsn2m_runtime.blank.areas import largest_scene, present
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.impulses import Impulses, find_impulses
from zsn2m_runtime.noise.jpeg import with_jpeg_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise_record import Span
from zsn2m_runtime.patterns import kind_of_stripes
from zsn2m_runtime.sample_types import Pixels

REGULAR = (
    "the frame has regular detail, as lines, fabrics, screens and lattices have: its noise was measured between the "
    "peaks of the spectrum, and counts as shared by no pixels"
)
DEFECTS = "the frame has hot or dead pixels or other impulses, which the estimate does not see where they stay"
OFFSETS_LEFT = "rows, columns or frames shared noise, of which the estimate does not see what is left"
IMPULSES_STAY = "stays, and is taken for noise; train with method adapt and correct_impulses, its default"
HEAVY_TAILS = "the noise has heavy tails, for which the estimate does not hold"
SMALLEST_SIDE = 16  # pixels; of smaller frames, a half-size one has little more than one 5 x 5 window of Eq. 4


def train(
    frames: Sequence[Pixels | Frame],
    config: TrainConfig,
    progress: ProgressCallback | None = None,
    names: Sequence[str] | None = None,
    ends: Span | None = None,
) -> Trained:
    """Train the networks of `config.method` on the noisy frames of one sensor.

    Shape:
        frames: each (h, w), (h, w, 3) or (h, w, 4) planes of a mosaic (`zsn2m_runtime.mosaic_planes`), sensor units,
            at least 16 x 16; sizes may differ, channels may not; blank areas (padding, alpha 0, NaN) are left out
    Args:
        progress: is told the stage, its step and its loss
        names: of the frames, for errors
        ends: least and most that the sensor gives, where samples are clipped; None: unknown
    Raises:
        InputError: frames that are too small, of different channel counts, constant, nearly all blank, or a colour
            filter mosaic; for methods mbd and full also frames of different noise.
        UsageError: contradicting options, or a precision that the device lacks.
        UnavailableError: a device that this machine lacks.
        TrainingError: the loss was not finite, or a network's results do not follow its frames.

    Deterministic for a seed on one CPU with one thread count. Source: docs/decisions/pretrained-default.md for the
    default; Zero-Shot Noise2Mean, Sec. 3.2 and 3.3, for the others.
    """
    given = [frame if isinstance(frame, Frame) else Frame(frame) for frame in frames]
    scenes = _scenes(given, config)
    found = find_impulses(*zip(*scenes, strict=True))
    scenes, impulses = _without_impulses(scenes, found, config)
    screened = screen([largest_scene(*scene) for scene in scenes], config.mosaic)
    if found and not impulses:
        screened = screened.having(IMPULSES, f"{found.in_words()}, {IMPULSES_STAY}")
    device = resolve_device(config.device)
    precision = _precision(config, device)
    notes = Notes()
    scenes, screened, offsets = _without_offsets(scenes, given, screened, config, device, ends)
    notes.hints.extend(offsets.in_words())
    groups, defects = _noise(scenes, config, device)
    # Method adapt trains with a noise estimate that leaves regular detail out.
    if config.stage == "sensor" and all(group.noise.regular for group in groups):
        screened = screened.without(REGULAR_DETAIL)
    any_regular = any(group.noise.regular for group in groups)
    for text in screened.warnings:
        notes.warn(text)
    if any_regular:
        notes.hints.append(REGULAR)
    asked = config.sensor.correct_defects
    corrected = defects if asked else None
    if corrected:
        scenes = [Scene(pixels, scene.blank) for pixels, scene in zip(corrected.frames, scenes, strict=True)]
    config = config.updated(
        {"sensor": {"correct_impulses": impulses is not None, "correct_defects": corrected is not None}}
    )

    low, scale = _values_in_use(scenes)
    correction = ImpulseCorrection(groups[0].noise.channels, impulses.rule) if impulses else None
    run = Run(
        pool=[(torch.from_numpy(to_nchw(scene.pixels)[0]).to(device) - low) / scale for scene in scenes],
        groups=tuple(group.rescaled(low, scale) for group in groups),
        low=low,
        scale=scale,
        fitter=Fitter(device, precision, progress),
        generator=torch.Generator().manual_seed(config.seed),
        notes=notes,
        shown=[_presence(scene, device) for scene in scenes] if any(s.blank is not None for s in scenes) else None,
        offsets=offsets,
        correction=corrected.correction.rescaled(low, scale) if corrected else None,
        impulses=correction.rescaled(low, scale) if correction else None,
    )
    if config.stage == "sensor":
        fitted = train_sensor(run, config)
    else:
        run = confirm_noise(run, config)
        if len(run.groups) > 1:
            _refuse_mixture(run, config, names)
        fitted = train_mbd_and_grd(run, config)
    with_tails = any(group.noise.tails for group in fitted.groups)
    spoken_for = with_tails or (asked and impulses)  # the network learns tails; impulses are replaced
    if corrected or not spoken_for:
        for text in defects_in_words(defects, asked, any_regular):
            notes.warn(text)
    return Trained(
        config=fitted.config,
        channels=run.channels,
        offset=low,
        scale=scale,
        groups=tuple(group.rescaled(-low / scale, 1 / scale) for group in fitted.groups),  # the way back
        networks=fitted.networks,
        reports=fitted.reports,
        device=str(device),
        precision=precision,
        warnings=tuple(notes.warnings),
        hints=tuple(notes.hints),
        offsets=offsets,
        correction=corrected.correction if corrected else None,
        defective_share=corrected.share if corrected else 0.0,
        impulses=correction.record() if correction else None,
        impulse_share=impulses.share if impulses else 0.0,
        unmodelled=screened.unmodelled
        or (OFFSETS_LEFT if offsets else None)
        or (HEAVY_TAILS if with_tails else None)
        or (DEFECTS if defects else None),
    )


def _scenes(given: Sequence[Frame], config: TrainConfig) -> list[Scene]:
    _check([frame.pixels for frame in given], config)
    scenes = [scene_of(frame) for frame in given]
    _check([scene.pixels for scene in scenes], config)  # may be too small without their blank borders
    return scenes


def _without_impulses(
    scenes: list[Scene], impulses: Impulses | None, config: TrainConfig
) -> tuple[list[Scene], Impulses | None]:
    """The scenes as the exported graph makes them first, and what it replaces."""
    if not impulses or config.stage != "sensor" or not config.sensor.correct_impulses:
        return scenes, None
    return [Scene(pixels, scene.blank) for pixels, scene in zip(impulses.frames, scenes, strict=True)], impulses


def _without_offsets(
    scenes: list[Scene],
    given: Sequence[Frame],
    screened: Screening,
    config: TrainConfig,
    device: torch.device,
    ends: Span | None,
) -> tuple[list[Scene], Screening, Offsets]:
    """The scenes as the graph makes them next, what is then left to warn of, and what it takes away."""
    if config.stage != "sensor" or not config.sensor.correct_offsets:
        return scenes, screened, NO_OFFSETS
    offsets, rest = find_offsets(scenes, given, screened.patterns, device, ends)
    for found in offsets.row_noise:
        screened = screened.without(kind_of_stripes(found.axis))
    return [Scene(pixels, scene.blank) for pixels, scene in zip(rest, scenes, strict=True)], screened, offsets


def _precision(config: TrainConfig, device: torch.device) -> Precision:
    if config.stage == "sensor" and config.precision == "auto" and device.type == "cpu":
        return "fp32"  # bf16 is 1.45 times slower: docs/decisions/float32-on-cpu.md
    return resolve_precision(config.precision, device)


def _noise(
    scenes: Sequence[Scene], config: TrainConfig, device: torch.device
) -> tuple[list[FrameGroup], Defects | None]:
    """Groups of frames that share a noise model, in sensor units, and their defective pixels.

    If defective pixels are corrected, the noise model is estimated without them.
    """
    pixels, blanks = [scene.pixels for scene in scenes], [scene.blank for scene in scenes]
    grouping = grouped(pixels, config.sensor.schedule, device, config.seed, blanks)
    noises = [estimate_noise([pixels[i] for i in group], [blanks[i] for i in group]) for group in grouping]
    defects, without = find_defects_of_groups(pixels, grouping, noises, blanks)
    if defects and config.sensor.correct_defects:
        noises = without
    groups = [
        FrameGroup(tuple(group), with_jpeg_noise(noise, [pixels[i] for i in group], [blanks[i] for i in group]))
        for group, noise in zip(grouping, noises, strict=True)
    ]
    return groups, defects


def _presence(scene: Scene, device: torch.device) -> Tensor:
    """1 where a scene is not blank, else 0: (1, h, w) float32."""
    blank = np.zeros(scene.pixels.shape[:2], bool) if scene.blank is None else scene.blank
    return torch.from_numpy(~blank)[None].float().to(device)


def _values_in_use(scenes: Sequence[Scene]) -> tuple[float, float]:
    """Lowest value in use, and the span up to the highest; sensor units."""
    low, high = value_span([present(*scene) for scene in scenes])
    if high <= low:
        raise InputError(f"expected frames with some variation, but nearly all values are {low:g}; nothing to learn")
    return low, high - low


def _refuse_mixture(run: Run, config: TrainConfig, names: Sequence[str] | None) -> NoReturn:
    named = names or [f"frame {number}" for number in range(1, len(run.pool) + 1)]
    levels = [([named[index] for index in group.frames], run.scale * run.sigma(group)) for group in run.groups]
    raise InputError(
        f"expected frames of the same noise for method {config.method}, but got {in_words(levels)}; train them "
        f"separately, or take the default (--method adapt), which adapts to a mixture"
    )


def _check(frames: Sequence[Pixels], config: TrainConfig) -> None:
    if not frames:
        raise InputError("expected at least one frame to train on, but got none")
    if config.sensor.correct_defects and config.stage != "sensor":
        raise UsageError(f"expected method adapt where defective pixels are corrected, but got {config.method}")
    if frames[0].shape[2:] == (PLANES,) and config.stage != "sensor":
        raise UsageError(f"expected method adapt for mosaics, but got {config.method}; leave out --method")
    channels = {1 if frame.ndim == 2 else frame.shape[2] for frame in frames}
    if len(channels) > 1:
        raise InputError(f"expected frames of one sensor, but got {sorted(channels)} channels; train them separately")
    halvings = len(config.grd.widths) if config.stage == "full" else 0  # of the size, in GRD-Net
    smallest = max(SMALLEST_SIDE, 2**halvings)
    for frame in frames:
        if min(frame.shape[:2]) < smallest:
            raise InputError(
                f"expected training frames of at least {smallest} x {smallest} pixels, but got "
                f"{frame.shape[1]} x {frame.shape[0]} (width x height); use a larger frame of the same sensor"
            )
