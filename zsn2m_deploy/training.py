"""Zero-shot training: from the noisy frames of one sensor to trained networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.adapt.mixture import in_words
from zsn2m_deploy.adapt.stage import train_sensor
from zsn2m_deploy.config.training import Precision, TrainConfig
from zsn2m_deploy.fit.device import resolve_device, resolve_precision
from zsn2m_deploy.fit.fitter import Fitter, ProgressCallback
from zsn2m_deploy.fit.run import Notes, Run
from zsn2m_deploy.frames.first_look import FirstLook
from zsn2m_deploy.frames.scene import Scene
from zsn2m_deploy.noise.defects import defects_in_words
from zsn2m_deploy.paper.stages import train_mbd_and_grd
from zsn2m_deploy.preparation import Prepared, prepare
from zsn2m_deploy.pretrain.confirm import confirm_noise
from zsn2m_deploy.pretrain.weights import is_grey
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.video.stage import train_video
from zsn2m_runtime.blank.areas import present
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame, to_nchw
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise_record import Span
from zsn2m_runtime.patterns.dead_lines import replaced_in_words
from zsn2m_runtime.sample_types import Pixels

GREY = (
    "all channels are the same, as of a grey frame that is stored in colours: the grey network was taken, and the "
    "bundle is for such frames alone"
)
UNEVEN = "the noise is not even over the frame, and the estimate refers to one level"
REGULAR = (
    "the frame has regular detail, as lines, fabrics, screens and lattices have: its noise was measured between the "
    "peaks of the spectrum, and counts as shared by no pixels"
)


def train(
    frames: Sequence[Pixels | Frame],
    config: TrainConfig,
    progress: ProgressCallback | None = None,
    names: Sequence[str] | None = None,
    ends: Span | None = None,
    look: FirstLook | None = None,
) -> Trained:
    """Train the networks of `config.method` on the noisy frames of one sensor.

    Shape:
        frames: each (h, w), (h, w, 3) or (h, w, 4) planes of a mosaic (`zsn2m_runtime.mosaic_planes`), sensor units,
            at least 16 x 16; sizes may differ, channels may not; blank areas (padding, alpha 0, NaN) are left out
    Args:
        progress: is told the stage, its step and its loss
        names: of the frames, for errors
        ends: least and most that the sensor gives, where samples are clipped; None: unknown
        look: at these frames, as `prepare` takes it
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
    device = resolve_device(config.device)
    asked = config.sensor.correct_defects
    prepared = prepare(given, config, device, ends, look)
    notes = _noticed(prepared)
    found = prepared.corrections
    config = config.updated(
        {"sensor": {"correct_impulses": found.impulses is not None, "correct_defects": found.defects is not None}}
    )
    run = _run(prepared, Fitter(device, _precision(config, device), progress), config.seed, notes)
    if config.stage == "sensor":
        if run.channels > 1 and is_grey(run.pool):
            notes.hints.append(GREY)
        fitted = train_sensor(run, config)
        if config.video:
            fitted = train_video(run, config, fitted)
    else:
        run = confirm_noise(run, config)
        if len(run.groups) > 1:
            _refuse_mixture(run, config, names)
        fitted = train_mbd_and_grd(run, config)
    with_tails = any(group.noise.tails for group in fitted.groups)
    _warn_of_defects(prepared, asked, with_tails, notes)
    return Trained(
        config=fitted.config,
        channels=run.channels,
        offset=run.low,
        scale=run.scale,
        groups=tuple(group.rescaled(-run.low / run.scale, 1 / run.scale) for group in fitted.groups),  # the way back
        networks=fitted.networks,
        reports=fitted.reports,
        device=str(device),
        precision=run.fitter.precision,
        warnings=tuple(notes.warnings),
        hints=tuple(notes.hints),
        corrections=found,
        unmodelled=UNEVEN if any(group.uneven for group in fitted.groups) else prepared.unmodelled(with_tails),
        share=fitted.share,
    )


def _noticed(prepared: Prepared) -> Notes:
    """What is said of the frames before anything is learnt."""
    notes, corrections = Notes(), prepared.corrections
    for text in prepared.screened.warnings:
        notes.warn(text)
    notes.hints.extend(corrections.offsets.in_words())
    if corrections.lines:
        notes.hints.append(replaced_in_words(corrections.lines))
    if prepared.any_regular:
        notes.hints.append(REGULAR)
    notes.hints.extend(f"JPEG {said}" for said in dict.fromkeys(group.jpeg for group in prepared.groups) if said)
    return notes


def _warn_of_defects(prepared: Prepared, asked: bool, with_tails: bool, notes: Notes) -> None:
    """Of defective pixels, unless what passes for them is learnt as tails, or replaced as salt and pepper or lines.

    Args:
        asked: whether they were to be corrected
        with_tails: whether the noise that was learnt has tails
    """
    corrections = prepared.corrections
    spoken_for = with_tails or (asked and corrections.impulses)
    if (corrections.defects or not spoken_for) and (prepared.defects or not corrections.lines):
        for text in defects_in_words(prepared.defects, asked, prepared.any_regular):
            notes.warn(text)


def _run(prepared: Prepared, fitter: Fitter, seed: int, notes: Notes) -> Run:
    scenes, device = prepared.scenes, fitter.device
    low, scale = _values_in_use(scenes)
    return Run(
        pool=[(torch.from_numpy(to_nchw(scene.pixels)[0]).to(device) - low) / scale for scene in scenes],
        groups=tuple(group.rescaled(low, scale) for group in prepared.groups),
        low=low,
        scale=scale,
        fitter=fitter,
        generator=torch.Generator().manual_seed(seed),
        notes=notes,
        shown=[_presence(scene, device) for scene in scenes] if any(s.blank is not None for s in scenes) else None,
        corrections=prepared.corrections,
    )


def _precision(config: TrainConfig, device: torch.device) -> Precision:
    if config.stage == "sensor" and config.precision == "auto" and device.type == "cpu":
        return "fp32"  # bf16 is 1.45 times slower: docs/decisions/float32-on-cpu.md
    return resolve_precision(config.precision, device)


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
