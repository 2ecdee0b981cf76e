"""What no noise of single pixels explains is refused or warned of before training: mosaics, stripes, dither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.patterns import find_patterns, mosaic_refusal, patterns_in_words
from zsn2m_runtime.sample_types import Pixels

REGULAR_DETAIL = "regular detail"
# Why no PSNR is stated, by the kind that was found.
REASONS = {
    "row noise": "rows share noise, which the estimate does not see",
    "column noise": "columns share noise, which the estimate does not see",
    "mosaic": "the frame is a mosaic, which may be taken for noise",
    REGULAR_DETAIL: "the frame has regular detail, which may be taken for noise",
    "dither": "the frame is dithered, which may be taken for noise",
    "enlarged": "pixels were repeated, and their noise with them",
}


@dataclass(frozen=True)
class Screening:
    """What was found in the training frames.

    said: a sentence for each kind
    """

    said: Mapping[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences."""
        return tuple(self.said.values())

    @property
    def unmodelled(self) -> str | None:
        """Why the result's PSNR cannot be told; None where it can."""
        return next((reason for kind, reason in REASONS.items() if kind in self.said), None)

    def without(self, kind: str) -> Screening:
        """The same but for one kind, which is no reason to worry any more."""
        return Screening({name: text for name, text in self.said.items() if name != kind})


def screen(frames: Sequence[Pixels], mosaic: Literal["auto", "none"]) -> Screening:
    """Look at every frame.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units, finite
    Args:
        mosaic: none: frames that look like a mosaic are pictures
    Raises:
        InputError: a frame is a mosaic.
    """
    said: dict[str, list[tuple[int, str]]] = {}
    for number, frame in enumerate(frames, start=1):
        patterns = find_patterns(frame)
        if patterns.mosaic and mosaic == "auto":
            place = f"frame {number} of {len(frames)}: " if len(frames) > 1 else ""
            raise InputError(place + mosaic_refusal(patterns.mosaic))
        for kind, sentence in patterns_in_words(patterns).items():
            said.setdefault(kind, []).append((number, sentence))
    return Screening({kind: _warning(kind, found, len(frames)) for kind, found in said.items()})


def _warning(kind: str, found: list[tuple[int, str]], frames: int) -> str:
    number, sentence = found[0]
    place = f" (in {len(found)} of {frames} frames, the first is frame {number})" if frames > 1 else ""
    return f"{kind}{place}: {sentence}"
