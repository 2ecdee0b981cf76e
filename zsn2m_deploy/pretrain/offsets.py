"""Row noise and fixed-pattern noise of the training frames; the latter by what the pretrained network removes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from zsn2m_deploy.frames.scene import Scene
from zsn2m_deploy.frames.screening import find_row_noise
from zsn2m_deploy.noise.defects import find_defects
from zsn2m_deploy.noise.fixed_pattern import FixedPattern, find_fixed_pattern
from zsn2m_deploy.noise.offsets import Offsets
from zsn2m_deploy.pretrain.weights import pretrained_for
from zsn2m_export.graph import mirrored, receptive_radius
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, plan_strips, run_in_strips
from zsn2m_runtime.noise.corrections import without_offsets
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.level import value_span
from zsn2m_runtime.noise_record import Span
from zsn2m_runtime.patterns import Patterns
from zsn2m_runtime.sample_types import Pixels

IN_FRAMES = 0.5  # share of the frames, from which on a sample that is found to be defective is so


def find_offsets(
    scenes: Sequence[Scene],
    given: Sequence[Frame],
    patterns: Sequence[Patterns],
    device: torch.device,
    ends: Span | None = None,
) -> tuple[Offsets, list[Pixels]]:
    """The offsets that samples of frames share, and the frames without them; a fixed pattern where nothing is blank.

    What is taken from a frame as its fixed pattern is what the others tell, as of a new frame.

    Args:
        given: the frames that the scenes are of; patterns: that were found in them
        ends: least and most that the sensor gives; None: unknown
    """
    pixels = [scene.pixels for scene in scenes]
    rows = Offsets(tuple(found.model_copy(update={"ends": ends}) for found in find_row_noise(pixels, patterns)))
    without = [rows.without(frame) for frame in pixels]
    sizes = {(scene.pixels.shape, frame.pixels.shape) for scene, frame in zip(scenes, given, strict=True)}
    if (
        len(scenes) == 1
        or len({size for pair in sizes for size in pair}) > 1
        or any(s.blank is not None for s in scenes)
    ):
        return rows, without
    found = fixed_pattern(without, device)
    if found is None:
        return rows, without
    rest = [without_offsets(frame, (), pattern) for frame, pattern in zip(without, found.of_others, strict=True)]
    return Offsets(rows.row_noise, found.pattern, found.sigma), rest


def fixed_pattern(frames: Sequence[Pixels], device: torch.device) -> FixedPattern | None:
    """As `find_fixed_pattern`, with the pretrained network, and without hot or dead pixels.

    Shape:
        frames: each (h, w) or (h, w, 3), of one size, sensor units, finite, without row noise
    """
    low, high = value_span(frames)
    scale, channels = high - low or 1.0, to_nchw(frames[0]).shape[1]
    prior = pretrained_for([torch.from_numpy(to_nchw(frame)[0]) for frame in frames])
    radius = receptive_radius(prior, channels, prior.stride)
    prior = prior.to(device)

    @torch.no_grad()
    def of_rows(rows: Pixels) -> Pixels:
        height, width = rows.shape[:2]
        noisy = (torch.from_numpy(to_nchw(rows)).to(device) - low) / scale
        denoised = prior(mirrored(noisy, prior.stride))[:, :, :height, :width]
        return from_nchw((denoised * scale + low).cpu().numpy(), np.float32)

    def denoise(frame: Pixels) -> Pixels:
        strips = plan_strips(frame.shape[:2], prior.stride, radius, DEFAULT_STRIP_PIXELS)
        return run_in_strips(of_rows, frame.astype(np.float32), strips)

    found = find_fixed_pattern(frames, denoise)
    defects = find_defects(frames, estimate_noise(frames)) if found else None
    if found is None or defects is None:
        return found
    replaced = [made != frame for made, frame in zip(defects.frames, frames, strict=True)]
    return found.without(np.mean(replaced, axis=0) >= IN_FRAMES)
