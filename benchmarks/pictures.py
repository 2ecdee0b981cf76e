"""The pictures of the README and the tutorial: `python -m benchmarks.pictures [NAME...]`.

Written to docs/pictures: the packaged drawn sample, a photograph of scikit-image under drawn noise beside two peers,
frames of FMD, and a report as a browser shows it (needs Chromium). Each is small, so that a reader loads it at once.
"""

from __future__ import annotations

import argparse
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import zsn2m_deploy as zsn2m
from benchmarks.quality import cases
from benchmarks.quality.cases import Case
from benchmarks.quality.methods import METHODS, SENSOR
from benchmarks.results import DATA
from zsn2m_deploy.sample import SampleConfig, write_sample
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
QUALITY = 92  # of JPEG, colours at full resolution: noise stays noise
PAGE_QUALITY = 80  # of a page, whose pictures are small
GAP, LABEL = 6, 20  # pixels
SIGMA = 25.0
PHOTOGRAPH_CROP = (20, 130)  # top and left of what is denoised of scikit-image's "chelsea", 256 x 256
MICROGRAPHS = {  # of the test half of FMD
    "fluorescence": "confocal_mice_2",
    "two-photon": "twophoton_mice_2",
    "wide-field": "widefield_bpae_r_2",
    "zebrafish": "confocal_fish_2",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WINDOW = (820, 705)  # pixels of the report's picture


def panels(shown: list[tuple[str, Pixels]], side: int) -> Image.Image:
    """Middles of frames side by side, each under its label; (h, w) or (h, w, 3), 0 to 255."""
    width = len(shown) * (side + GAP) - GAP
    picture = Image.new("RGB", (width, side + LABEL), "white")
    write, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    for number, (label, frame) in enumerate(shown):
        top, left = ((length - side) // 2 for length in frame.shape[:2])
        crop = np.clip(np.rint(frame[top : top + side, left : left + side]), 0, 255).astype(np.uint8)
        picture.paste(Image.fromarray(crop), (number * (side + GAP), LABEL))
        write.text((number * (side + GAP), 1), label, fill="black", font=font)
    return picture


def save(picture: Image.Image, name: str, quality: int = QUALITY) -> None:
    """Write a picture as JPEG."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.jpg"
    picture.convert("RGB").save(path, quality=quality, subsampling=0)
    print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


def psnr(clean: Pixels, found: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.square(clean.astype(np.float64) - found).mean()))


def labelled(name: str, clean: Pixels, found: Pixels) -> tuple[str, Pixels]:
    return f"{name}, {psnr(clean, found):.1f} dB", found


def read(path: Path) -> Pixels:
    with open_image(path) as image:
        return np.asarray(image.read().pixels)


def sample_and_report() -> None:
    """The packaged drawn scene: noisy, denoised, removed noise; and its report."""
    with tempfile.TemporaryDirectory() as folder:
        frame, bundle = Path(folder) / "frame.png", Path(folder) / "frame.zsn2m"
        write_sample(frame, SampleConfig())
        zsn2m.train_and_export(frame, bundle)
        files = (frame, frame.with_name("frame_clean.png"), bundle / "denoised.png")
        noisy, clean, denoised = (read(path).astype(np.float32) for path in files)
        shown = [labelled("noisy", clean, noisy), labelled("denoised", clean, denoised)]
        save(panels([*shown, ("removed", noisy - denoised + 127.5)], 270), "sample")
        screenshot(bundle / "report.html")


def screenshot(page: Path) -> None:
    """The top of a report, as a browser shows it."""
    browser = next(found for name in CHROMIUM if (found := shutil.which(name)))
    target = page.with_suffix(".shot.png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={target}"]
    options.append(f"--window-size={WINDOW[0]},{WINDOW[1]}")
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True)
    with Image.open(target) as picture:
        save(picture, "report", PAGE_QUALITY)


def photograph() -> None:
    """A photograph under Gaussian noise: ZS-N2N, BM3D and the default, from the noisy frame alone."""
    from skimage.data import chelsea

    top, left = PHOTOGRAPH_CROP
    clean = chelsea()[top : top + 256, left : left + 256].astype(np.float32)
    noisy = (clean + np.random.default_rng(1000).normal(0, SIGMA, clean.shape)).astype(np.float32)
    case = Case("scikit-image", "chelsea", "gauss 25", SIGMA, 0, clean, noisy)
    results = {"ZS-N2N": METHODS["zs-n2n"].run(case)[""], "BM3D": METHODS["bm3d"].run(case)[""]}
    results["zsn2m-deploy"] = METHODS[SENSOR].run(case)["sensor"]
    shown = [labelled(name, clean, found) for name, found in {"noisy": noisy, **results}.items()]
    save(panels([*shown, ("clean", clean)], 166), "photograph")


def micrograph(name: str) -> None:
    """A frame of FMD: noisy, denoised, and the mean of 50 captures."""
    path = f"noisy/{MICROGRAPHS[name]}.png"
    case = cases.case("fmd", path, "real", 0, [path])
    denoised = METHODS[SENSOR].run(case)["sensor"]
    shown = [labelled("one capture", case.clean, case.noisy), labelled("denoised", case.clean, denoised)]
    save(panels([*shown, ("mean of 50 captures", case.clean)], 256), name)


PICTURES: dict[str, Callable[[], None]] = {
    "sample": sample_and_report,
    "photograph": photograph,
    **{name: functools.partial(micrograph, name) for name in MICROGRAPHS},
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {list(PICTURES)}; default: all")
    for name in parser.parse_args().names or PICTURES:
        if name in MICROGRAPHS and not DATA.is_dir():
            raise SystemExit(f"expected the image sets in {DATA}; set ZSN2M_DATA")
        PICTURES[name]()


if __name__ == "__main__":
    main()
