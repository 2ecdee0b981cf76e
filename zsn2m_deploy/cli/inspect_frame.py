"""`inspect` of an image: what its first frame is, its values, its patterns and its noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zsn2m_deploy.cli.inspect_noise import estimated, with_noise
from zsn2m_deploy.cli.inspect_stack import stack_facts
from zsn2m_deploy.cli.terminal import table

if TYPE_CHECKING:
    from zsn2m_runtime.image import Frame
    from zsn2m_runtime.mosaic_record import MosaicRecord
    from zsn2m_runtime.patterns.finding import Patterns
    from zsn2m_runtime.sample_types import Pixels


class _Structure(NamedTuple):
    """Patterns of a frame, its dead lines in words, and the planes whose noise is estimated, with their patterns."""

    patterns: Patterns
    lines: dict[str, str]
    planes: Frame
    of_planes: Patterns


def frame_facts(path: Path, max_pixels: int | None) -> tuple[str, object]:
    """Facts of the first frame of an image file as a table, and for JSON.

    Raises:
        InputError: if it cannot be read, or has no finite sample.
    """
    from zsn2m_runtime.blank.areas import filled, present
    from zsn2m_runtime.blank.facts import blank_facts
    from zsn2m_runtime.files import open_image
    from zsn2m_runtime.image import check_computable, check_finite
    from zsn2m_runtime.noise.level import estimate_sigma, value_span
    from zsn2m_runtime.patterns import MOSAIC, REMOVED, patterns_in_words

    with open_image(path, max_pixels) as image:
        frame, pages, stated, mosaic = image.read(), image.page_count, image.value_range, image.mosaic
        stack_rows, stack = stack_facts(image)
    check_finite(frame, str(path))
    check_computable(frame, str(path))
    blank, height, width = blank_facts(frame), *frame.pixels.shape[:2]
    pixels = filled(frame.pixels, frame.blank)
    seen = present(pixels, frame.blank)
    low, high = value_span([seen])
    least, most = float(seen.min()), float(seen.max())
    found = _structure(frame, pixels, mosaic)
    noise, reason, impulse_share, noise_rows = estimated(found.planes, found.of_planes)
    content = {
        "file": str(path),
        "dtype": frame.dtype,
        "height": height,
        "width": width,
        "channels": frame.channels,
        "alpha": frame.alpha is not None,
        "pages": pages,
        "minimum": least,
        "maximum": most,
        "values_in_use": [low, high],
        "mosaic": mosaic.model_dump() if mosaic else None,
        "blank": blank.as_json() if blank else None,
        "noise_sigma": noise.sigma if noise else estimate_sigma(pixels),
        "noise": noise.as_json() if noise else None,
        "impulse_share": impulse_share,
        "stack": stack,
        "patterns": found.patterns.as_json(),
        "lines": found.lines,
    }
    shown = f"{pages} page(s)" + (", this is the first" if pages > 1 else "")
    alpha = ", with alpha" if frame.alpha is not None else ""
    rows: list[tuple[str, object]] = [
        ("file", path),
        (
            "frame",
            f"{frame.dtype}, {width} x {height} (width x height), {frame.channels} channel(s){alpha}, {shown}",
        ),
        *stack_rows,
        ("values", f"{least:.6g} to {most:.6g}; 99.8 % of them {low:.6g} to {high:.6g}"),
    ]
    if blank:
        rows.append(("blank", f"{blank.in_words()}; kept, and not looked at"))
    rows += _range_rows(frame, stated, least, most)
    if mosaic:
        rows.append(("mosaic", f"{mosaic.pattern}{mosaic.levels_in_words()}, as the file says"))
    said = patterns_in_words(found.patterns, REMOVED)
    rows += [(kind, text) for kind, text in said.items() if kind != MOSAIC or not mosaic]
    rows += [*found.lines.items(), *noise_rows]
    if noise is None:
        return table([*rows, ("noise", reason)]), content
    return with_noise(rows, noise), content


def _structure(frame: Frame, pixels: Pixels, mosaic: MosaicRecord | None) -> _Structure:
    """What is regular in a frame.

    Args:
        pixels: its samples, blank ones filled
        mosaic: that the file states; of a grey frame that states none it is looked for
    """
    from zsn2m_deploy.frames.screening import lines_in_words
    from zsn2m_runtime.blank.areas import largest_area, largest_scene
    from zsn2m_runtime.mosaic_planes import planes_of
    from zsn2m_runtime.mosaic_record import named_pattern
    from zsn2m_runtime.patterns import find_patterns
    from zsn2m_runtime.patterns.dead_lines import why_kept, without_own_dead_lines

    rows, columns = largest_area(frame.blank) if frame.blank is not None else (slice(0, None),) * 2
    alive, dead = without_own_dead_lines(frame.pixels[rows, columns])
    patterns = find_patterns(alive)
    kept = why_kept([pixels], blank=True) if frame.blank is not None else ""
    lines = lines_in_words(alive, dead, patterns, (rows.start, columns.start), kept)
    if mosaic is None and frame.channels == 1 and patterns.mosaic and patterns.mosaic.layouts:
        planes = planes_of(frame, named_pattern(patterns.mosaic.layouts[0]))
    else:
        planes = planes_of(frame, mosaic.pattern) if mosaic else frame
    of_planes = patterns if planes is frame else find_patterns(largest_scene(planes.pixels, planes.blank))
    return _Structure(patterns, lines, planes, of_planes)


def _range_rows(
    frame: Frame, stated: tuple[float, float] | None, least: float, most: float
) -> list[tuple[str, object]]:
    """The range of the samples, as far as the file or the values say it."""
    from zsn2m_deploy.frames.value_range import bits_in_use

    if stated:
        return [("range", f"{stated[0]:g} to {stated[1]:g}, as the file says")]
    if frame.pixels.dtype.kind == "f":
        return [("range", "floats state none; to train, name their black and white: --range LOW HIGH")]
    if depth := bits_in_use(frame.dtype, least, most):
        return [("bit depth", f"all values fit {depth} bits; if the sensor has no more: --bit-depth {depth}")]
    return []
