"""Does denoising help to tell cells apart? The paper's Figure 6: python -m benchmarks.cells

Real low-light frames of cells with masks of them (Lequyer et al., A fast blind zero-shot denoiser, 2022), denoised and
segmented without learning: Otsu's threshold, small objects and holes removed, watershed on the distance to the
background. Results of the methods are kept as .npy files in --keep; those that exist are not made again.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_edt, maximum_filter, median_filter, minimum_filter
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.morphology import area_closing, area_opening
from skimage.segmentation import watershed

from benchmarks.quality import zs_n2n
from benchmarks.quality.methods import apply
from benchmarks.results import DATA, FIGURES, table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

STAINS = {"a": "stain a (single nuclei)", "n": "stain n (touching cells)"}
TUNING, TEST = ("0_1", "0_3"), ("1_1", "1_3", "2_1")
FEW = ("0_1", "1_1")  # one of each, for methods that take minutes a frame
AREAS, APART = (100, 300, 1000, 3000), (10, 20, 40, 60, 90)  # tried: least pixels of an object, and between centres
OVERLAP = 0.5  # intersection over union from which on a cell is found
BLUR = 2.0  # pixels
OFF, WIDE, FLAT = 8.0, 5, 9  # a speck: so many levels from the median of so many pixels, in flat squares of so many
SIDE = 220  # pixels of the crops that are shown
MARGIN = 5.0  # levels below and above the values of the default's result that are shown
NOTES = f"""\
Average precision: found cells over all cells, found, missed and made up, at an intersection over union of {OVERLAP}.
The least area ({AREAS} pixels tried) and the least distance of centres ({APART}) are the best for each method and
stain on frames {" and ".join(TUNING)}, precision is that of frames {", ".join(TEST)}; in brackets {" and ".join(FEW)}
alone, for tuning and for the test, which is all that there is of methods that take minutes a frame. Specks: share of
the pixels of flat places (the median of {WIDE} x {WIDE} varies by less than {OFF:g} levels over {FLAT} x {FLAT}) that
are more than {OFF:g} of 255 levels off that median, of all frames. ZS-N2N trains on random crops of 128 x 128 instead
of whole frames, which would take half an hour each."""

Segmentation = tuple[int, int]  # least area and least distance of centres


def _trained(names: dict[str, str], config: TrainConfig) -> Callable[[Pixels], dict[str, Pixels]]:
    """The results of a training's networks, named; a network that was left out has the result of the one before."""

    def run(noisy: Pixels) -> dict[str, Pixels]:
        trained = train([noisy], config)
        results, last = {}, ""
        for network, name in names.items():
            last = network if network in trained.networks else last
            results[name] = apply(trained, last, noisy.astype(np.float32))
        return results

    return run


def _zs_n2n(noisy: Pixels) -> dict[str, Pixels]:
    schedule = zs_n2n.PUBLISHED.model_copy(update={"crop_side": 128})
    return {"ZS-N2N": zs_n2n.denoise(noisy.astype(np.float32), 0, schedule=schedule)[0]}


# Each gives one or several named results
QUICK: dict[tuple[str, ...], Callable[[Pixels], dict[str, Pixels]]] = {
    ("noisy",): lambda noisy: {"noisy": noisy.astype(np.float32)},
    ("Gaussian",): lambda noisy: {"Gaussian": cv2.GaussianBlur(noisy.astype(np.float32), (0, 0), BLUR)},
    ("instant",): _trained({"sensor": "instant"}, TrainConfig.from_preset("instant")),
    ("default",): _trained({"sensor": "default"}, TrainConfig()),
}
SLOW = {
    ("MBD-Net", "GRD-Net"): _trained({"mbd": "MBD-Net", "grd": "GRD-Net"}, TrainConfig(method="full")),
    ("ZS-N2N",): _zs_n2n,
}
NAMES = ("noisy", "Gaussian", "ZS-N2N", "MBD-Net", "GRD-Net", "instant", "default")


def make(folder: Path) -> None:
    """Every result that is not there yet."""
    for methods, frames in ((QUICK, TUNING + TEST), (SLOW, FEW)):
        for (names, run), stain, frame in itertools.product(methods.items(), STAINS, frames):
            places = {name: folder / name / f"{stain}_{frame}.npy" for name in names}
            if all(place.exists() for place in places.values()):
                continue
            for name, result in run(_read("noisy", stain, frame)).items():
                places[name].parent.mkdir(parents=True, exist_ok=True)
                np.save(places[name], result)
            print(stain, frame, *names, flush=True)


def _read(kind: str, stain: str, frame: str) -> Pixels:
    with open_image(DATA / "cells" / kind / f"{stain}_{frame}.png") as image:
        return image.read().pixels


def segmented(frame: Pixels, least: int, apart: int) -> np.ndarray:
    """The cells of a frame, numbered, 0 where there is none.

    Shape:
        frame: (h, w), the brighter the more likely a cell
        returns: (h, w)
    """
    cells = frame > threshold_otsu(frame)
    cells = area_closing(area_opening(cells, least), least)
    distance = distance_transform_edt(cells)
    centres = peak_local_max(distance, min_distance=apart, exclude_border=False)
    markers = np.zeros(frame.shape, int)
    markers[tuple(centres.T)] = 1 + np.arange(len(centres))
    return np.asarray(watershed(-distance, markers, mask=cells))


def precision(found: np.ndarray, cells: np.ndarray) -> float:
    """Average precision of numbered areas: found cells over all that are there, found or not, or made up. (h, w)."""
    rows, columns = (np.unique(areas, return_inverse=True) for areas in (found, cells))
    shared = np.zeros((len(rows[0]), len(columns[0])))
    np.add.at(shared, (rows[1].ravel(), columns[1].ravel()), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None] - shared
    overlap = (shared / either)[rows[0] > 0][:, columns[0] > 0]
    right = int((overlap > OVERLAP).sum())  # above a half, no area overlaps two
    return right / max(sum(overlap.shape) - right, 1)


def specks(frame: Pixels) -> float:
    """Share of the pixels of flat places that are far off their neighbours' median. Shape: (h, w)."""
    median = median_filter(frame, WIDE)
    flat = maximum_filter(median, FLAT) - minimum_filter(median, FLAT) < OFF
    return float((np.abs(frame - median) > OFF)[flat].mean()) if flat.any() else 1.0


def scores(folder: Path, name: str, stain: str) -> list[str]:
    """A method's cells of the table for one stain."""
    frames = [frame for frame in TUNING + TEST if (folder / name / f"{stain}_{frame}.npy").exists()]
    results = {frame: np.load(folder / name / f"{stain}_{frame}.npy") for frame in frames}
    masks = {frame: _read("masks", stain, frame) for frame in frames}

    def mean(chosen: Sequence[str], least: int, apart: int) -> float:
        return float(np.mean([precision(segmented(results[one], least, apart), masks[one]) for one in chosen]))

    def tested(tuning: Sequence[str], test: Sequence[str]) -> str:
        best = max(itertools.product(AREAS, APART), key=lambda one: mean(tuning, *one))
        return f"{mean(test, *best):.2f}"

    few = tested(FEW[:1], FEW[1:])
    whole = tested(TUNING, TEST) if len(frames) > len(FEW) else "-"
    return [whole, f"({few})", f"{100 * np.mean([specks(result) for result in results.values()]):.3f} %"]


def picture(folder: Path) -> str:
    """A crop of one test frame of each stain, by each method, as a file of docs/results/figures."""
    rows = []
    for stain in STAINS:
        crops = [np.load(folder / name / f"{stain}_{FEW[1]}.npy")[:SIDE, :SIDE] for name in NAMES]
        low, high = np.percentile(crops[-1], [0.5, 99.8]) + np.array([-MARGIN, MARGIN])
        rows.append(np.hstack([np.clip((crop - low) / (high - low), 0, 1) for crop in crops]))
    Image.fromarray((255 * np.vstack(rows)).astype(np.uint8)).save(FIGURES / "cells.jpg", quality=85)
    return f"![Cells: {', '.join(NAMES)}](figures/cells.jpg)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "zsn2m-cells", help="folder")
    folder = parser.parse_args().keep
    make(folder)
    lines = [[name, *(text for stain in STAINS for text in scores(folder, name, stain))] for name in NAMES]
    head = ["", *(f"{stain}: {what}" for stain in STAINS.values() for what in ("precision", "(few)", "specks"))]
    body = f"{table(head, lines)}\n\n{picture(folder)}\n\n{NOTES}"
    write_section("Cells told apart", "python -m benchmarks.cells", body)


if __name__ == "__main__":
    main()
