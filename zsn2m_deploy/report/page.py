"""report.html: one file without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from zsn2m_deploy.advice import METHODS, NETWORKS
from zsn2m_deploy.report.facts import Report
from zsn2m_deploy.report.pictures import ReportPictures
from zsn2m_deploy.report.plots import correlation_plot, histogram_plot, noise_plot, training_plot
from zsn2m_deploy.report.style import STYLE
from zsn2m_deploy.report.words import Check, Verdict, self_check_in_words

SELF_CHECK = """\
How it is estimated: fresh noise of the estimated kind is put on the frame and on the result, and what the network does
to it tells how much noise it leaves and how much of the frame it takes for noise. The estimate is for the frame's own
noise, and is as sure as the noise's level is known. Noise that neighbours share allows none."""
HOW_TO_READ = """\
A good network removes noise and nothing else: the last picture should be grain without edges, lettering or texture.
It is drawn in units of the noise expected at each place, so that it is alike where noise is strong and where it is
weak; black and white are four of them.
Below, the bars of the histogram should follow the line, and the correlation with neighbours should be the noise's own
or a little lower, for a little of the noise always stays. Where noise has heavy tails, the line is a normal one of the
same power, and the bars are higher in the middle."""
CLIPPED_LIGHT = """\
Where black or white cuts noise off, the mean of the frame is not that of the light. The result's is, so dark or bright
places of the last picture may have a tint."""


def page(report: Report, pictures: ReportPictures) -> str:
    """The HTML of a report."""
    title = f"Denoising report: {report.bundle}"
    sections = (
        _verdict(report),
        _tiles(report),
        _pictures(report, pictures),
        _self_check(report),
        _chosen(report),
        _removed(report),
        _training(report),
        _models(report),
        _next(report),
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{_header(report)}\n" + "\n".join(sections) + "\n</main>\n"
        "</body>\n</html>\n"
    )


def _header(report: Report) -> str:
    sensor = report.manifest.sensor
    kind = f"{sensor.mosaic.pattern} mosaic" if sensor.mosaic else "grey" if sensor.channels == 1 else "colour"
    low, high = sensor.range
    version = report.manifest.versions.get("zsn2m-deploy", "")
    return (
        f"<header><p>zsn2m-deploy {escape(version)} &middot; {escape(report.manifest.created)}</p>"
        f"<h1>{escape(report.bundle)}</h1><p>{escape(report.frame)}, {report.size[1]} &times; {report.size[0]} pixels, "
        f"{kind}, {escape(sensor.dtype)} from {low:g} to {high:g}</p></header>"
    )


def _verdict(report: Report) -> str:
    if report.warnings:
        meaning = "<ul>" + "".join(f"<li>{_sentence(text)}</li>" for text in report.warnings) + "</ul>"
    else:
        meaning = _sentence(report.verdict.meaning)
    kind = {Verdict.GOOD: " good", Verdict.UNJUDGED: "", Verdict.LOOK: " look"}[report.verdict]
    return f'<section class="verdict{kind}"><strong>{_sentence(report.verdict)}</strong> {meaning}</section>'


def _tiles(report: Report) -> str:
    check, noise = report.self_check, report.noise
    change = "with brightness" if noise.depends_on_brightness else "at every brightness"
    change += ", without its heavy tails" if noise.tails else ""
    first, last = noise.curve[0].sigma, noise.curve[-1].sigma
    level = f"{first:.3g} to {last:.3g} {change}" if noise.depends_on_brightness else f"about the same {change}"
    if check.psnr is None:
        estimate = ("n/a", f"{check.reason}")
    else:
        estimate = (f"{check.psnr:.1f} dB", f"likely {check.low:.1f} to {check.high:.1f}, noisy {check.noisy_psnr:.1f}")
    seconds = sum(report.times.values())
    tiles = (
        ("Noise", f"{noise.sigma:.3g}", f"standard deviation, {level}"),
        ("Removed", f"{100 * report.removed.ratio:.0f} %", "of the deviation of the noise expected there"),
        ("PSNR, self-check", *estimate),
        ("Time", _duration(seconds), "training and export"),
    )
    drawn = "".join(
        f"<div><h3>{name}</h3><p class='figure'>{escape(figure)}</p><p>{escape(note)}</p></div>"
        for name, figure, note in tiles
    )
    return f'<section class="tiles">{drawn}</section>'


def _pictures(report: Report, pictures: ReportPictures) -> str:
    shown = (
        ("Noisy", pictures.noisy),
        ("Denoised", pictures.denoised),
        ("Removed, in units of the noise there", pictures.removed),
    )
    figures = "".join(
        f'<figure><img src="{uri}" alt="{name}" width="{pictures.width}" height="{pictures.height}">'
        f"<figcaption>{name}</figcaption></figure>"
        for name, uri in shown
    )
    where, unit = "", "cells of 2 &times; 2 pixels" if report.manifest.sensor.mosaic else "pixels"
    if pictures.overview is None and (pictures.height, pictures.width) != (report.height, report.width):
        where = f"<p>The pictures show the {pictures.width} &times; {pictures.height} {unit} with the most detail.</p>"
    elif pictures.overview:
        left, top = 100 * pictures.left / report.width, 100 * pictures.top / report.height
        width, height = 100 * pictures.width / report.width, 100 * pictures.height / report.height
        where = (
            f'<div class="where"><div class="map"><img src="{pictures.overview}" alt="The whole frame, denoised">'
            f'<span style="left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%"></span></div>'
            f"<p>The pictures show the marked {pictures.width} &times; {pictures.height} {unit} of the frame.</p></div>"
        )
    read = HOW_TO_READ
    if report.manifest.method.method == "adapt" and report.noise.clipping.worth_a_word:
        read += f" {CLIPPED_LIGHT}"
    return f'<section><h2>Before and after</h2><div class="pictures">{figures}</div><p>{read}</p>{where}</section>'


def _chosen(report: Report) -> str:
    noise, method = report.noise, report.manifest.method
    clip = noise.clipping
    rows = [
        ("Networks, preset, strength", f"{METHODS[method.method]}, {method.preset}, {method.strength:g}"),
        ("Correlation of neighbours", f"{noise.beside:.2f} beside, {noise.below:.2f} below"),
        ("Clipped samples", f"{100 * clip.low_share:.2g} % low, {100 * clip.high_share:.2g} % high"),
    ]
    if len(noise.slope) > 1:
        rows.insert(3, ("Correlation of channels", f"{noise.channels:.2f}"))
    return (
        f"<section><h2>What was found and chosen</h2><p>{_sentence(report.chosen)}</p>"
        f'<div class="pair">{_facts(rows)}<figure>{noise_plot(noise)}<figcaption>Noise against brightness, by the '
        f"estimate</figcaption></figure></div></section>"
    )


def _self_check(report: Report) -> str:
    check = report.self_check
    text = f"PSNR {self_check_in_words(check)}"
    if check.psnr is not None:
        text += f". The error left is about {check.error:.3g} (root of the mean square, sensor units)"
    hints = "".join(f"<p>{_sentence(hint)}</p>" for hint in report.hints)
    return (
        f"<section><h2>Self-check without a clean image</h2><p>{escape(text)}.</p>{hints}<p>{SELF_CHECK}</p></section>"
    )


def _removed(report: Report) -> str:
    removed = report.removed
    plots = histogram_plot(removed.histogram) if removed.histogram else ""
    figures = [(plots, "Values of what was removed, beside the estimated noise")] if plots else []
    if removed.autocorrelation:
        found = removed.autocorrelation
        directions = (("beside", found.beside, found.expected_beside), ("below", found.below, found.expected_below))
        for place, values, expected in directions:
            name = f"Correlation with the pixels {place}"
            figures.append((correlation_plot(values, expected, name), name))
    drawn = "".join(f"<figure>{svg}<figcaption>{text}</figcaption></figure>" for svg, text in figures)
    legend = '<p class="legend"><span class="removed"></span> removed <span class="noise"></span> estimated noise</p>'
    rows = "".join(_check_row(check) for check in report.checks)
    return (
        f'<section><h2>What was removed</h2>{legend}<div class="plots">{drawn}</div><table><thead><tr><th>Check</th>'
        f"<th>found</th><th>noise alone</th><th>allowed</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p>Looked at: {100 * removed.usable:.0f} % of the samples; no end of the range clips them.</p></section>"
    )


def _check_row(check: Check) -> str:
    found = "n/a" if check.found is None else f"{check.found:.3g}"
    mark = {True: '<td class="good">ok</td>', False: '<td class="look">look</td>', None: "<td>n/a</td>"}[check.passed]
    name, allowed = escape(check.name), escape(check.allowed)
    return f"<tr><td>{name}</td><td>{found}</td><td>{check.expected:.3g}</td><td>{allowed}</td>{mark}</tr>"


def _training(report: Report) -> str:
    training = report.manifest.training
    figures = "".join(
        f"<figure>{training_plot(stage.losses, stage.iterations)}"
        f"<figcaption>Loss of {NETWORKS[stage.stage]}, {stage.iterations} steps</figcaption></figure>"
        for stage in training.stages
    )
    rows = [(name[0].upper() + name[1:], _duration(seconds)) for name, seconds in report.times.items()]
    rows.append(("Device, precision", f"{training.device}, {training.precision}"))
    return f'<section><h2>Training and times</h2><div class="pair">{_facts(rows)}{figures}</div></section>'


def _models(report: Report) -> str:
    rows = []
    for model in report.manifest.models:
        star = " (default)" if model.id == report.manifest.default else ""
        figures = ("", "", "")
        if model.parity:
            graph = "n/a" if model.parity.torchscript is None else f"{model.parity.torchscript:.1g}"
            figures = (graph, f"{model.parity.onnxruntime:.1g}", f"{model.parity.tolerance:.1g}")
        cells = (f"{model.id}{star}", f"{model.parameters:,}", str(model.receptive_radius), *figures)
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return (
        "<section><h2>Exported models</h2><table><thead><tr><th>Model</th><th>para&shy;meters</th>"
        "<th>receptive radius</th>"
        "<th>Torch<wbr>Script</th><th>onnx<wbr>runtime</th><th>allowed</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><p>TorchScript, onnxruntime: largest difference to the trained "
        "network, as a fraction of the values in use.</p></section>"
    )


def _next(report: Report) -> str:
    steps = "".join(f"<p>{_with_commands(step)}</p>" for step in report.next_steps)
    return f'<section class="next"><h2>What to do next</h2>{steps}</section>'


def _with_commands(text: str) -> str:
    """Text whose parts in backquotes are commands."""
    parts = [escape(part) for part in text.split("`")]
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    drawn = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="facts">{drawn}</table>'


def _sentence(text: str) -> str:
    """A sentence of a phrase, which may begin with a word or with the name of a file."""
    begins_with_word = text.split(maxsplit=1)[0].rstrip(",:").isalpha()
    return f"{escape(text[0].upper() + text[1:] if begins_with_word else text)}."


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
