"""What a bundle knows of the frames that it was trained on, and what of another frame is unlike them."""

from __future__ import annotations

from dataclasses import dataclass

from zsn2m_runtime.blank.areas import filled, largest_scene
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.gain import differ_in_strength
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.orientations import ALL, FLIPS, Orientation
from zsn2m_runtime.manifest import Manifest, ModelCard
from zsn2m_runtime.mosaic_planes import planes_of, without_blank
from zsn2m_runtime.mosaic_record import BayerPattern, MosaicRecord
from zsn2m_runtime.noise.corrections import without_impulses, without_offsets
from zsn2m_runtime.noise.dead_lines import without_dead_lines
from zsn2m_runtime.noise.familiarity import unlike_all
from zsn2m_runtime.noise_record import (
    DeadLinesRecord,
    FixedPatternRecord,
    ImpulseNoise,
    NoiseRecord,
    RowNoise,
    TrainingStats,
)
from zsn2m_runtime.patterns import (
    MOSAIC,
    dead_lines_left,
    find_patterns,
    fixed_pattern_left,
    other_filters,
    patterns_in_words,
)
from zsn2m_runtime.sample_types import Pixels

PRETRAINED = ("sensor", "video")  # roles of SensorNet and VideoNet, which were pretrained on noise of all levels

_ONE_NOISE = (
    "noise: model {} takes the noise of every frame for the first of the {} kinds that the bundle was trained on; "
    "--model sensor knows them all"
)


@dataclass(frozen=True)
class KnownFrames:
    """The training frames of a model; of a single .onnx file nothing is known.

    Attributes:
        kinds: of noise, each with what the frames look like
        refuses_mosaics: whether it is for pictures alone; None: unknown
        row_noise, impulses, fixed_pattern, dead_lines: what the model removes, of frames of its size
    """

    card: ModelCard
    kinds: tuple[tuple[NoiseRecord, TrainingStats], ...] = ()
    refuses_mosaics: bool | None = None
    row_noise: tuple[RowNoise, ...] = ()
    impulses: ImpulseNoise | None = None
    fixed_pattern: FixedPatternRecord | None = None
    dead_lines: DeadLinesRecord | None = None

    @classmethod
    def of(cls, manifest: Manifest, card: ModelCard) -> KnownFrames:
        """Of a model of a bundle."""
        kinds = tuple((group.noise, group.look) for group in manifest.mixture)
        if not kinds and manifest.noise and manifest.look:
            kinds = ((manifest.noise, manifest.look),)
        refuses = manifest.method.mosaic != "none" and not card.sensor.mosaic
        if card.role not in PRETRAINED:
            return cls(card, kinds, refuses)
        removed = (manifest.row_noise, manifest.impulses, manifest.fixed_pattern, manifest.dead_lines)
        return cls(card, kinds, refuses, *removed)

    @property
    def noises(self) -> tuple[NoiseRecord, ...]:
        """The kinds of noise that it was trained on; none: unknown, or with salt and pepper, which is not measured."""
        return () if self.impulses else tuple(noise for noise, _ in self.kinds)

    def orientations(self) -> tuple[Orientation, ...]:
        """Those of a frame in which the model finds what it takes away: rows stay rows where they share noise.

        Raises:
            UsageError: what the model removes has its place in the frame, or nothing is known of its noise.
        """
        why = None
        if not self.kinds:
            why = (
                "one whose noise is not known (a single file, or a bundle of an older version); open the bundle's "
                "folder, or train again"
            )
        elif self.card.sensor.mosaic:
            why = "one of mosaics, whose colours change places when one is turned; leave it out"
        elif self.fixed_pattern or self.dead_lines:
            why = "one that removes what has its place in the frame (a pattern, or dead lines); leave it out"
        if why:
            raise UsageError(f"expected a model whose frames may be turned for the self-ensemble, but got {why}")
        return FLIPS if self.row_noise else ALL

    def differences(self, frame: Frame) -> tuple[str, ...]:
        """How a frame that fits the sensor differs, in sentences; empty if it does not."""
        mosaic = self.card.sensor.mosaic
        seen = planes_of(frame, mosaic.pattern) if mosaic else frame
        # What the model takes away is no difference.
        alive = without_dead_lines(filled(seen.pixels, seen.blank), self.dead_lines)
        sound = without_impulses(alive, self.impulses)
        pixels = without_offsets(sound, self.row_noise)
        found = unlike_all(pixels, self.kinds, self.card.role in PRETRAINED, seen.blank)
        left = fixed_pattern_left(self.fixed_pattern, frame.pixels) + dead_lines_left(self.dead_lines, seen.pixels)
        filters = _other_filters(frame, mosaic.pattern) if mosaic else ()
        if self.card.strength and len(self.kinds) > 1 and not (self.noises and differ_in_strength(self.noises)):
            found = (*found, _ONE_NOISE.format(self.card.id, len(self.kinds)))
        return (*filters, *self._patterns(largest_scene(sound, seen.blank)), *left, *found)

    def _patterns(self, pixels: Pixels) -> tuple[str, ...]:
        """Sentences on patterns such as stripes and mosaics."""
        if self.refuses_mosaics is None:
            return ()
        patterns = find_patterns(pixels)
        for noise in self.row_noise:
            patterns = patterns.without_whole_stripes(noise.axis)
        found = patterns_in_words(patterns)
        if not self.refuses_mosaics:
            found = {kind: sentence for kind, sentence in found.items() if kind != MOSAIC}
        return tuple(f"{kind}: {sentence}" for kind, sentence in found.items())

    def check_pattern(self, stated: MosaicRecord | None, name: str) -> None:
        """Refuse a source that states other colour filters than those of the bundle's sensor.

        Raises:
            InputError: a mosaic of another pattern, or a mosaic where the bundle is for pictures.
        """
        mosaic = self.card.sensor.mosaic
        if stated is None or (self.refuses_mosaics is False and mosaic is None):
            return
        if mosaic is None or mosaic.pattern != stated.pattern:
            wanted = f"{mosaic.pattern} mosaic" if mosaic else "picture"
            raise InputError(
                f"{name}: expected a {wanted}, as those that the bundle was trained on, but it states that it is a "
                f"{stated.pattern} mosaic; train a bundle on such a frame"
            )


def _other_filters(mosaic: Frame, pattern: BayerPattern) -> tuple[str, ...]:
    """A sentence where the pixels show other filters than the bundle is for."""
    found = other_filters(find_patterns(without_blank(mosaic)[0]).mosaic, pattern)
    return () if found is None else (f"colour filters: {found}; train a bundle on such a frame",)
