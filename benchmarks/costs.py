"""What does it cost: start-up, bundle sizes, training, inference?

Times are whole processes for start-up and the command line, and medians of repeated calls for inference.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.quality.cases import case
from benchmarks.results import table, write_section
from zsn2m_deploy import Denoiser
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame

REPEATS = 7
CLI = [sys.executable, "-m", "zsn2m_deploy"]


def seconds(command: list[str]) -> float:
    """Median wall time of a command."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def startup() -> str:
    """Start-up of the package, the command line and a bare interpreter."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import zsn2m_deploy": [sys.executable, "-c", "import zsn2m_deploy"],
        "zsn2m-deploy --help": [*CLI, "--help"],
        "zsn2m-deploy train-and-export --help": [*CLI, "train-and-export", "--help"],
    }
    return table(["command", "seconds"], [[name, f"{seconds(command):.2f}"] for name, command in commands.items()])


def training(frame: Path, folder: Path) -> str:
    """The stages from the command line on a 256 x 256 colour frame."""
    rows: list[list[object]] = []
    for method in ("adapt", "mbd", "full"):
        bundle = folder / f"{method}.zsn2m"
        started = time.perf_counter()
        command = [*CLI, "train-and-export", str(frame), "-o", str(bundle), "--method", method, "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        wall = time.perf_counter() - started
        report = json.loads(done.stdout)["training"]
        parts = {entry["stage"]: entry["seconds"] for entry in report["stages"]}
        size = sum(path.stat().st_size for path in bundle.iterdir()) / 1e6
        stages = [f"{parts.get(name, 0):.1f}" for name in ("sensor", "mbd", "grd")]
        export = f"{report['export_seconds']:.1f}"
        rows.append([method, f"{wall:.1f}", *stages, export, report["precision"], f"{size:.2f}"])
    header = ["--method", "command, s", "sensor, s", "MBD, s", "GRD, s", "export, s", "precision", "bundle, MB"]
    return table(header, rows)


def inference(folder: Path) -> str:
    """onnxruntime on the CPU, per frame, all cores."""
    rows: list[list[object]] = []
    for method, model in (("adapt", "sensor"), ("full", "mbd"), ("full", "grd")):
        denoise = Denoiser(folder / f"{method}.zsn2m", model, provider="cpu")
        for height, width in ((256, 256), (512, 512), (1080, 1920)):
            frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
            denoise(frame)
            times = []
            for _ in range(REPEATS):
                started = time.perf_counter()
                denoise(frame)
                times.append(time.perf_counter() - started)
            rows.append([model, f"{width} x {height}", f"{1000 * statistics.median(times):.0f}"])
    return table(["model", "frame (RGB, 8 bit)", "milliseconds"], rows)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        frame = Path(name) / "kodim23.png"
        noisy = case("kodak24", "kodim23.png", "gauss 25 clamped", 0, ["kodim23.png"]).noisy
        save_image(frame, Frame(np.rint(noisy).astype(np.uint8)))
        trained = training(frame, Path(name))
        title = "kodim23, centre 256 x 256, Gaussian 25, 8 bit:"
        body = f"{startup()}\n\n{title}\n\n{trained}\n\n{inference(Path(name))}"
    write_section("Costs", "python -m benchmarks.costs", body)


if __name__ == "__main__":
    main()
