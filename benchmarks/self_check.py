"""How near the self-check's PSNR is to the true one: python -m benchmarks.self_check"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

from statistics import mean, median

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from benchmarks.quality import cases
from benchmarks.quality.bodies import title
from benchmarks.quality.methods import apply
from benchmarks.results import table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.self_check import Context, SelfCheck, self_check
from zsn2m_deploy.training import train
from zsn2m_runtime.noise.model import Doubles

RANGE = (0.0, 255.0)
PLAN = (
    ("kodak24", "gauss 25", 12),
    ("kodak24", "gauss [5,50]", 12),
    ("kodak24", "poisson [5,50]", 12),
    ("kodak24", "gauss 50 clamped", 12),
    ("set14", "gauss [5,50]", 12),
    ("fmd", "real", 12),
    ("sidd_val", "real", 8),
)
NOTES = """\
`--preset fast` on each frame. Given: frames whose noise allows an estimate; the report says why where it does not.
Within: those of them whose true PSNR lies in the range that is given; above: whose true PSNR is at least its lower end.
Off: mean distance of the estimate from the true PSNR (largest). Width: median of the range. FMD: the clean frame is the
mean of 50 captures between which the brightness drifts by up to 14 %; it is brought to that of the noisy one."""


def checked(case: cases.Case) -> tuple[SelfCheck, float]:
    """The estimate for a frame, and the true PSNR."""
    trained = train([case.noisy], TrainConfig.from_preset("fast"))
    reference = case.clean_as_bright if case.dataset == "fmd" else case.clean
    noisy, clean = (np.atleast_3d(pixels).astype(np.float64) for pixels in (case.noisy, reference))

    def denoise(planes: Doubles) -> Doubles:
        pixels = planes.reshape(case.noisy.shape).astype(np.float32)
        return apply(trained, "sensor", pixels).reshape(planes.shape).astype(np.float64)

    denoised = denoise(noisy)
    structured = analyse(noisy, denoised, trained.noise, RANGE).structured
    true = peak_signal_noise_ratio(clean, denoised, data_range=RANGE[1])
    return self_check(noisy, denoise, trained.noise, RANGE, Context(structured)), float(true)


def main() -> None:
    lines: list[list[object]] = []
    for dataset, noise, count in PLAN:
        of = cases.names(dataset, count)
        found = [checked(cases.case(dataset, image, noise, 0, of)) for image in of]
        given = [(c.low, c.psnr, c.high, true) for c, true in found if c.psnr and c.low and c.high]
        cells: list[object] = ["", "", "", ""]
        if given:
            off = [abs(likely - true) for _, likely, _, true in given]
            cells = [
                sum(low <= true <= high for low, _, high, true in given),
                sum(low <= true for low, _, _, true in given),
                f"{mean(off):.2f} ({max(off):.1f})",
                f"{median(high - low for low, _, high, _ in given):.1f}",
            ]
        lines.append([title(dataset, noise), len(found), len(given), *cells])
        print(lines[-1], flush=True)
    body = table(["frames", "n", "given", "within", "above", "off, dB", "width, dB"], lines)
    write_section("Self-check", "python -m benchmarks.self_check", f"{body}\n\n{NOTES}")


if __name__ == "__main__":
    main()
