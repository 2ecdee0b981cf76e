"""How fast is a stream: frames per second of the default, the model for videos and MBD-Net.

Weights do not matter for speed: the bundles are hardly trained. Frame rates are those of `zsn2m-deploy
bench`, frame by frame, for this interpreter and for those of --python, where another onnxruntime may be installed; and
of a whole stream of averaged frames. Two sizes take some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from benchmarks.results import table, write_section
from benchmarks.stream_clips import Clip
from zsn2m_runtime.benching import SIZES, frame_of, times
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.sample_types import Pixels

SHORT = """
[mbd.schedule]
iterations = 60
"""
METHODS = ("adapt", "mbd")  # the default first
FILTERS = {"ffmpeg nlmeans": "nlmeans", "ffmpeg bm3d": "bm3d"}  # at their defaults


def make_bundle(folder: Path, method: str) -> Path:
    """A bundle of a method, in fp32 and int8; the default's as it was pretrained."""
    bundle, config, frame = folder / f"{method}.zsn2m", folder / "short.toml", folder / f"{method}.png"
    config.write_text(SHORT, encoding="utf-8")
    zsn2m = [sys.executable, "-m", "zsn2m_deploy"]
    short = ["--preset", "instant"] if method == METHODS[0] else ["--method", method, "--config", str(config)]
    for command in (
        ["sample", str(frame)],
        ["train-and-export", str(frame), "-o", str(bundle), *short],
        ["export", str(bundle), "--precision", "int8"],
    ):
        subprocess.run([*zsn2m, *command], check=True, capture_output=True)
    return bundle


def rates(bundles: list[Path], size: str, pythons: list[str], seconds: float) -> list[dict[str, Any]]:
    """What `bench` says in every interpreter, the CPU provider once, and FFmpeg's filters."""
    rows: list[dict[str, Any]] = []
    for bundle in bundles:
        for python in pythons:
            command = [python, "-m", "zsn2m_deploy", "bench", str(bundle), "--size", size, "--seconds", str(seconds)]
            done = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
            seen = {(row["model"], row["provider"]) for row in rows}
            found = [row for row in json.loads(done.stdout) if row["provider"]]  # without one: not in this bundle
            rows += [row for row in found if (row["model"], row["provider"]) not in seen]
    rows.append(streamed(bundles[0], size))
    frame = frame_of(load_bundle(bundles[0]), SIZES[size])
    for name, kind in FILTERS.items():
        middle = statistics.median(times(_filtered(kind, frame), seconds))
        rows.append({"model": name, "provider": "libavfilter", "fps": 1 / middle, "memory_mb": None})
    return rows


def streamed(bundle: Path, size: str) -> dict[str, Any]:
    """A whole stream of averaged frames; the second, as the first one allocates."""
    denoiser = Denoiser(bundle, "video", "cpu", spinning=False)
    with tempfile.TemporaryDirectory() as name:
        clip = Clip(Path(name), *SIZES[size])
        clip.from_raw(denoiser)
        started = time.perf_counter()
        fps = clip.from_raw(denoiser) / (time.perf_counter() - started)
    return {"model": "video, stream", "provider": denoiser.provider, "fps": fps, "memory_mb": None}


def _filtered(kind: str, frame: Pixels) -> Callable[[], object]:
    height, width = frame.shape[:2]
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(width=width, height=height, format=av.VideoFormat("yuv444p"), time_base=Fraction(1)),
        graph.add(kind),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv444p")

    def run() -> object:
        graph.push(picture)
        return graph.pull()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["480p", "1080p"])
    parser.add_argument("--python", nargs="*", default=[], help="more interpreters that have zsn2m-deploy")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundles = [make_bundle(Path(name), method) for method in METHODS]
        cells: dict[tuple[str, str], dict[str, str]] = {}
        for size in arguments.sizes:
            for row in rates(bundles, size, [sys.executable, *arguments.python], arguments.seconds):
                rate = f"{row['fps']:.2f}" if row["fps"] else row["error"]
                memory = f" ({row['memory_mb']:.0f} MB)" if row["memory_mb"] else ""
                cells.setdefault((row["model"], row["provider"]), {})[size] = rate + memory
        lines: list[list[object]] = [
            [model, provider, *(found.get(size, "") for size in arguments.sizes)]
            for (model, provider), found in cells.items()
        ]
        body = table(["model", "provider", *arguments.sizes], lines)
    body = (
        "Frames per second (peak memory of the process), 8-bit colour; frame by frame but `video, stream`: averaged "
        f"along their motion, raw frames in and nothing out.\n\n{body}"
    )
    write_section("Speed of streams", f"python -m benchmarks.streaming --sizes {' '.join(arguments.sizes)}", body)


if __name__ == "__main__":
    os.environ.pop("OMP_NUM_THREADS", None)
    main()
