"""How long does training take, against ZS-N2N at its published settings and BM3D, and how does it grow with the frame?

Every figure is one process of its own on all cores with nothing beside it, so times are compared within one run only.
Seconds are those of training and denoising the frame in memory; the start of Python, and the export, are in costs.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.quality.methods import configured
from benchmarks.results import DATA, table, write_section

SIGMA = 25.0
SINGLE_SIDE = 256  # pixels; larger frames are not also trained on in fp32
TRAININGS: dict[str, tuple[str, str, int | None]] = {  # the iterations where they are not the preset's
    "default": ("default", "sensor", None),
    "fast": ("fast", "sensor", None),
    "mbd": ("default", "mbd", None),
    "paper": ("paper", "mbd", None),
    "paper-350": ("paper", "mbd", 350),
    "full": ("default", "full", None),
}
COMPARED = (
    ("default", "default", "auto"),
    ("preset fast", "fast", "auto"),
    ("MBD-Net", "mbd", "auto"),
    ("MBD-Net, paper preset", "paper", "auto"),
    ("MBD-Net, paper preset, 350 iterations", "paper-350", "auto"),
    ("MBD-Net and GRD-Net", "full", "auto"),
    ("ZS-N2N, 2,000 iterations", "zs-n2n", "auto"),
    ("MBD-Net, fp32", "mbd", "fp32"),
    ("MBD-Net, paper preset, fp32", "paper", "fp32"),
    ("MBD-Net, paper preset, 350 iterations, fp32", "paper-350", "fp32"),
    ("ZS-N2N, 2,000 iterations, fp32", "zs-n2n", "fp32"),
    ("BM3D, sigma given", "bm3d", "fp64"),
)
GROWTH = ((256, 256), (512, 512), (1024, 1024), (2048, 2048), (4000, 6000))


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A frame with noise of sigma 25, and without: the centre of kodim23, mirrored on where it is too small."""
    from zsn2m_runtime.files import open_image

    with open_image(DATA / "kodak24" / "kodim23.png") as image:
        pixels = image.read().pixels.astype(np.float32)
    top, left = (max(0, (have - want) // 2) for have, want in zip(pixels.shape[:2], (height, width), strict=True))
    pixels = pixels[top : top + height, left : left + width]
    missing = [(0, max(0, want - have)) for have, want in zip(pixels.shape[:2], (height, width), strict=True)]
    clean = np.pad(pixels, [*missing, (0, 0)], mode="symmetric")
    noisy = np.random.default_rng(23).standard_normal(clean.shape, np.float32)
    noisy *= SIGMA
    noisy += clean
    return noisy, clean


def measure_here(method: str, precision: str, height: int, width: int) -> dict[str, object]:
    """One method in this process: seconds, PSNR, peak memory."""
    import torch

    from benchmarks.quality import zs_n2n
    from benchmarks.quality.methods import denoised
    from zsn2m_deploy.fit.device import resolve_precision
    from zsn2m_deploy.training import train

    if method == "bm3d":
        import bm3d
    noisy, clean = scene(height, width)
    loop, used = 0.0, resolve_precision("auto", torch.device("cpu")) if precision == "auto" else precision
    started = time.perf_counter()
    if method == "bm3d":
        result = bm3d.bm3d_rgb(noisy.astype(np.float64) / 255, SIGMA / 255) * 255
    elif method == "zs-n2n":
        result, report = zs_n2n.denoise(noisy, 0, precision)  # type: ignore[arg-type]
        loop = report.seconds
    else:
        preset, stage, iterations = TRAININGS[method]
        config = configured(preset, stage).updated({"mbd": {"alpha_ie": 1.0}, "precision": precision})
        if iterations:
            config = config.updated({"mbd": {"schedule": {"iterations": iterations}}})
        trained = train([noisy], config)
        top, left = (max(0, (side - 512) // 2) for side in (height, width))  # larger results are the runtime's business
        noisy, clean = (frame[top : top + 512, left : left + 512] for frame in (noisy, clean))
        used = trained.precision
        result = denoised(trained, noisy)
        loop = sum(report.seconds for report in trained.reports)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "loop": loop,
        "precision": used,
        "psnr": float(peak_signal_noise_ratio(clean, result, data_range=255)),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(method: str, precision: str, height: int, width: int) -> dict[str, object]:
    """`measure_here` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed", "--here", method, precision, str(height), str(width)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    print(method, precision, height, width, found, flush=True)
    return found


def compared(side: int, methods: list[str]) -> str:
    """All methods on one frame, as seconds and as ratios to the default."""
    chosen = [line for line in COMPARED if line[1] in methods and (side <= SINGLE_SIDE or line[2] != "fp32")]
    found = [(name, method, measure(method, precision, side, side)) for name, method, precision in chosen]
    base = next(float(str(result["seconds"])) for _, method, result in found if method == "default")
    rows: list[list[object]] = []
    for name, _, result in found:
        seconds = float(str(result["seconds"]))
        cells = [f"{seconds:.1f}", f"{seconds / base:.2f}", f"{result['psnr']:.2f}", f"{result['megabytes']:.0f}"]
        rows.append([name, result["precision"], *cells])
    header = ["method", "precision", "seconds", "times the default", "PSNR, dB", "peak memory, MB"]
    return table(header, rows)


def growth() -> str:
    """The default from 256 x 256 to 24 megapixels."""
    rows: list[list[object]] = []
    for height, width in GROWTH:
        result = measure("default", "auto", height, width)
        rest = float(str(result["seconds"])) - float(str(result["loop"]))
        row = [f"{width} x {height}", f"{result['loop']:.1f}", f"{rest:.1f}", f"{result['megabytes']:.0f}"]
        rows.append([*row, f"{result['psnr']:.2f}"])
    loops = {row[0]: float(str(row[1])) for row in rows}
    ratio = loops["6000 x 4000"] / loops["512 x 512"]
    cells = table(["frame (RGB)", "training loop, s", "the rest, s", "peak memory, MB", "PSNR, dB"], rows)
    return f"{cells}\n\nTraining loop of 24 megapixels over that of 512 x 512: {ratio:.2f}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--methods", nargs="+", default=[line[1] for line in COMPARED], help="the default, and others")
    parser.add_argument("--here", nargs=4, metavar=("METHOD", "PRECISION", "HEIGHT", "WIDTH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        method, precision, height, width = arguments.here
        print(json.dumps(measure_here(method, precision, int(height), int(width))))
        return
    parts = [f"{side} x {side}:\n\n{compared(side, arguments.methods)}" for side in arguments.sides]
    parts.append(f"The default as the frame grows; PSNR and result of its central 512 x 512 pixels:\n\n{growth()}")
    sides, methods = " ".join(map(str, arguments.sides)), " ".join(dict.fromkeys(arguments.methods))
    command = f"python -m benchmarks.speed --sides {sides} --methods {methods}"
    write_section("Speed of training, the default", command, "\n\n".join(parts))


if __name__ == "__main__":
    main()
