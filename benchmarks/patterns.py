"""Are mosaics, stripes and dither found, and nothing in frames without? python -m benchmarks.patterns

Real frames as they are, and the pictures of kodak24 and set14 behind filters, with offsets of rows or dithered. Of each
set's sorted names every second one, from the first on, tunes the thresholds; the others test them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache

import numpy as np

from benchmarks.pattern_cases import SHARES, SIGMA, Case, grey, mosaics, ordinary, regular, stripes, whole
from benchmarks.results import DATA, table, write_section
from benchmarks.split import HALVES, Half, half_of
from zsn2m_deploy.sample import SampleConfig
from zsn2m_deploy.sample.scene import clean_scene
from zsn2m_runtime.files import open_image
from zsn2m_runtime.patterns import find_patterns, patterns_in_words
from zsn2m_runtime.sample_types import Pixels

FOLDERS = (
    "kodak24",
    "set14",
    "sidd_val/noisy",
    "sidd_val/clean",
    "polyu/noisy",
    "polyu/clean",
    "fmd/noisy",
    "fmd/clean",
    "cells/noisy",
    "seq_brightfield",
)
CENTRE = 256  # pixels
PICTURES = ("kodak24", "set14")
TIMED = ((256, 256), (1024, 1024), (1024, 1024, 3), (4000, 6000))
REPEATS = 3
NOTES = f"""\
Real frames are whole, pictures {CENTRE} x {CENTRE} pixels of the middle. Frames in which something is found, of all: of
the tuning half, and of the test half. Noise of {SIGMA:g} (of 255) is added to drawn faults unless another is named.
"Named": with the right kind, and the right layout of a Bayer mosaic. bridge.bmp and man.bmp are grey, and so no mosaic.
Milliseconds of one core."""


def pictures(folder: str, half: Half) -> Iterator[tuple[str, Pixels]]:
    """Frames of half of a set."""
    for name in half_of((path.name for path in (DATA / folder).iterdir() if path.is_file()), half):
        with open_image(DATA / folder / name) as image:
            yield name, image.read().pixels


@cache
def centres(half: Half) -> list[Pixels]:
    """The middle of the clean pictures."""
    found = []
    for name in PICTURES:
        for _, picture in pictures(name, half):
            top, left = ((length - CENTRE) // 2 if length > CENTRE else 0 for length in picture.shape[:2])
            found.append(picture[top : top + CENTRE, left : left + CENTRE])
    return found


def rate(case: Case, half: Half) -> str:
    """Found of all."""
    found = [
        case.right(find_patterns(case.draw(picture, np.random.default_rng([HALVES.index(half), number]))))
        for number, picture in enumerate(centres(half))
    ]
    return f"{sum(found)} of {len(found)}"


def rows(cases: list[Case]) -> list[list[object]]:
    """Of pictures of both sets."""
    lines: list[list[object]] = []
    for case in cases:
        halves = [rate(case, half) for half in HALVES]
        lines.append([case.name, *halves])
    return lines


def real() -> list[list[object]]:
    """Of real frames as they are."""
    lines: list[list[object]] = []
    for folder in FOLDERS:
        found: list[str] = []
        for half in HALVES:
            in_words = {name: patterns_in_words(find_patterns(frame)) for name, frame in pictures(folder, half)}
            named = ", ".join(f"{name}: {' and '.join(kinds)}" for name, kinds in in_words.items() if kinds)
            found.append(f"{sum(map(bool, in_words.values()))} of {len(in_words)}" + (f" ({named})" if named else ""))
        lines.append([folder, *found])
    drawn = [
        find_patterns(whole(255 * clean_scene(SampleConfig(width=256, height=256)) + noise)) for noise in _noises()
    ]
    said = [bool(patterns_in_words(one)) for one in drawn]
    return [*lines, ["sample", f"{sum(said[0::2])} of {len(said[0::2])}", f"{sum(said[1::2])} of {len(said[1::2])}"]]


def _noises() -> Iterator[Pixels]:
    for seed in range(20):
        yield np.random.default_rng(seed).normal(0, 25, (256, 256, 3))


def accuracy() -> str:
    """Estimated over true deviation of rows, of the test half."""
    lines: list[list[object]] = []
    for share in SHARES[1:]:
        ratios = []
        for number, picture in enumerate(centres("test")):
            generator = np.random.default_rng([7, number])
            frame = grey(picture)
            offsets = generator.normal(0, share * SIGMA, (len(frame), 1))
            found = find_patterns((frame + offsets + generator.normal(0, SIGMA, frame.shape)).astype(np.float32)).rows
            if found:
                ratios.append(found.sigma / (share * SIGMA))
        within = sum(abs(ratio - 1) < 0.15 for ratio in ratios)
        lines.append(
            [
                f"{share:g}",
                f"{np.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                f"{within} of {len(ratios)}",
            ]
        )
    return table(["rows, of the noise", "estimated over true", "within 15 %"], lines)


def times() -> str:
    """How long a look takes."""
    lines: list[list[object]] = []
    for shape in TIMED:
        frame = np.random.default_rng(0).normal(128, 9, shape).astype(np.uint8)
        taken = []
        for _ in range(REPEATS):
            started = time.process_time()
            find_patterns(frame)
            taken.append(time.process_time() - started)
        lines.append(["x".join(map(str, shape)), f"{1000 * min(taken):.0f}"])
    return table(["frame", "look, ms"], lines)


def main() -> None:
    parts = [
        NOTES,
        "Without a fault; anything found is a false alarm:",
        table(["real frames", "tuning half", "test half"], real()),
        table(["kodak24 and set14 with", "tuning half", "test half"], rows(ordinary())),
        "With one:",
        table(["mosaics, named", "tuning half", "test half"], rows(mosaics())),
        table(["rows and columns, named", "tuning half", "test half"], rows(stripes())),
        table(["regular detail and dither, named", "tuning half", "test half"], rows(regular())),
        accuracy(),
        times(),
    ]
    write_section("Patterns", "python -m benchmarks.patterns", "\n\n".join(parts))


if __name__ == "__main__":
    main()
