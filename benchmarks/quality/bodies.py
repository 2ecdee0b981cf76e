"""What the sections of docs/results say: tables of rows beside the published figures, and the notes under them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from benchmarks.quality import compare, figures, notes, published
from benchmarks.quality.cases import REAL, SYNTHETIC
from benchmarks.quality.compare import REFERENCE, Results, Scores, Step, common, mean, select, step
from benchmarks.quality.methods import CHOICE, CHOICES, OURS, PAPER, SENSOR
from benchmarks.quality.plan import CHOICE_SETS
from benchmarks.quality.rows import Row
from benchmarks.results import table
from benchmarks.split import HALVES, halves_of

SETS = {"kodak24": "Kodak24", "set14": "Set14", "sidd_val": "SIDD", "polyu": "PolyU", "fmd": "FMD"}
NOISES = {"gauss": "Gaussian", "poisson": "Poisson"}
MICROSCOPES = ("confocal", "twophoton", "widefield")
CLAMPED = ("gauss 25 clamped", "gauss 50 clamped")
ADAPTING = (f"{SENSOR} sensor", f"{OURS} instant sensor")
PAPER_MBD = f"{PAPER} mbd"
PRECISIONS = ("zs-n2n", "zs-n2n fp32")


def comparison(found: Results, figures_of: Mapping[str, published.Figures] | None = None) -> str:
    """The methods on one set, and the published figures beside ours where there are any."""
    header = ["method", "n", "noisy", "PSNR", *(f"{half} half" for half in HALVES), "SSIM", f"over {REFERENCE}"]
    lines: list[list[object]] = []
    for method in compare.SHOWN:
        if method not in found:
            continue
        noisy, psnr, ssim = (mean(found[method], field) for field in ("noisy_psnr", "psnr", "ssim"))
        gain = step(found[method], found.get(REFERENCE, {}))
        line = [method, len(found[method]), f"{noisy:.2f}", f"{psnr:.2f}", *_of_halves(found[method]), f"{ssim:.3f}"]
        line.append(_difference(gain, len(found[method])))
        if figures_of:
            line += _beside((psnr, ssim), figures_of.get(method))
        lines.append(line)
    return table(header + (["published", "ours - published"] if figures_of else []), lines)


def table_1(found: list[Row]) -> str:
    """Each set and noise beside the published figures; the distance to ZS-N2N in the same run."""
    parts = [figures.link(figures.METHODS_FIGURE, "Mean PSNR of the methods on Kodak24, Gaussian 25")]
    gains: list[list[object]] = []
    columns = []
    for (dataset, noise), figures_of in published.TABLE_1.items():
        if results := select(found, dataset, noise):
            parts.append(f"### {title(dataset, noise)}\n\n{comparison(results, figures_of)}")
            gains += _over_zs_n2n(title(dataset, noise), results, figures_of)
            columns.append(step(results.get(REFERENCE, {}), results.get(published.ZS_N2N, {})).mean)
    if gains:
        gains.append([f"mean of {len(columns)} columns", REFERENCE, "", f"{statistics.fmean(columns):+.2f}", "", ""])
        header = ["set", "method", "n", "PSNR over zs-n2n", "published", "ours - published"]
        parts.append(f"### Over ZS-N2N, on the same noisy pixels\n\n{table(header, gains)}")
    return "\n\n".join(filter(None, [*parts, notes.TABLE_1]))


def adapting(found: list[Row]) -> str:
    """The default beside the network that it starts from: how often it is worse, and by how much."""
    lines: list[list[object]] = []
    for dataset, noise in dict.fromkeys((row.dataset, row.noise) for row in found):
        both = common(select(found, dataset, noise))
        adapted, pretrained = (both.get(name, {}) for name in ADAPTING)
        gains = sorted(adapted[frame].psnr - pretrained[frame].psnr for frame in adapted.keys() & pretrained.keys())
        if gains:
            lost = [-gain for gain in gains if gain < 0]
            most = f"{max(lost):.2f}" if lost else ""
            lines.append([title(dataset, noise), len(gains), f"{statistics.fmean(gains):+.2f}", len(lost), most])
    return f"{table(['set', 'n', 'mean gain', 'worse', 'by at most'], lines)}\n\n{notes.ADAPTING}" if lines else ""


def clamped(found: list[Row]) -> str:
    """Noise clamped to 0 to 255, as other papers have it."""
    parts = [
        f"### {title(dataset, noise)}\n\n{comparison(results)}"
        for noise in CLAMPED
        for dataset in SYNTHETIC
        if (results := select(found, dataset, noise))
    ]
    return "\n\n".join([*parts, notes.CLAMPED])


def table_2(found: list[Row]) -> str:
    """Real noise, fmd also by microscope."""
    parts = []
    for dataset in REAL:
        if results := select(found, dataset, "real"):
            parts.append(f"### {title(dataset, 'real')}\n\n{comparison(results, published.TABLE_2[dataset])}")
    for microscope in MICROSCOPES:
        if results := select(found, "fmd", "real", microscope):
            parts.append(f"### FMD, {microscope}\n\n{comparison(results)}")
    return "\n\n".join([*parts, notes.TABLE_2])


def table_4(found: list[Row]) -> str:
    """What each part of the method adds."""
    parts = [
        f"### {title('kodak24', noise)}\n\n{ladder(results, figures_of)}"
        for noise, figures_of in published.TABLE_4.items()
        if (results := select(found, "kodak24", noise))
    ]
    return "\n\n".join([*parts, notes.TABLE_4])


def ladder(results: Results, figures_of: Mapping[str, float]) -> str:
    """The rows of the ladder, each with the step from the row above, measured and published."""
    lines: list[list[object]] = []
    for above, method in zip(("", *published.LADDER), published.LADDER, strict=False):
        if method not in results:
            continue
        gain = step(results[method], results.get(above, {}))
        ours = [f"{gain.mean:+.3f} ± {gain.error:.3f} (n = {gain.n})", gain.verdict] if gain.n > 1 else ["", ""]
        theirs = f"{figures_of[method] - figures_of[above]:+.2f}" if above else ""
        name = "mbd" if method == PAPER_MBD else method.removeprefix("ladder ").removesuffix(" mbd")
        psnr = f"{mean(results[method], 'psnr'):.2f}"
        lines.append([name, len(results[method]), psnr, *ours, f"{figures_of[method]:.2f}", theirs])
    header = ["row", "n", "PSNR", "step to the row above", "verdict", "published", "published step"]
    return table(header, lines)


def strength(found: list[Row]) -> str:
    """PSNR and roughness against the strength."""
    parts = [figures.link(figures.STRENGTH_FIGURE, "PSNR and roughness against the strength")]
    parts.append(figures.link(figures.STRENGTH_PICTURE, "noisy, and denoised at strength 1, 10 and 100"))
    for dataset, noise in dict.fromkeys((row.dataset, row.noise) for row in found):
        fields = ("noisy_psnr", "psnr", "roughness")
        lines: list[list[object]] = [
            [method.split()[1], len(scores), *(f"{mean(scores, field):.2f}" for field in fields)]
            for method, scores in compare.sweep(found, dataset, noise).items()
        ]
        if lines:
            cells = table(["strength", "n", "noisy", "PSNR", "roughness"], lines)
            parts.append(f"### {title(dataset, noise)}\n\n{cells}")
    return "\n\n".join(filter(None, [*parts, notes.STRENGTH]))


def choices(found: list[Row]) -> str:
    """What each open choice is worth: the other way against the paper preset, on the same frames."""
    lines: list[list[object]] = []
    for method in (f"{CHOICE} {name} mbd" for name in CHOICES):
        cells: list[object] = [method.removeprefix(f"{CHOICE} ").removesuffix(" mbd")]
        for dataset, noise in CHOICE_SETS.items():
            results = select(found, dataset, noise)
            gain = step(results.get(method, {}), results.get(PAPER_MBD, {}))
            cells.append(f"{gain.mean:+.2f} ± {gain.error:.2f} (n = {gain.n})" if gain.n > 1 else "")
        if any(cells[1:]):
            lines.append(cells)
    if not lines:
        return ""
    header = ["instead of the preset's choice", *(f"{SETS[dataset]}, dB" for dataset in CHOICE_SETS)]
    return f"{table(header, lines)}\n\n{notes.CHOICES}"


def precision(found: list[Row]) -> str:
    """ZS-N2N in bf16 and in fp32 on the same frames."""
    results = select(found, "kodak24", "gauss 25")
    half, single = (results.get(method, {}) for method in PRECISIONS)
    gain = step(half, single)
    if not gain.n:
        return ""
    both = compare.common({method: results[method] for method in PRECISIONS})
    lines: list[list[object]] = [
        [method, gain.n, f"{mean(scores, 'psnr'):.3f}", f"{mean(scores, 'seconds'):.0f}"]
        for method, scores in both.items()
    ]
    cells = table(["method", "n", "PSNR", "seconds"], lines)
    return f"{cells}\n\nzs-n2n over zs-n2n fp32: {gain.mean:+.3f} ± {gain.error:.3f} dB.\n\n{notes.PRECISION}"


def best_and_worst(found: list[Row]) -> str:
    """The images with the largest and the smallest gain."""
    ranked = compare.by_gain(select(found, "kodak24", "gauss 25")[REFERENCE])
    lines: list[list[object]] = []
    pictures = []
    for kind, row in (("best", ranked[0]), ("worst", ranked[-1])):
        cells = [f"{value:.2f}" for value in (row.noisy_psnr, row.psnr, row.psnr - row.noisy_psnr)]
        lines.append([kind, row.image, *cells, f"{row.ssim:.3f}", f"{row.roughness:.2f}"])
        pictures.append(figures.link(figures.picture(kind, row.image), f"{row.image}: noisy, denoised, clean, removed"))
    results = table(["", "image", "noisy", "PSNR", "gain", "SSIM", "roughness"], lines)
    return "\n\n".join(filter(None, [results, *pictures, f"{notes.BEST} Among n = {len(ranked)} images."]))


def _over_zs_n2n(name: str, results: Results, figures_of: Mapping[str, published.Figures]) -> list[list[object]]:
    lines: list[list[object]] = []
    for method in (REFERENCE, *published.STAGE_1, *published.STAGE_2):
        gain = step(results.get(method, {}), results.get(published.ZS_N2N, {}))
        if gain.n and method not in figures_of:
            lines.append([name, method, gain.n, f"{gain.mean:+.2f}", "", ""])
        elif gain.n:
            theirs = figures_of[method][0] - figures_of[published.ZS_N2N][0]
            lines.append([name, method, gain.n, f"{gain.mean:+.2f}", f"{theirs:+.2f}", f"{gain.mean - theirs:+.2f}"])
    return lines


def _of_halves(scores: Scores) -> list[str]:
    """The mean PSNR of each half of the set, and its number of images where the halves differ."""
    halves = [{key: row for key, row in scores.items() if halves_of(row.dataset)[row.image] == half} for half in HALVES]
    uneven = len({len(part) for part in halves}) > 1
    return [f"{mean(part, 'psnr'):.2f}" + (f" (n = {len(part)})" if uneven else "") if part else "" for part in halves]


def _difference(gain: Step, of: int) -> str:
    """A mean difference, with the number of frames behind it where that is not all `of` them."""
    if not gain.n:
        return ""
    return f"{gain.mean:+.2f}" if gain.n == of else f"{gain.mean:+.2f} (n = {gain.n})"


def _beside(ours: published.Figures, theirs: published.Figures | None) -> list[str]:
    if theirs is None:
        return ["", ""]
    return [f"{theirs[0]:.2f} / {theirs[1]:.3f}", f"{ours[0] - theirs[0]:+.2f} / {ours[1] - theirs[1]:+.3f}"]


def title(dataset: str, noise: str) -> str:
    """A set and its noise, as a heading."""
    kind, _, level = noise.partition(" ")
    return SETS[dataset] if noise == "real" else f"{SETS[dataset]}, {NOISES[kind]} {level.replace(',', ', ')}"
