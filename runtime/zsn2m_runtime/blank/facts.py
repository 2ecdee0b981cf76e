"""What to tell a person of a frame's blank areas."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zsn2m_runtime.image import Frame

NAMED = 3  # values of padding that a person is told


@dataclass(frozen=True)
class BlankFacts:
    """The blank samples of a frame.

    share: of all samples, 0 to 1
    values: those of padding that occur most, of each channel
    not_finite: how many samples are NaN or infinite; hidden: how many pixels are under an alpha of 0
    """

    share: float
    values: tuple[tuple[float, ...], ...]
    not_finite: int
    hidden: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def in_words(self) -> str:
        """One phrase."""
        parts = []
        if self.values:
            shown = ", ".join(" ".join(f"{part:.6g}" for part in value) for value in self.values)
            parts.append(f"value {shown}")
        if self.hidden:
            parts.append("under alpha 0")
        if self.not_finite:
            parts.append(f"{self.not_finite:,} NaN or infinite")
        return f"{_percent(self.share)} of the samples ({'; '.join(parts)})"


def blank_facts(frame: Frame) -> BlankFacts | None:
    """The blank areas of a frame; None where there are none."""
    blank = frame.blank
    if blank is None:
        return None
    planes = frame.pixels.reshape(*frame.pixels.shape[:2], -1)
    finite = np.isfinite(planes)
    hidden = np.zeros_like(blank) if frame.alpha is None else frame.alpha == 0
    padding = planes[blank & ~hidden & finite.all(axis=2)]
    values, counts = np.unique(padding, axis=0, return_counts=True)
    most = values[np.argsort(-counts, kind="stable")[:NAMED]]
    return BlankFacts(
        share=float(blank.mean()),
        values=tuple(tuple(float(part) for part in value) for value in most),
        not_finite=int(np.count_nonzero(~finite)),
        hidden=int(np.count_nonzero(hidden)),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
