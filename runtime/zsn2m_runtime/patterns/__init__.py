"""Mosaics, stripes, dither: what frames have that no noise of single pixels has, and what to say of it."""

from zsn2m_runtime.patterns.finding import Patterns, find_patterns
from zsn2m_runtime.patterns.words import (
    MOSAIC,
    REMOVED,
    dead_lines_left,
    fixed_pattern_left,
    kind_of_stripes,
    mosaic_refusal,
    other_filters,
    patterns_in_words,
)

__all__ = [
    "MOSAIC",
    "REMOVED",
    "Patterns",
    "dead_lines_left",
    "find_patterns",
    "fixed_pattern_left",
    "kind_of_stripes",
    "mosaic_refusal",
    "other_filters",
    "patterns_in_words",
]
