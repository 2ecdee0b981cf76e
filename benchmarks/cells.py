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
from skimage.measure import label
from skimage.segmentation import watershed

from benchmarks.quality import zs_n2n
from benchmarks.quality.methods import apply
from benchmarks.results import DATA, FIGURES, table, write_section
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

STAINS = {"a": "nuclei", "n": "touching cells"}
TUNING, TEST = ("0_1", "0_3"), ("1_1", "1_3", "2_1")
SHOWN = "1_1"  # the frame of each stain that methods which take minutes a frame are shown on alone
AREAS, APART = (100, 300, 1000, 3000), (10, 20, 40, 60, 90)  # tried: least pixels of an object, and between centres
OVERLAP = 0.5  # intersection over union from which on a cell is found
BLUR = 2.0  # pixels
OFF, WIDE, FLAT = 8.0, 5, 9  # a speck: so many levels from the median of so many pixels, in flat squares of so many
SIDE = 220  # pixels of the crops that are shown
MARGIN = 5.0  # levels below and above the values of the default's result that are shown
NOTES = f"""\
Average precision: found cells over all cells, found, missed and made up, at an intersection over union of {OVERLAP}.
The least area ({AREAS} pixels tried) and the least distance of centres ({APART}) are the best for each method and
stain on frames {" and ".join(TUNING)}; frames {", ".join(TEST)} are for the test. Methods that take minutes a frame are
measured on frame {SHOWN} alone, segmented as the Gaussian's; GRD-Net, which ends
[no higher](../decisions/grd-on-request.md) than MBD-Net, is left out. Specks: share of the pixels of flat places (the
median of {WIDE} x {WIDE} varies by less than {OFF:g} levels over {FLAT} x {FLAT}) that are more than {OFF:g} of 255
levels off that median, over all frames measured. Gaussian: {BLUR:g} pixels. ZS-N2N trains on random crops of
128 x 128 instead of whole frames, which would take half an hour each."""

Segmentation = tuple[int, int]  # least area and least distance of centres
Method = Callable[[Pixels], Pixels]


def _trained(network: str, config: TrainConfig) -> Method:
    def run(noisy: Pixels) -> Pixels:
        return apply(train([noisy], config), network, noisy.astype(np.float32))

    return run


def _zs_n2n(noisy: Pixels) -> Pixels:
    schedule = zs_n2n.PUBLISHED.model_copy(update={"crop_side": 128})
    return zs_n2n.denoise(noisy.astype(np.float32), 0, schedule=schedule)[0]


GAUSSIAN, DEFAULT = "Gaussian", "default"
METHODS: dict[str, Method] = {
    "noisy": lambda noisy: noisy.astype(np.float32),
    GAUSSIAN: lambda noisy: cv2.GaussianBlur(noisy.astype(np.float32), (0, 0), BLUR),
    "ZS-N2N": _zs_n2n,
    "MBD-Net": _trained("mbd", TrainConfig(method="mbd")),
    "instant": _trained("sensor", TrainConfig.from_preset("instant")),
    DEFAULT: _trained("sensor", TrainConfig()),
}
SLOW = ("MBD-Net", "ZS-N2N")


def make(folder: Path) -> None:
    """Every result that is not there yet, those of slow methods last."""
    for name in sorted(METHODS, key=SLOW.__contains__):
        for stain, frame in itertools.product(STAINS, (SHOWN,) if name in SLOW else TUNING + TEST):
            place = folder / name / f"{stain}_{frame}.npy"
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                np.save(place, METHODS[name](_read("noisy", stain, frame)))
                print(name, stain, frame, flush=True)


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
    cells = _without_small(cells, least)
    cells = ~_without_small(~cells, least)
    distance = distance_transform_edt(cells)
    centres = peak_local_max(distance, min_distance=apart, exclude_border=False)
    markers = np.zeros(frame.shape, int)
    markers[tuple(centres.T)] = 1 + np.arange(len(centres))
    return np.asarray(watershed(-distance, markers, mask=cells))


def _without_small(areas: np.ndarray, least: int) -> np.ndarray:
    numbered = label(areas, connectivity=1)
    return np.asarray(areas & (np.bincount(numbered.ravel())[numbered] >= least))


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


class Results:
    """The results of one method on the frames of a stain that it was applied to."""

    def __init__(self, folder: Path, name: str, stain: str) -> None:
        places = {frame: folder / name / f"{stain}_{frame}.npy" for frame in TUNING + TEST}
        self._frames = {frame: np.load(place) for frame, place in places.items() if place.exists()}
        self._stain = stain

    def precision(self, frames: Sequence[str], how: Segmentation) -> float:
        """The mean over some frames; NaN where one of them is missing."""
        if not self._frames.keys() >= set(frames):
            return float("nan")
        masks = [_read("masks", self._stain, frame) for frame in frames]
        found = [segmented(self._frames[frame], *how) for frame in frames]
        return float(np.mean([precision(*pair) for pair in zip(found, masks, strict=True)]))

    def best(self) -> Segmentation:
        """What segments the tuning frames best."""
        return max(itertools.product(AREAS, APART), key=lambda how: self.precision(TUNING, how))

    def specks(self) -> float:
        """The mean over all frames that there are."""
        return float(np.mean([specks(frame) for frame in self._frames.values()]))


def scores(folder: Path, stain: str) -> dict[str, list[str]]:
    """Each method's part of the table for one stain."""
    results = {name: Results(folder, name, stain) for name in METHODS}
    of_gaussian = results[GAUSSIAN].best()
    made = {}
    for name, result in results.items():
        how = of_gaussian if name in SLOW else result.best()
        of_all, of_one = (result.precision(frames, how) for frames in (TEST, (SHOWN,)))
        made[name] = [
            "" if np.isnan(of_all) else f"{of_all:.2f}",
            f"{of_one:.2f}",
            f"{100 * result.specks():.3f} %",
        ]
    return made


def picture(folder: Path) -> str:
    """A crop of one test frame of each stain, by each method, as a file of docs/results/figures."""
    rows = []
    for stain in STAINS:
        crops = [np.load(folder / name / f"{stain}_{SHOWN}.npy")[:SIDE, :SIDE] for name in METHODS]
        low, high = np.percentile(crops[-1], [0.5, 99.8]) + np.array([-MARGIN, MARGIN])
        rows.append(np.hstack([np.clip((crop - low) / (high - low), 0, 1) for crop in crops]))
    Image.fromarray((255 * np.vstack(rows)).astype(np.uint8)).save(FIGURES / "cells.jpg", quality=85)
    return f"![Cells: {', '.join(METHODS)}](figures/cells.jpg)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "zsn2m-cells", help="folder")
    folder = parser.parse_args().keep
    make(folder)
    of_stains = [scores(folder, stain) for stain in STAINS]
    lines = [[name, *(text for of_stain in of_stains for text in of_stain[name])] for name in METHODS]
    head = [
        "",
        *(f"{what}, {stain}" for stain in STAINS.values() for what in ("precision", f"frame {SHOWN}", "specks")),
    ]
    body = f"{table(head, lines)}\n\n{picture(folder)}\n\n{NOTES}"
    write_section("Cells told apart", "python -m benchmarks.cells", body)


if __name__ == "__main__":
    main()
