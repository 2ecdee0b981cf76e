"""Is the default what the tables say? Some of their frames trained again: python -m benchmarks.recheck

Two columns of Table 1 on the test frames (every second one) of Kodak24, beside the rows that the tables are made of.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean

from benchmarks.quality import cases, rows
from benchmarks.quality.methods import SENSOR
from benchmarks.results import table, write_section

DATASET, NOISES, METHOD = "kodak24", ("gauss 25", "poisson 25"), f"{SENSOR} sensor"
NOTES = """\
The default on the test frames (every second one) of Kodak24, as it is now, beside the rows of Table 1. Times are of one
thread beside another such process, on the machine of each."""


def measured(image: str, noise: str, of: int) -> rows.Row:
    """A row of today."""
    (row,) = rows.measure(rows.Task(DATASET, image, noise, SENSOR, 0, of))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, help="only the first N test frames")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    names = cases.names(DATASET)
    test = names[1::2][: arguments.images]
    before = {(row.image, row.noise): row for row in rows.load() if row.dataset == DATASET and row.method == METHOD}
    missing = [(image, noise) for image in test for noise in NOISES if (Path(image).stem, noise) not in before]
    if missing:
        parser.error(f"expected rows of {METHOD} as it is now, but {len(missing)} are missing, as {missing[0]}")
    lines: list[list[object]] = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for noise in NOISES:
            found = list(pool.map(measured, test, [noise] * len(test), [len(names)] * len(test)))
            old = [before[Path(image).stem, noise] for image in test]
            changes = [now.psnr - then.psnr for now, then in zip(found, old, strict=True)]
            lines.append(
                [
                    noise,
                    len(test),
                    f"{mean(row.psnr for row in old):.2f}",
                    f"{mean(row.psnr for row in found):.2f}",
                    f"{min(changes):+.3f} to {max(changes):+.3f}",
                    f"{mean(row.seconds for row in old):.0f} / {mean(row.seconds for row in found):.0f}",
                ]
            )
            print(lines[-1], flush=True)
    header = ["noise", "frames", "table, dB", "now, dB", "change of a frame, dB", "seconds, table / now"]
    command = "python -m benchmarks.recheck" + (f" --images {arguments.images}" if arguments.images else "")
    write_section("The tables, measured again", command, f"{table(header, lines)}\n\n{NOTES}")


if __name__ == "__main__":
    main()
