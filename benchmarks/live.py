"""How long does a frame take in a stream, all included, against MBD-Net's bare inference of the same frame?

All in one process: each pair is a stream, and MBD-Net's graph alone on one of its frames in turn with it; every other
pair begins with the bare loop, so that a drift of the machine cancels. Frames are drawn, with noise of their own, and
move as those of `zsn2m-deploy sample` do. Threads do not spin, as in the command.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.results import table, write_section
from benchmarks.stream_clips import FRAMES, Clip
from benchmarks.streaming import METHODS, make_bundle
from zsn2m_runtime.benching import SIZES
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, plan_strips
from zsn2m_runtime.sample_types import Nchw

PAIRS = 5  # of a stream and a bare loop
BARE = 3  # frames of a bare loop
REFERENCE = "mbd"

Run = Callable[[], int]  # gives how many frames it did


def bare(denoiser: Denoiser, frame: Nchw) -> int:
    """The graph alone, of MBD-Net in the strips that a frame is cut into."""
    card, size = denoiser.card, (frame.shape[2], frame.shape[3])
    pixels = DEFAULT_STRIP_PIXELS if card.strength is None else size[0] * size[1]
    strips = plan_strips(size, card.stride, card.receptive_radius, pixels)
    parts = [np.ascontiguousarray(frame[:, :, strip.read_start : strip.read_stop]) for strip in strips]
    for _ in range(BARE):
        for part in parts:
            denoiser._session.run(part)  # noqa: SLF001, what it does without the rest is measured
    return BARE


def seconds(run: Run) -> float:
    """Of a frame."""
    started = time.perf_counter()
    frames = run()
    return (time.perf_counter() - started) / frames


def ratios(run: Run, reference: Run, pairs: int) -> list[float]:
    """Time of a frame over that of the reference, in pairs, sorted."""
    run()  # allocates
    found = []
    for pair in range(pairs):
        order = (reference, run) if pair % 2 else (run, reference)
        taken = {each: seconds(each) for each in order}
        found.append(taken[run] / taken[reference])
    return sorted(found)


def live(bundles: list[Path], size: str, folder: Path, models: list[str], pairs: int) -> list[list[object]]:
    """A row for each model of the bundles, the last of which has the reference."""
    clip = Clip(folder, *SIZES[size])
    planes = to_nchw(clip.first)
    of_mbd = Denoiser(bundles[-1], REFERENCE, "cpu", spinning=False)

    def reference() -> int:
        return bare(of_mbd, planes)

    reference()
    rows: list[list[object]] = []
    for bundle in bundles:
        for model in load_bundle(bundle).manifest.models:
            if models and model.id not in models:
                continue
            denoiser = Denoiser(bundle, model.id, "cpu", spinning=False)
            runs: list[Run] = [
                functools.partial(bare, denoiser, planes),
                functools.partial(clip.from_raw, denoiser),
                functools.partial(clip.from_h264, denoiser),
            ]
            found = [ratios(run, reference, pairs) for run in runs]
            cells = [f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})" for each in found]
            rows.append([model.id, size, *cells])
            print(*rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="*", type=Path, help="8-bit colour, the last with an mbd; none: made here")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["1080p", "720p"])
    parser.add_argument("--models", nargs="*", default=[], help="ids; none: all of the bundles")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--note", default="", help="what to say of the machine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundles = arguments.bundles or [make_bundle(Path(name), method) for method in METHODS]
        rows = [
            row
            for size in arguments.sizes
            for row in live(bundles, size, Path(name), arguments.models, arguments.pairs)
        ]
    body = (
        f"Time of a frame over that of MBD-Net's bare inference of the same frame, 8-bit colour; median of "
        f"{arguments.pairs} pairs (least and most). A stream has {FRAMES} frames. {arguments.note}\n\n"
    )
    header = ["model", "size", "bare inference", "raw frames in, nothing out", "H.264 in and out"]
    models = f" --models {' '.join(arguments.models)}" if arguments.models else ""
    command = f"python -m benchmarks.live --sizes {' '.join(arguments.sizes)}{models}"
    write_section("Live", command, body.replace(" \n", "\n") + table(header, rows))


if __name__ == "__main__":
    os.environ.pop("OMP_NUM_THREADS", None)
    main()
