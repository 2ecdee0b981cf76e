"""Training on a GPU: the paper's Table 3, each precision's result against float32, and TorchScript on CUDA.

Every method is trained twice on one 256 x 256 colour frame with Gaussian noise of sigma 25; the second time counts, for
the first pays for CUDA's start.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.quality import zs_n2n
from benchmarks.quality.methods import configured, denoised
from benchmarks.results import table, write_section
from benchmarks.speed import scene
from zsn2m_deploy.training import train
from zsn2m_runtime.sample_types import Pixels

SIDE = 256  # pixels
METHODS = (  # name, stage, preset, precisions, seconds of the paper's Table 3
    ("default", "sensor", "default", ("fp32", "bf16", "fp16"), ""),
    ("MBD-Net", "mbd", "default", ("fp32", "bf16", "fp16"), ""),
    ("MBD-Net, paper preset", "mbd", "paper", ("fp32", "bf16", "fp16"), "20"),
    ("MBD-Net and GRD-Net, paper preset", "full", "paper", ("fp32", "bf16"), "120"),
    ("ZS-N2N, 2,000 iterations", "", "", ("fp32", "bf16"), "20"),
)
NAMES = [name for name, *_ in METHODS]


def trained_on_cuda(stage: str, preset: str, precision: str) -> Callable[[Pixels], Pixels]:
    """A method: train on the frame, denoise it."""
    base = configured(preset, stage)
    config = base.updated({"mbd": {"alpha_ie": 1.0}, "precision": precision, "device": "cuda"})

    def run(noisy: Pixels) -> Pixels:
        return denoised(train([noisy], config), noisy)

    return run


def zs_n2n_on_cuda(precision: str) -> Callable[[Pixels], Pixels]:
    """The baseline, likewise."""
    return lambda noisy: zs_n2n.denoise(noisy, 0, precision, device_name="cuda")[0]  # type: ignore[arg-type]


def measured(run: Callable[[Pixels], Pixels]) -> tuple[float, float]:
    """Seconds and PSNR of the second run."""
    noisy, clean = scene(SIDE, SIDE)
    run(noisy)
    torch.cuda.synchronize()
    started = time.perf_counter()
    result = run(noisy)
    seconds = time.perf_counter() - started
    return seconds, float(peak_signal_noise_ratio(clean, result, data_range=255))


def parity(model: Path) -> float:
    """Largest difference, of a range of 1, between an exported TorchScript on CUDA and on the CPU."""
    torch.backends.cudnn.allow_tf32 = False
    frame = torch.from_numpy(np.load(model.with_name("test_input.npy")))
    on = {device: torch.jit.load(model, device) for device in ("cpu", "cuda")}
    with torch.no_grad():
        results = [network(frame.to(device)).cpu() for device, network in on.items()]
    return float((results[0] - results[1]).abs().max() / (frame.max() - frame.min()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--methods", nargs="+", default=NAMES, choices=NAMES, help="with all of them docs/results is written"
    )
    parser.add_argument("--torchscript", type=Path, help="an exported .ts beside its test_input.npy")
    arguments = parser.parse_args()
    rows: list[list[object]] = []
    for name, stage, preset, precisions, published in METHODS:
        for precision in precisions if name in arguments.methods else ():
            run = trained_on_cuda(stage, preset, precision) if stage else zs_n2n_on_cuda(precision)
            seconds, psnr = measured(run)
            rows.append([name, precision, f"{seconds:.1f}", published, f"{psnr:.2f}"])
            print(rows[-1], file=sys.stderr, flush=True)
    body = table(["method", "precision", "seconds", "published, s", "PSNR, dB"], rows)
    if arguments.torchscript:
        body += f"\n\nTorchScript on CUDA against the CPU: at most {parity(arguments.torchscript):.1e} of the range."
    body = f"{torch.cuda.get_device_name()}.\n\n{body}"
    if arguments.methods == NAMES:
        write_section("Table 3, times on a GPU", "python -m benchmarks.cuda", body)
    else:
        print(body)


if __name__ == "__main__":
    main()
