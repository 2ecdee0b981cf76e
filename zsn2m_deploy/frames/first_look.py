"""What is seen of frames before anything of torch is needed: dead lines, salt and pepper, patterns.

The command line looks while torch is imported, which takes as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.scene import Scene, corner_of, scene_of
from zsn2m_deploy.frames.screening import IMPULSES, Screening, screen
from zsn2m_runtime.blank.areas import largest_scene
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.impulses import Impulses, find_impulses
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import DeadLinesRecord
from zsn2m_runtime.patterns.dead_lines import shared_dead_lines, why_kept
from zsn2m_runtime.sample_types import Mask, Pixels

IMPULSES_STAY = "stays, and is taken for noise; train with method adapt and correct_impulses, its default"
SMALLEST_SIDE = 16  # pixels; of smaller frames, a half-size one has little more than one 5 x 5 window of Eq. 4


@dataclass(frozen=True)
class FirstLook:
    """What was seen of frames.

    scenes: without the dead lines and impulses that are replaced
    lines, replaced: dead lines that frames share, and those of them that are replaced; None: none
    impulses: that are replaced; None: none
    noise: of a single frame's scene, which holds unless more is taken from it; None: not estimated yet
    """

    scenes: list[Scene]
    lines: DeadLinesRecord | None
    replaced: DeadLinesRecord | None
    impulses: Impulses | None
    screened: Screening
    noise: NoiseModel | None = None

    def estimated(self) -> FirstLook:
        """The same with the noise of a single frame."""
        if len(self.scenes) > 1:
            return self
        ((pixels, blank),) = self.scenes
        return replace(self, noise=estimate_noise([pixels], [blank]))

    def noise_of(self, frames: Sequence[Pixels], blanks: Sequence[Mask | None]) -> NoiseModel:
        """The noise of frames, estimated now unless they are what was estimated."""
        if self.noise and len(frames) == 1 and frames[0] is self.scenes[0].pixels:
            return self.noise
        return estimate_noise(frames, blanks)


def first_look(given: Sequence[Frame], config: TrainConfig) -> FirstLook:
    """Look at frames, and correct impulses and dead lines as the exported graph will.

    Raises:
        InputError: frames that are too small, of different channel counts, or a colour filter mosaic
        UsageError: contradicting options
    """
    scenes = _scenes(given, config)
    blank, corners = any(frame.blank is not None for frame in given), list(map(corner_of, given, scenes))
    lines = None if blank else shared_dead_lines([scene.pixels for scene in scenes])
    replaced = lines if config.sensor.correct_defects else None
    kept = why_kept([frame.pixels for frame in given], blank) if lines is None or replaced else ""
    scenes = without_lines(scenes, replaced)
    found = find_impulses(*zip(*scenes, strict=True))
    impulses = found if config.stage == "sensor" and config.sensor.correct_impulses else None
    if impulses:
        scenes = with_pixels(scenes, impulses.frames)
    screened = screen([largest_scene(*scene) for scene in scenes], config.mosaic, corners, kept)
    if found and not impulses:
        screened = screened.having(IMPULSES, f"{found.in_words()}, {IMPULSES_STAY}")
    return FirstLook(scenes, lines, replaced, impulses, screened)


def with_pixels(scenes: Sequence[Scene], frames: Sequence[Pixels]) -> list[Scene]:
    """Scenes with other pixels."""
    return [Scene(pixels, scene.blank) for pixels, scene in zip(frames, scenes, strict=True)]


def without_lines(scenes: Sequence[Scene], dead: DeadLinesRecord | None) -> list[Scene]:
    """Scenes whose dead lines are replaced."""
    return with_pixels(scenes, [without_dead_lines(scene.pixels, dead) for scene in scenes])


def _scenes(given: Sequence[Frame], config: TrainConfig) -> list[Scene]:
    _check([frame.pixels for frame in given], config)
    scenes = [scene_of(frame) for frame in given]
    _check([scene.pixels for scene in scenes], config)  # may be too small without their blank borders
    return scenes


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
