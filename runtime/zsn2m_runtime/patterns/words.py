"""What was found, in sentences: what it is, by which figures, and what to do."""

from __future__ import annotations

from zsn2m_runtime.mosaic_record import CELL, BayerPattern
from zsn2m_runtime.noise_record import Axis, DeadLinesRecord, FixedPatternRecord
from zsn2m_runtime.patterns.dither import Dither, Enlarged
from zsn2m_runtime.patterns.finding import Patterns
from zsn2m_runtime.patterns.mosaic import Mosaic, Repetition
from zsn2m_runtime.patterns.stripes import Stripes
from zsn2m_runtime.sample_types import Pixels

# Cuts a file into the planes of its four phases, each of which is a picture of one filter.
CUT_COMMAND = (
    "python -c \"import tifffile as t; f = t.imread('FRAME.tif'); "
    "[t.imwrite(f'plane_{y}{x}.tif', f[y::2, x::2]) for y in (0, 1) for x in (0, 1)]\""
)


LONGEST_OF_FILTERS = 6  # pixels: X-Trans
MOSAIC = "mosaic"  # the kind that training and use refuse
STAY, REMOVED = "these stripes stay in the result", "training removes it from frames"


def patterns_in_words(patterns: Patterns, whole_stripes: str = STAY) -> dict[str, str]:
    """A sentence for each kind that was found, by the kind's name: mosaic, regular detail, dither and so on.

    Args:
        whole_stripes: what becomes of stripes over the whole frame; those of a half stay
    """
    found = {
        MOSAIC: patterns.mosaic and f"{mosaic_in_words(patterns.mosaic)}; {_conversion(patterns.mosaic)}",
        "regular detail": patterns.repetition and _repetition(patterns.repetition),
        "dither": patterns.dither and _dither(patterns.dither),
        "enlarged": patterns.enlarged and _enlarged(patterns.enlarged),
        kind_of_stripes("rows"): patterns.rows and _stripes(patterns.rows, whole_stripes),
        kind_of_stripes("columns"): patterns.columns and _stripes(patterns.columns, whole_stripes),
    }
    return {kind: sentence for kind, sentence in found.items() if sentence}


def kind_of_stripes(axis: Axis) -> str:
    """The kind's name of noise that rows, or columns, share."""
    return f"{axis.removesuffix('s')} noise"


def fixed_pattern_left(known: FixedPatternRecord | None, frame: Pixels) -> tuple[str, ...]:
    """A sentence where a fixed pattern stays, because a frame has another size than those it was found in."""
    height, width = frame.shape[:2]
    if known is None or (height, width) == (known.height, known.width):
        return ()
    return (
        f"fixed pattern: expected {known.width} x {known.height} pixels (width x height), but got {width} x {height}; "
        f"the pattern is removed from frames of that size alone",
    )


def dead_lines_left(known: DeadLinesRecord | None, frame: Pixels) -> tuple[str, ...]:
    """A sentence for dead columns that stay, because a frame, or its planes, has another width than those of training.

    And one for rows, because of another height.
    """
    if known is None:
        return ()
    height, width = frame.shape[:2]
    columns = ("columns", known.columns, "wide", known.width, width)
    rows = ("rows", known.rows, "high", known.height, height)
    return tuple(
        f"dead {axis}: expected a frame {length} pixels {side}, but got {got}; their numbers are known in frames as "
        f"{side} as that alone, and in others they stay"
        for axis, numbers, side, length, got in (columns, rows)
        if numbers and got != length
    )


def mosaic_in_words(mosaic: Mosaic) -> str:
    """What kind of mosaic, and by which figures."""
    if mosaic.layouts:
        name = f"the Bayer mosaic of a colour sensor ({' or '.join(mosaic.layouts)})"
    elif mosaic.period == 2:
        name = "a mosaic of 2 x 2 pixels, as of a polarisation sensor, or of four readouts"
    else:
        name = "the mosaic of a colour sensor" + {4: " (quad Bayer)", 3: " (X-Trans)", 6: " (X-Trans)"}[mosaic.period]
    return (
        f"it looks like {name}: {100 * mosaic.share:.0f} % of the frame repeats every {mosaic.period} x "
        f"{mosaic.period} pixels, by {mosaic.contrast:.3g} (standard deviation; noise and texture have "
        f"{mosaic.noise:.3g})"
    )


def other_filters(mosaic: Mosaic | None, pattern: BayerPattern) -> str | None:
    """A sentence where pixels show green on the other diagonal than a pattern has it; None where they do not.

    RGGB and BGGR look alike, and so do GRBG and GBRG. Of the 152 drawn mosaics of
    docs/results/frames.md#patterns 144 show their own pair, none the other.
    """
    if mosaic is None or not mosaic.layouts or pattern in mosaic.layouts:
        return None
    return (
        f"expected a {pattern} mosaic, but its pixels show {' or '.join(mosaic.layouts)} (over "
        f"{100 * mosaic.share:.0f} % of the frame), with which colours are mixed up and detail is lost"
    )


def mosaic_refusal(mosaic: Mosaic) -> str:
    """The error of training on a mosaic: what came and what to do."""
    return (
        f"expected a picture, but got a mosaic, which would be ruined: {mosaic_in_words(mosaic)}; "
        f"{_conversion(mosaic)}; or, if it is a picture that really looks like that, add --mosaic none"
    )


def _conversion(mosaic: Mosaic) -> str:
    """What to do with a mosaic."""
    if mosaic.layouts:
        return f"train on it as one: --mosaic {' or --mosaic '.join(mosaic.layouts)}, whichever its sensor has"
    if mosaic.period == CELL:
        return f"train a bundle for each of its four planes, which this writes: {CUT_COMMAND}"
    return "only Bayer mosaics can be trained on as they are; demosaic it first, with a raw converter"


def _repetition(found: Repetition) -> str:
    what = {"rows": "its rows repeat", "columns": "its columns repeat", "both": "a checkerboard repeats"}
    if found.period > LONGEST_OF_FILTERS:
        what["both"] = "its rows and columns repeat"
    why = {
        "rows": "fine lines of the picture, or an interlaced frame whose fields differ",
        "columns": "fine lines of the picture, or a sensor with several readouts",
        "both": "a picture of it, or the mosaic of a sensor, which needs demosaicing first"
        if found.period <= LONGEST_OF_FILTERS
        else "a wall, tiles or a grid, drawn or magnified",
    }
    return (
        f"{what[found.direction]} with a period of {found.period} pixels, by {found.contrast:.3g} (standard "
        f"deviation; noise and texture have {found.noise:.3g}): {why[found.direction]}; it may be taken for noise "
        f"and lost"
    )


def _dither(found: Dither) -> str:
    return (
        f"the picture is dithered or halftoned: {found.values} values, whose mix makes the brightness; its dots are "
        f"no noise of a sensor; use the picture from before"
    )


def _enlarged(found: Enlarged) -> str:
    times = [
        f"each {name} {count} times" for name, count in (("column", found.across), ("row", found.down)) if count > 1
    ]
    return f"the picture was enlarged, {' and '.join(times)}, and its noise with it; use the picture from before"


def _stripes(found: Stripes, of_whole: str) -> str:
    line = found.axis.removesuffix("s")
    of = "" if found.channel is None else f" in the {('red', 'green', 'blue')[found.channel]} channel"
    where = {"": "", "each": ", another in each half"}.get(found.half, f", in the {found.half} half")
    return (
        f"each {line} has an offset of its own{of}{where}: {found.sigma:.3g} (standard deviation), beside "
        f"{found.pixel_sigma:.3g} of single pixels; {STAY if found.half else of_whole}"
    )
