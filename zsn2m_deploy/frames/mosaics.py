"""Whether training frames are mosaics of colour filters, and of which pattern."""

from __future__ import annotations

from collections.abc import Sequence

from zsn2m_deploy.config.training import Mosaic
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_planes import without_blank
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord, named_pattern
from zsn2m_runtime.patterns import find_patterns, other_filters
from zsn2m_runtime.patterns.mosaic import Mosaic as FoundMosaic

PATTERNS_IN_WORDS = f"{', '.join(BAYER_PATTERNS[:-1])} or {BAYER_PATTERNS[-1]}"


def mosaic_record(
    asked: Mosaic, stated: Sequence[MosaicRecord | None], frames: Sequence[Frame], names: Sequence[str]
) -> MosaicRecord | None:
    """The colour filters of the frames; None: they are no mosaics.

    Args:
        asked: a pattern; auto: that of the files, or else of the pixels; refuse: that of the files; none: no pattern
        stated: what the file of each frame says
    Raises:
        InputError: frames in colour; auto, where nothing says the pattern; files that state, or for auto pixels that
            show, several patterns.
        UsageError: a file states another pattern.
    """
    if asked == "none":
        return None
    patterns = {record.pattern if record else None for record in stated}
    if len(patterns) > 1:
        listed = " and ".join(sorted(pattern or "none" for pattern in patterns))
        raise _of_several_sensors(names, "files state", listed)
    of_file = stated[0]
    if asked == "refuse" and of_file is None:
        return None
    for frame, name in zip(frames, names, strict=True):
        if frame.channels != 1:
            raise InputError(
                f"{name}: expected a mosaic, which has one value a pixel, but got a frame of {frame.channels} "
                f"channels; leave out --mosaic, or save one of the channels as grey"
            )
    if asked in ("refuse", "auto"):
        return of_file or MosaicRecord(pattern=_pattern_in(frames, names))
    if of_file and of_file.pattern != asked:
        raise UsageError(
            f"{names[0]}: expected --mosaic {of_file.pattern}, as its file states, but got {asked}; leave it out"
        )
    return of_file or MosaicRecord(pattern=named_pattern(asked))


def pattern_warnings(
    record: MosaicRecord | None, stated: Sequence[MosaicRecord | None], frames: Sequence[Frame], names: Sequence[str]
) -> tuple[str, ...]:
    """A warning where the pixels of frames contradict a pattern that no file states.

    Args:
        record: of the frames, as `mosaic_record` found it
        stated: what the file of each frame says
    """
    if record is None or any(stated):
        return ()
    for frame, name in zip(frames, names, strict=True):
        if text := other_filters(_mosaic_in(frame), record.pattern):
            return (f"{name}: {text}; see whether --mosaic auto is better",)
    return ()


def _pattern_in(frames: Sequence[Frame], names: Sequence[str]) -> BayerPattern:
    """The pattern that the pixels show, or the other one that looks like it: red and blue cannot be told apart."""
    mosaics = [found for frame in frames if (found := _mosaic_in(frame)) and found.layouts]  # grey scenes show none
    pairs = sorted({found.layouts for found in mosaics})
    if not pairs:
        raise InputError(
            f"{names[0]}: expected a file that states its pattern, or pixels that show one, for --mosaic auto, but got "
            f"neither; name it: --mosaic {PATTERNS_IN_WORDS}"
        )
    if len(pairs) > 1:
        raise _of_several_sensors(names, "pixels show", " and ".join(" or ".join(pair) for pair in pairs))
    return named_pattern(pairs[0][0])


def _mosaic_in(frame: Frame) -> FoundMosaic | None:
    return find_patterns(without_blank(frame)[0]).mosaic


def _of_several_sensors(names: Sequence[str], who: str, patterns: str) -> InputError:
    return InputError(
        f"{', '.join(names)}: expected frames of one sensor, but their {who} different mosaics ({patterns}); "
        f"train them separately"
    )
