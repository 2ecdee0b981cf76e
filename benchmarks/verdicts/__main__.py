"""Are the report's verdicts right? python -m benchmarks.verdicts

Frames of the test half (see frames.py), each trained on with `--preset fast`: what the report says of the network's own
result, of a perfect one and of results with planted faults; and what it says of faulty frames. Rows are kept as they
come; those that exist are not measured again.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Mapping, Sequence
from statistics import mean, median

from benchmarks.results import table, write_section
from benchmarks.resumable import append, latest, made, read, run_tasks, state
from benchmarks.verdicts import faults
from benchmarks.verdicts.frames import Spec, specs
from benchmarks.verdicts.rows import OTHER_STRENGTHS, OWN, ROWS, SOURCES, Row, Task, measure

GAINED, LOST = 1.0, 3.0  # dB: a result is good from so much gain on; a planted fault is one from so much loss on
NOTES = f"""\
`--preset fast` on centre crops of 192 x 192; thresholds were set on the other half of each set's sorted names and on
drawn frames of other seeds. Good: own results that are at least {GAINED:g} dB nearer to the truth than the frame; a
warning of one is a false alarm. Perfect: the truth itself as the result; of photographs whose noise was processed
(PolyU, SIDD) the noise is known no better than the estimate. Planted in results: those at least {LOST:g} dB behind the
own result, and results of another strength as far behind it. Planted in frames: a warning or a refusal counts as
found. Two gains and shifted rows are no faults any more: the ones are adapted as a mixture, the others removed, as
the lines of what was chosen and of row noise say. Within: true PSNRs inside the self-check's
range."""


def tasks(limit: int | None) -> list[Task]:
    """All, or an even choice of so many of them."""
    frames = specs("test")
    found = [Task(spec) for spec in frames]
    photographs = [spec for spec in frames if spec.group == "kodak24"][::6][: faults.EACH]
    found += [Task(spec, fault) for fault in OTHER_STRENGTHS for spec in photographs]
    count = {"no noise": 7}
    found += [
        Task(Spec("planted", str(index), ""), fault)
        for fault in faults.FRAMES
        for index in range(count.get(fault, faults.EACH))
    ]
    return found if limit is None else found[:: max(1, len(found) // limit)][:limit]


def false_alarms(rows: Sequence[Row]) -> str:
    """Good and perfect results, and how many are warned of."""
    lines: list[list[object]] = []
    for group in (*dict.fromkeys(row.group for row in rows if row.group != "planted"), "all"):
        mine = [row for row in rows if group in (row.group, "all") and row.group != "planted"]
        own = [row for row in mine if row.fault == OWN]
        good = [row for row in own if (row.gain or 0) >= GAINED]
        bad = [row for row in own if (row.gain or 0) < GAINED]
        perfect = [row for row in mine if row.fault == "perfect"]
        lines.append([group, len(own), *(_warned(some) for some in (good, perfect, bad))])
    return table(["frames", "n", "good, warned of", "perfect, warned of", "not good, warned of"], lines)


def planted(rows: Sequence[Row]) -> str:
    """Faults and how many are found."""
    names = [name for name in dict.fromkeys(row.fault for row in rows) if name not in (OWN, "perfect")]
    own = {row.key[:3]: row.gain or 0.0 for row in rows if row.fault == OWN}
    lines: list[list[object]] = []
    for name in names:
        mine = [row for row in rows if row.fault == name]
        lines.append([name, _warned([row for row in mine if _is_fault(row, own)])])
    return table(["planted", "found"], lines)


def _is_fault(row: Row, own: Mapping[tuple[str, ...], float]) -> bool:
    """Whether a planted fault costs something. Args: own: gains of own results."""
    if row.fault in OTHER_STRENGTHS:
        return own[row.key[:3]] - (row.gain or 0.0) >= LOST
    return row.behind is None or row.behind >= LOST


def ranges(rows: Sequence[Row]) -> str:
    """True PSNRs and the self-check."""
    lines: list[list[object]] = []
    for group in (*dict.fromkeys(row.group for row in rows if row.group != "planted"), "all"):
        own = [row for row in rows if group in (row.group, "all") and row.fault == OWN]
        given = [(row.low, row.true, row.high) for row in own if row.low and row.high and row.true]
        cells: list[object] = ["", "", "", ""]
        if given:
            off = [abs((low + high) / 2 - true) for low, true, high in given]
            cells = [
                sum(low <= true <= high for low, true, high in given),
                sum(low <= true for low, true, _ in given),
                f"{mean(off):.2f}",
                f"{median(high - low for low, _, high in given):.1f}",
            ]
        lines.append([group, len(own), len(given), *cells])
    return table(["frames", "n", "given", "within", "above", "off its middle, dB", "width, dB"], lines)


def _warned(rows: Sequence[Row]) -> str:
    return f"{sum(bool(row.warned) for row in rows)} of {len(rows)}" if rows else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="so many tasks only")
    parser.add_argument("--processes", type=int, help="default: one for each core")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the section from the rows")
    options = parser.parse_args()
    done = {row.key for row in read(ROWS, Row)}
    todo = [task for task in tasks(options.limit) if task.key not in done and not options.tables]
    run_tasks(
        todo,
        measure,
        lambda found: append(ROWS, found),
        lambda task, found: f"{task.spec} {task.fault}: {found[0].warned[:60] if found else ''}",
        options.processes,
    )
    every = read(ROWS, Row)
    rows = latest(every)
    planned = {task.key for task in tasks(None)}
    measured = f"{len(planned & {row.key for row in rows})} of {len(planned)} planned tasks are measured."
    body = "\n\n".join(
        (state(every, lambda _: SOURCES), false_alarms(rows), planted(rows), ranges(rows), NOTES, measured)
    )
    write_section("Verdicts", "python -m benchmarks.verdicts", body, made(rows))


if __name__ == "__main__":
    main()
