"""The figures of docs/results: plots of the rows, pictures of the best and the worst image and of the strength."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import cases, compare, published, rows
from benchmarks.quality.compare import REFERENCE, mean, select
from benchmarks.quality.methods import METHODS, OURS, SENSOR
from benchmarks.quality.rows import Row
from benchmarks.results import FIGURES
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels

METHODS_FIGURE = "kodak24_gauss25.svg"
STRENGTH_FIGURE = "strength.svg"
STRENGTH_PICTURE = "strength.png"
STRENGTH_SHOWN, STRENGTHS_SHOWN = ("sidd_val", "noisy/0006.png"), (1.0, 10.0, 100.0)
SWEEPS = (("kodak24", "gauss 25"), ("sidd_val", "real"), ("fmd", "real"))
PICTURE_SIDE = 96  # pixels of the frame, shown twice as large
_GAP = 8
FEWEST = 8  # images of a method in the plot


def link(name: str, text: str) -> str:
    """Markdown that shows a figure, or nothing where it has not been made."""
    return f"![{text}]({FIGURES.name}/{name})" if (FIGURES / name).exists() else ""


def picture(kind: str, image: str) -> str:
    """The file name of an image's picture."""
    return f"{kind}_{image}.png"


def draw(found: list[Row]) -> None:
    """Draw the plots that there are rows for."""
    FIGURES.mkdir(exist_ok=True)
    for name, plot in ((METHODS_FIGURE, _plot_methods), (STRENGTH_FIGURE, _plot_strength)):
        (FIGURES / name).unlink(missing_ok=True)
        figure = plot(found)
        if figure is not None:
            figure.savefig(FIGURES / name, metadata={"Date": None})


def pictures() -> None:
    """Train again to show images side by side: the best and the worst one; a real frame at growing strength."""
    FIGURES.mkdir(exist_ok=True)
    _picture_strength()
    _picture_best_and_worst()


def _picture_strength() -> None:
    dataset, image = STRENGTH_SHOWN
    case = cases.case(dataset, image, "real", 0, [image])
    results = [METHODS[f"strength {value:g}"].run(case)["mbd"] for value in STRENGTHS_SHOWN]
    save_image(FIGURES / STRENGTH_PICTURE, Frame(strip([case.noisy, *results])))


def _picture_best_and_worst() -> None:
    scores = select(compare.unique(compare.planned(rows.load())), "kodak24", "gauss 25").get(REFERENCE)
    if not scores:
        raise SystemExit(f"no rows of {REFERENCE} on kodak24: python -m benchmarks.quality run table1")
    ranked = compare.by_gain(scores)
    names = cases.names("kodak24")
    for kind, row in (("best", ranked[0]), ("worst", ranked[-1])):
        name = next(name for name in names if Path(name).stem == row.image)
        case = cases.case("kodak24", name, "gauss 25", row.seed, names)
        denoised = METHODS[SENSOR].run(case)["sensor"]
        panels = [case.noisy, denoised, case.clean, case.noisy - denoised + 127.5]
        for old in FIGURES.glob(picture(kind, "*")):
            old.unlink()
        save_image(FIGURES / picture(kind, row.image), Frame(strip(panels)))


def strip(frames: list[Pixels]) -> Pixels:
    """The middles of frames side by side, twice as large; (h, w, 3) float to 8 bit."""
    panels = []
    for frame in frames:
        top, left = ((side - PICTURE_SIDE) // 2 for side in frame.shape[:2])
        middle = frame[top : top + PICTURE_SIDE, left : left + PICTURE_SIDE]
        panel = np.clip(np.rint(middle), 0, 255).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
        panels += [panel, np.full((panel.shape[0], _GAP, 3), 255, np.uint8)]
    return np.hstack(panels[:-1])


def _axes(columns: int, width: float, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "zsn2m", "svg.fonttype": "none", "font.family": "sans-serif"}
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, columns, figsize=(width, height), layout="constrained", squeeze=False)
    for ax in axes[0]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="0.9")
        ax.set_axisbelow(True)
    return figure, axes[0]


def _plot_methods(found: list[Row]) -> Any:
    """Dots of the mean PSNR on Kodak24, Gaussian 25, on the images that all methods shown have."""
    results = select(found, "kodak24", "gauss 25")
    results = {name: of for name, of in results.items() if name in compare.SHOWN and len(of) >= FEWEST}
    results = compare.common({name: of for name, of in results.items() if name != "noisy"})
    if not results:
        return None
    count = len(next(iter(results.values())))
    means = {name: mean(of, "psnr") for name, of in results.items()}
    order = sorted(means, key=lambda name: means[name])
    figure, (ax,) = _axes(1, 7, 1.2 + 0.28 * len(order))
    theirs = published.TABLE_1["kodak24", "gauss 25"]
    known = [place for place, name in enumerate(order) if name in theirs]
    ax.plot([theirs[order[place]][0] for place in known], known, "o", color="0.5", mfc="none", label="published")
    for label, colour, mine in (("this project", "tab:orange", True), ("others, same pixels", "tab:blue", False)):
        places = [place for place, name in enumerate(order) if name.startswith(OURS) == mine]
        ax.plot([means[order[place]] for place in places], places, "o", color=colour, label=label)
    ax.set(xlabel=f"mean PSNR (dB), Kodak24, Gaussian 25, n = {count}", yticks=range(len(order)), yticklabels=order)
    ax.legend(frameon=False, loc="lower right")
    return figure


def _plot_strength(found: list[Row]) -> Any:
    """PSNR and roughness against the strength."""
    sweeps = {key: compare.sweep(found, *key) for key in SWEEPS}
    sweeps = {key: results for key, results in sweeps.items() if len(results) > 1}
    if not sweeps:
        return None
    figure, axes = _axes(2, 8, 3.4)
    labels = {"psnr": "mean PSNR (dB)", "roughness": "roughness (grey levels)"}
    for ax, (field, label) in zip(axes, labels.items(), strict=True):
        for (dataset, noise), results in sweeps.items():
            strengths = [float(method.split()[1]) for method in results]
            count = len(next(iter(results.values())))
            name = f"{dataset}, {noise}, n = {count}"
            ax.plot(strengths, [mean(scores, field) for scores in results.values()], "o-", label=name)
        ticks = [name.split()[1] for name in compare.STRENGTHS]
        ax.set(xscale="log", xlabel="strength (alpha_ie)", ylabel=label)
        ax.set_xticks([float(tick) for tick in ticks], ticks)
        ax.minorticks_off()
    axes[0].legend(frameon=False)
    return figure
