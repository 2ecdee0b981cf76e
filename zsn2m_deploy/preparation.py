"""Frames made ready for a method: what is corrected in them, what warned of, and which noise is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from zsn2m_deploy.adapt.mixture import grouped
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.run import FrameGroup
from zsn2m_deploy.frames.first_look import FirstLook, first_look, with_pixels, without_lines
from zsn2m_deploy.frames.scene import Scene
from zsn2m_deploy.frames.screening import DEAD_LINES, REGULAR_DETAIL, Screening, with_bands
from zsn2m_deploy.noise.corrections import Corrections
from zsn2m_deploy.noise.defects import Defects, find_defects_of_groups
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.noise.offsets import NO_OFFSETS
from zsn2m_deploy.pretrain.offsets import find_offsets
from zsn2m_runtime.blank.areas import largest_scene
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.jpeg import assumed_way, jpeg_in_words, jpeg_of, with_jpeg_noise
from zsn2m_runtime.noise_record import Span
from zsn2m_runtime.patterns import kind_of_stripes
from zsn2m_runtime.patterns.dead_lines import without_own_dead_lines
from zsn2m_runtime.sample_types import Pixels, is_grey

DEFECTS = "the frame has hot or dead pixels or other impulses, which the estimate does not see where they stay"
OFFSETS_LEFT = "rows, columns or frames shared noise, of which the estimate does not see what is left"
JPEG_LEFT = "the frame is a JPEG, which takes noise in some places and leaves it in others"
HEAVY_TAILS = "the noise has heavy tails, for which the estimate does not hold"
# Of grey JPEGs, from which on noise is hardly touched: docs/decisions/noise-at-each-brightness-in-the-range.md
FAITHFUL_QUALITY = 90


@dataclass(frozen=True)
class Prepared:
    """Frames as the network is to see them, and what is known of them.

    scenes: corrected
    groups: of frames that share a noise model, sensor units
    defects: that were found, corrected or not
    """

    scenes: list[Scene]
    groups: list[FrameGroup]
    corrections: Corrections
    screened: Screening
    defects: Defects | None

    @property
    def any_regular(self) -> bool:
        """Whether some frames have regular detail."""
        return any(group.noise.regular for group in self.groups)

    def unmodelled(self, with_tails: bool) -> str | None:
        """What of the frames the noise model does not cover; None: nothing."""
        return (
            self.screened.unmodelled
            or (JPEG_LEFT if any(group.altered for group in self.groups) else None)
            or (OFFSETS_LEFT if self.corrections.offsets else None)
            or (HEAVY_TAILS if with_tails else None)
            or (DEFECTS if self.defects else None)
        )


def prepare(
    given: Sequence[Frame],
    config: TrainConfig,
    device: torch.device,
    ends: Span | None,
    look: FirstLook | None = None,
) -> Prepared:
    """Look at frames, correct them as the exported graph will, and estimate the noise of what is left.

    Args:
        ends: least and most that the sensor gives, where samples are clipped; None: unknown
        look: at these frames; None: they are looked at now
    Raises:
        InputError: frames that are too small, of different channel counts, or a colour filter mosaic
        UsageError: contradicting options
    """
    look = look or first_look(given, config)
    scenes, screened, impulses = look.scenes, look.screened, look.impulses
    offsets = NO_OFFSETS
    if config.stage == "sensor" and config.sensor.correct_offsets:
        offsets, rest = find_offsets(scenes, given, screened.patterns, device, ends)
        scenes = with_pixels(scenes, rest)
        for row_noise in offsets.row_noise:
            screened = screened.without(kind_of_stripes(row_noise.axis))
    alive = without_lines(scenes, look.lines)  # where they stay they are no noise
    if DEAD_LINES in screened.said:  # others, which the frames do not share
        alive = with_pixels(scenes, [without_own_dead_lines(scene.pixels)[0] for scene in alive])
    screened = with_bands(screened, [largest_scene(*scene) for scene in alive])
    groups, defects = _noise(alive, look, config, device)
    # Method adapt trains with a noise estimate that leaves regular detail out.
    if config.stage == "sensor" and all(group.noise.regular for group in groups):
        screened = screened.without(REGULAR_DETAIL)
    corrected = defects if config.sensor.correct_defects else None
    if corrected:
        scenes = with_pixels(scenes, _with_lines_kept(corrected.frames, scenes, alive))
    channels = groups[0].noise.channels
    corrections = Corrections(
        ImpulseCorrection(channels, impulses.rule) if impulses else None,
        offsets,
        corrected.correction if corrected else None,
        impulses.share if impulses else 0.0,
        corrected.share if corrected else 0.0,
        look.replaced,
    )
    return Prepared(scenes, groups, corrections, screened, defects)


def _with_lines_kept(corrected: Sequence[Pixels], scenes: Sequence[Scene], alive: Sequence[Scene]) -> list[Pixels]:
    """Corrected frames with the lines that the exported graph will see, too; `alive` is without."""
    together = zip(corrected, scenes, alive, strict=True)
    return [np.where(without.pixels == scene.pixels, frame, scene.pixels) for frame, scene, without in together]


def _noise(
    scenes: Sequence[Scene], look: FirstLook, config: TrainConfig, device: torch.device
) -> tuple[list[FrameGroup], Defects | None]:
    """Groups of frames that share a noise model, in sensor units, and their defective pixels.

    If defective pixels are corrected, the noise model is estimated without them.
    """
    pixels, blanks = [scene.pixels for scene in scenes], [scene.blank for scene in scenes]
    grouping = grouped(pixels, config.sensor.schedule, device, config.seed, blanks)
    noises = [look.noise_of([pixels[i] for i in group], [blanks[i] for i in group]) for group in grouping]
    defects, without = find_defects_of_groups(pixels, grouping, noises, blanks)
    if defects and config.sensor.correct_defects:
        noises = without
    groups = []
    for group, noise in zip(grouping, noises, strict=True):
        frames, hidden = [pixels[i] for i in group], [blanks[i] for i in group]
        jpeg, of_colours = jpeg_of(frames), not all(map(is_grey, frames))
        found = with_jpeg_noise(noise, frames, jpeg, hidden)
        way = assumed_way(found, frames, jpeg.coarsest) if jpeg and of_colours else None
        said = jpeg_in_words(jpeg, found.jpeg, of_colours) if jpeg else None
        altered = jpeg is not None and (of_colours or jpeg.coarsest < FAITHFUL_QUALITY)
        groups.append(FrameGroup(tuple(group), found, way, jpeg=said, altered=altered))
    return groups, defects
