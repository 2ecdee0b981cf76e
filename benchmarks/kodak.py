"""How well does the kit denoise the paper's synthetic benchmark?

The 24 Kodak images, centre crops of 256 x 256, Gaussian noise of sigma 25 (seed: the image's number), not
clamped: protocol of the paper's Table 1, its published means being 29.39 (ZS-N2M*) and 29.56 dB (ZS-N2M). Each
crop goes through the package as a float frame: train_and_export, then onnxruntime. PSNR and SSIM are
scikit-image's on float frames with a data range of 255, SSIM with its default 7 x 7 window.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks.results import DATA, table, write_section
from zsn2m_deploy import Denoiser, SensorOptions, load_config, train_and_export
from zsn2m_runtime.files import open_image

SIDE = 256
SIGMA = 25.0
PUBLISHED = {"mbd": 29.39, "grd": 29.56}


def noisy_and_clean(path: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The centre crop of an image with its noise, and without, float32 on the 0 to 255 scale."""
    with open_image(path) as image:
        pixels = image.read().pixels.astype(np.float32)
    top, left = ((side - SIDE) // 2 for side in pixels.shape[:2])
    clean = pixels[top : top + SIDE, left : left + SIDE]
    noise = np.random.default_rng(number).normal(0, SIGMA, clean.shape)
    return (clean + noise).astype(np.float32), clean


def measure(path: Path, number: int, stage: str) -> dict[str, float]:
    """PSNR and SSIM of the noisy crop and of each model's result, and the training time."""
    noisy, clean = noisy_and_clean(path, number)
    config = load_config(None, stage=stage, strength=1.0)
    row = {"noisy": peak_signal_noise_ratio(clean, noisy, data_range=255)}
    with tempfile.TemporaryDirectory() as folder:
        bundle = train_and_export(noisy, Path(folder) / "b.zsn2m", config, SensorOptions(value_range=(0.0, 255.0)))
        for report in bundle.manifest.training["stages"]:
            row[f"{report['stage']} seconds"] = report["seconds"]
        for model in bundle.manifest.models:
            denoised = Denoiser(bundle.path, model.id, provider="cpu")(noisy)
            row[model.id] = peak_signal_noise_ratio(clean, denoised, data_range=255)
            row[f"{model.id} ssim"] = structural_similarity(clean, denoised, data_range=255, channel_axis=2)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--stage", choices=("mbd", "full"), default="mbd")
    arguments = parser.parse_args()
    paths = sorted((arguments.data / "kodak24").glob("*.png"))[: arguments.images]
    started = time.perf_counter()
    rows = []
    for number, path in enumerate(paths, start=1):
        rows.append(measure(path, number, arguments.stage))
        print(path.stem, {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    columns = sorted({name for row in rows for name in row}, key=list(rows[0]).index)
    means = [f"{statistics.mean(row[name] for row in rows if name in row):.3f}" for name in columns]
    cells = [[f"{row.get(name, float('nan')):.2f}" for name in columns] for row in rows]
    lines = [[path.stem, *values] for path, values in zip(paths, cells, strict=True)]
    published = [PUBLISHED.get(name, "") for name in columns]
    body = table(["image", *columns], [*lines, ["**mean**", *means], ["published", *published]])
    body += f"\n\nWhole run: {time.perf_counter() - started:.0f} s."
    write_section(
        f"Kodak24, Gaussian 25, stage {arguments.stage}, n = {len(paths)}",
        f"python -m benchmarks.kodak --stage {arguments.stage} --images {len(paths)}",
        body,
    )


if __name__ == "__main__":
    main()
