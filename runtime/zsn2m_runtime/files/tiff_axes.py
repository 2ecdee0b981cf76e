"""The axes of a TIFF stack, by its OME-XML or the metadata of ImageJ, Micro-Manager and others that tifffile reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import tifffile

from zsn2m_runtime.files.axes import CHANNEL, UNNAMED, Channel, StackAxes, Step, plain_axes

WITHIN_A_PAGE = "YXS"
POSITION = "R"
NOWHERE = "(outside of the axes)"  # the channel of pages that the metadata do not name
SAYS_NOTHING = ("generic", "uniform")  # kinds of series that tifffile makes without metadata
ORIGINS = {"ome": "OME-XML", "imagej": "ImageJ", "mmstack": "Micro-Manager", "scanimage": "ScanImage"}
IMAGEJ_LABEL = re.compile(r"^(?:[czt]:\d+/\d+\s*)+(?:-\s*)?")  # such as `c:1/2 z:1/5 - DAPI`

Place = dict[str, int]


def tiff_axes(tiff: tifffile.TiffFile, frames: Sequence[int], planes: int) -> StackAxes:
    """How the frames of a TIFF file lie along axes; a plain stack where no metadata say it.

    Args:
        frames: the page of the file, from 0, that each frame is
        planes: how many frames stand behind the only page; 0: every frame is a page
    """
    count = planes or len(frames)
    if tiff.series[0].kind in SAYS_NOTHING:
        return plain_axes(count)
    placed = _places(tiff, planes)
    places = [placed.get(page) for page in (range(planes) if planes else frames)]
    channels, numbered = _channels(places, _channel_names(tiff))
    letters = [letter for letter in _letters(places) if len({place.get(letter, 0) for place in numbered}) > 1]
    if not set(letters) - set(UNNAMED) and not any(channel.name for channel in channels):
        return replace(plain_axes(count), steps=_steps(tiff))
    return StackAxes(
        letters="".join(letters),
        places=tuple(tuple(place.get(letter, 0) for letter in letters) for place in numbered),
        channels=channels,
        steps=_steps(tiff),
        origin=ORIGINS.get(tiff.series[0].kind, "the file"),
    )


def _places(tiff: tifffile.TiffFile, planes: int) -> dict[int, Place]:
    """The place of each page of the file, by its number from 0; OME-XML may name pages of other files too."""
    placed: dict[int, Place] = {}
    for number, series in enumerate(tiff.series):
        pages = [page.index if page is not None and page.parent is tiff else None for page in series.pages]
        if planes:
            pages = list(range(planes))
        letters, shape = _outer_axes(series, len(pages))
        if math.prod(shape) != len(pages):
            continue
        for page, indices in zip(pages, np.ndindex(*shape), strict=True):
            if page is not None:
                placed[page] = dict(zip(letters, indices, strict=True)) | {POSITION: number}
    return placed


def _outer_axes(series: tifffile.TiffPageSeries, pages: int) -> tuple[str, tuple[int, ...]]:
    """The axes along which pages lie; the last ones of a series may lie within a page."""
    axes = [(letter, size) for letter, size in zip(series.axes, series.shape, strict=True) if letter not in "YXS"]
    while axes and math.prod(size for _, size in axes) > pages:
        axes.pop()
    letters = ""
    for letter, _ in axes:  # two unnamed axes are two axes
        letters += letter if letter not in letters else next(free for free in UNNAMED if free not in letters)
    return letters, tuple(size for _, size in axes)


def _letters(places: Sequence[Place | None]) -> list[str]:
    found: dict[str, None] = {}
    for place in places:
        found.update(dict.fromkeys(place or ()))
    return [POSITION, *(letter for letter in found if letter != POSITION)] + [CHANNEL] * (CHANNEL not in found)


def _channels(
    places: Sequence[Place | None], names: Mapping[int, Sequence[str]]
) -> tuple[tuple[Channel, ...], list[Place]]:
    """The channels that pages are of, and the places with the number of that channel among them.

    Images of one file, such as positions, share channels of the same name.
    """
    keys: list[tuple[int, str]] = []
    for place in places:
        if place is None:
            keys.append((0, NOWHERE))
            continue
        number = place.get(CHANNEL, 0)
        of_image = names.get(place[POSITION], ())
        name = of_image[number] if number < len(of_image) else ""
        is_unique = bool(name) and list(of_image).count(name) == 1
        keys.append((0 if is_unique else number + 1, name))
    channels: dict[tuple[int, str], Channel] = {}
    first = {key: (place or {}).get(CHANNEL, 0) + 1 for place, key in reversed(list(zip(places, keys, strict=True)))}
    for key in sorted(dict.fromkeys(keys), key=lambda key: (key[1] == NOWHERE, first[key])):
        taken = {channel.number for channel in channels.values()}
        channels[key] = Channel(first[key] if first[key] not in taken else max(taken) + 1, key[1])
    order = list(channels)
    numbered = [(place or {}) | {CHANNEL: order.index(key)} for place, key in zip(places, keys, strict=True)]
    return tuple(channels.values()), numbered


def _channel_names(tiff: tifffile.TiffFile) -> dict[int, Sequence[str]]:
    """The names of the channels of each series, by its number."""
    kind = tiff.series[0].kind
    if kind == "ome":
        images = list(_elements(tiff, "Image"))
        if len(images) != len(tiff.series):
            return {}
        return {
            number: [
                channel.get("Name") or channel.get("Fluor") or ""
                for channel in image.iter()
                if _local(channel) == "Channel"
            ]
            for number, image in enumerate(images)
        }
    if kind == "imagej":
        return {0: _imagej_names(tiff)}
    summary = (tiff.micromanager_metadata or {}).get("Summary", {}) if tiff.is_micromanager else {}
    names = summary.get("ChNames", ()) if isinstance(summary, dict) else ()
    return {series: [str(name) for name in names] for series in range(len(tiff.series))}


def _imagej_names(tiff: tifffile.TiffFile) -> list[str]:
    """Labels as names, if all pages of a channel share one that no other channel has."""
    series = tiff.series[0]
    labels = [IMAGEJ_LABEL.sub("", label).strip() for label in (tiff.imagej_metadata or {}).get("Labels") or ()]
    letters = "".join(letter for letter in series.axes if letter not in WITHIN_A_PAGE)
    shape = series.shape[: len(letters)]
    if CHANNEL not in letters or math.prod(shape) != len(labels):
        return []
    by_channel: dict[int, set[str]] = {}
    for label, place in zip(labels, np.ndindex(*shape), strict=True):
        by_channel.setdefault(place[letters.index(CHANNEL)], set()).add(label)
    names = ["".join(of_one) if len(of_one) == 1 else "" for of_one in by_channel.values()]
    return names if all(names) and len(set(names)) == len(names) else []


def _steps(tiff: tifffile.TiffFile) -> tuple[Step, ...]:
    kind = tiff.series[0].kind
    found = _ome_steps(tiff) if kind == "ome" else _imagej_steps(tiff) if kind == "imagej" else ()
    return tuple(step for step in found if step.size > 0 and math.isfinite(step.size))


def _ome_steps(tiff: tifffile.TiffFile) -> Iterator[Step]:
    pixels = next(_elements(tiff, "Pixels"), None)
    if pixels is None:
        return
    for axis in "XYZ":
        unit = pixels.get(f"PhysicalSize{axis}Unit", "um")  # the schema's default
        yield Step(axis, _number(pixels.get(f"PhysicalSize{axis}")), unit.replace("\u00b5", "u").replace("\u03bc", "u"))
    yield Step("T", _number(pixels.get("TimeIncrement")), pixels.get("TimeIncrementUnit", "s"))


def _imagej_steps(tiff: tifffile.TiffFile) -> Iterator[Step]:
    facts = tiff.imagej_metadata or {}
    unit = str(facts.get("unit", "")).replace("\\u00B5", "u").replace("\u00b5", "u").replace("micron", "um")
    if unit:
        for axis, per_unit in zip("XY", tiff.pages.first.get_resolution(), strict=True):
            yield Step(axis, 1 / per_unit if per_unit else 0.0, unit)
        yield Step("Z", _number(facts.get("spacing")), unit)
    yield Step("T", _number(facts.get("finterval")), "s")


def _elements(tiff: tifffile.TiffFile, name: str) -> Iterator[ElementTree.Element]:
    try:
        root = ElementTree.fromstring(tiff.ome_metadata or "<OME/>")
    except ElementTree.ParseError:
        return
    yield from (element for element in root.iter() if _local(element) == name)


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0
