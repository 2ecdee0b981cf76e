"""From a frame, its result and the bundle to report.html and report.json."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zsn2m_deploy.frames.scene import without_borders
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.facts import Report, as_json
from zsn2m_deploy.report.page import page
from zsn2m_deploy.report.pictures import ReportPictures, report_pictures
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.removed import Removed
from zsn2m_deploy.report.self_check import Context, SelfCheck, self_check, without_noise
from zsn2m_deploy.report.shared_noise import Kept, kept_by_colours, presence_in_mean, taken_of_mean
from zsn2m_deploy.report.warnings import warnings
from zsn2m_deploy.report.words import Presence, checks
from zsn2m_runtime.blank.areas import filled, largest_scene, present
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.noise.facts import noise_facts
from zsn2m_runtime.noise.model import Doubles, NoiseModel
from zsn2m_runtime.noise_record import Span
from zsn2m_runtime.sample_types import Mask, Nchw, Pixels

PAGE_NAME, FACTS_NAME = "report.html", "report.json"
ANALYSED = 1024  # pixels of the frame's centre that are looked at
PLAIN = 64  # pixels of a side without blank areas that say enough
CHECKED = 384  # pixels of the centre that the self-check runs the network on, five times, or up to nine: impulses


@dataclass(frozen=True)
class Subject:
    """What a report is about.

    Shape:
        noisy, sound, corrected, denoised: (h, w) or (h, w, 3), sensor units; sound: noisy without impulses, blank
            areas filled; corrected: without all that the graph takes away before the network
        blank: (h, w), what is not judged; None: nothing
    bundle, frame: their names; run: the default model, (1, c, h, w) -> the same, sensor units, not rounded
    unmodelled: what of the frame the noise model does not know
    size: rows and columns of the frame; None: those of noisy
    weakened: whether the network removes less than it was trained to
    uneven: whether the noise is stronger in some places than its model says
    """

    bundle: str
    frame: str
    noisy: Pixels
    sound: Pixels
    corrected: Pixels
    denoised: Pixels
    noise: NoiseModel
    run: Callable[[Nchw], Nchw]
    unmodelled: str | None = None
    blank: Mask | None = None
    size: tuple[int, int] | None = None
    weakened: bool = False
    uneven: bool = False


@dataclass(frozen=True)
class Findings:
    """What is seen of a frame and its result.

    presence: of noise in the frame; kept: of noise that all channels share, None: hardly any
    """

    removed: Removed
    self_check: SelfCheck
    presence: Presence
    kept: Kept | None
    pictures: ReportPictures


def findings(subject: Subject, value_range: Span, in_use: Span) -> Findings:
    """Look at a frame and its result; value_range: of the sensor, in_use: of the frame."""
    noisy, denoised, looked = subject.noisy, subject.denoised, _centre(subject, ANALYSED)
    after = filled(denoised, subject.blank)
    shown = None if subject.blank is None else ~subject.blank[looked]
    normal = subject.noise.normal
    removed = analyse(subject.corrected[looked], after[looked], normal, value_range, shown, subject.weakened)
    with ThreadPoolExecutor(1) as beside:  # onnxruntime runs beside what torch and NumPy do
        checked = beside.submit(_self_check, subject, value_range, removed)
        plain, taken = _plain_part(subject), taken_of_mean(subject.corrected[looked])
        presence = Presence.NOISE if subject.noise.tails else presence_of(plain, normal)  # no picture has tails
        if presence is Presence.NONE:
            presence = presence_in_mean(plain, normal, taken if subject.blank is None else taken_of_mean(plain))
        kept = kept_by_colours(subject.corrected[looked], after[looked], taken)
        if kept and presence is Presence.NONE:  # there is some, but not in what was removed
            presence = Presence.NOISE
        pictures = report_pictures(noisy, denoised, normal, in_use, looked, subject.blank)
        check = checked.result() if presence is not Presence.NONE else without_noise(value_range)
    return Findings(removed, check, presence, kept, pictures)


def write_report(folder: Path, subject: Subject, found: Findings, manifest: Manifest) -> Report:
    """Write both files of a report into a bundle folder; the manifest has its models and their parity already."""
    removed, check, presence = found.removed, found.self_check, found.presence
    height, width = subject.noisy.shape[:2]
    grain = found.kept.in_words(manifest.method.method == "adapt") if found.kept else ""
    report = Report(
        bundle=subject.bundle,
        frame=subject.frame,
        height=height,
        width=width,
        size=subject.size or (height, width),
        manifest=manifest,
        noise=noise_facts(
            [present(subject.corrected, subject.blank)],
            subject.noise,
            manifest.sensor.range,
            [present(subject.sound, subject.blank)],
        ),
        removed=removed,
        self_check=check,
        checks=checks(removed, subject.uneven),
        warnings=(
            *manifest.training.warnings,
            *warnings(removed, check, manifest.method, presence, subject.uneven, grain),
        ),
        noisy=presence is not Presence.NONE,
        weakened=subject.weakened,
    )
    (folder / PAGE_NAME).write_text(page(report, found.pictures), encoding="utf-8")
    (folder / FACTS_NAME).write_text(as_json(report), encoding="utf-8")
    return report


def _self_check(subject: Subject, value_range: tuple[float, float], removed: Removed) -> SelfCheck:
    crop = _centre(subject, CHECKED)
    blank = None if subject.blank is None else subject.blank[crop]
    noisy, sound = _planes(subject.noisy[crop]), _planes(subject.sound[crop])
    replaced = noisy != sound
    if blank is not None:
        replaced &= ~blank[..., None]
    context = Context(
        removed.structured,
        subject.unmodelled,
        None if blank is None else ~blank,
        replaced if replaced.any() else None,
        float(np.square(present(noisy - sound, blank)).mean()),
    )
    return self_check(_planes(subject.corrected[crop]), _plain(subject.run), subject.noise, value_range, context)


def _centre(subject: Subject, side: int) -> tuple[slice, slice]:
    """Rows and columns of the scene's centre; blank borders are no part of it."""
    rows, columns = (slice(0, length) for length in subject.corrected.shape[:2])
    if subject.blank is not None:
        rows, columns = without_borders(subject.blank)
    top, left = (part.start + max(0, (part.stop - part.start - side) // 2) for part in (rows, columns))
    return slice(top, min(top + side, rows.stop)), slice(left, min(left + side, columns.stop))


def _plain_part(subject: Subject) -> Pixels:
    """A part of the frame in which nothing is blank, if it has a large one, or else the scene."""
    found = largest_scene(subject.corrected, subject.blank)
    return found if min(found.shape[:2]) >= PLAIN else subject.corrected[_centre(subject, ANALYSED)]


def _planes(pixels: Pixels) -> Doubles:
    return np.asarray(pixels.reshape(*pixels.shape[:2], -1), np.float64)


def _plain(run: Callable[[Nchw], Nchw]) -> Callable[[Doubles], Doubles]:
    """A model of the runtime as a function of (h, w, c) arrays."""

    def denoise(planes: Doubles) -> Doubles:
        pixels = planes[..., 0] if planes.shape[2] == 1 else planes
        return np.asarray(run(to_nchw(pixels))[0].transpose(1, 2, 0), np.float64)

    return denoise
