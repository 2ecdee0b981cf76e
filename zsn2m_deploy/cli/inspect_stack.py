"""`inspect` of a stack: axes, channels, which pages belong to which, and the noise of each channel."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from zsn2m_deploy.cli.inspect_noise import change_in_words, estimated, sharing_in_words

if TYPE_CHECKING:
    from zsn2m_runtime.files import ImageFile
    from zsn2m_runtime.files.axes import StackAxes
    from zsn2m_runtime.image import Frame
    from zsn2m_runtime.noise.facts import NoiseFacts

Rows = list[tuple[str, object]]


def stack_facts(image: ImageFile) -> tuple[Rows, dict[str, Any]]:
    """Facts of a stack as rows of a table (none where the file describes no pages), and for JSON."""
    from zsn2m_deploy.frames.channels import TURNS
    from zsn2m_runtime.noise.channels import may_take_turns

    axes = image.axes
    notes = [*image.remarks, *([TURNS] if may_take_turns(image) else [])]
    content: dict[str, Any] = {
        "axes": axes.letters if axes.origin else "",
        "sizes": axes.sizes,
        "said_by": axes.origin,
        "pixel_size": [{"axis": step.axis, "size": step.size, "unit": step.unit} for step in axes.steps],
        "stored": image.storage,
        "notes": notes,
        "channels": [],
    }
    rows: Rows = [("stack", f"{axes.in_words()}, as {axes.origin} says")] if axes.origin and axes.letters else []
    rows += [("pixel size", axes.steps_in_words())] if axes.steps else []
    rows += [("stored", image.storage)] if image.storage else []
    rows += [("note", note) for note in notes]
    if len(axes.channels) > 1:
        rows.append(("pages", "; ".join(_pages_in_words(axes))))
    if image.page_count > 1 and not axes.is_plain:
        noise_rows, content["channels"], content["noise_alike"] = _noise_of_channels(image)
        rows += noise_rows
    return rows, content


def _pages_in_words(axes: StackAxes) -> list[str]:
    from zsn2m_runtime.files.axes import pages_in_words

    return [
        f"{pages_in_words([page + 1 for page in axes.pages_of(channel)])} are {channel.label}"
        for channel in axes.channels
    ]


def _noise_of_channels(image: ImageFile) -> tuple[Rows, list[dict[str, Any]], bool | None]:
    """The noise of the first page of every channel: rows, values for JSON, and whether it is alike."""
    from zsn2m_runtime.noise.channels import first_pages, noise_is_alike

    found = first_pages(image)
    alike = noise_is_alike([frame.pixels for _, _, frame in found]) if len(found) > 1 else True
    rows: Rows = []
    channels = []
    for channel, page, frame in found:
        noise, said = _noise(frame)
        if len(found) > 1:
            rows.append((f"noise of {channel.label}", f"{said} (page {page + 1})"))
        channels.append(
            {
                "number": channel.number,
                "name": channel.name,
                "pages": [number + 1 for number in image.axes.pages_of(channel)],
                "noise": noise.as_json() if noise else None,
            }
        )
    if len(found) > 1:
        rows.append(("bundles", advice(image, alike)))
    return rows, channels, alike


def _noise(frame: Frame) -> tuple[NoiseFacts | None, str]:
    """The noise of a page where it is not blank, and a sentence on it or on why there is no estimate."""
    from zsn2m_runtime.errors import InputError
    from zsn2m_runtime.image import check_computable, check_finite

    try:
        check_finite(frame)
        check_computable(frame)
    except InputError as error:
        return None, str(error)
    noise, reason, _, _ = estimated(frame, None)
    if noise is None:
        return None, reason
    return noise, f"standard deviation about {noise.sigma:.3g}, {change_in_words(noise)}, {sharing_in_words(noise)}"


def advice(image: ImageFile, alike: bool | None) -> str:
    """Whether the channels need a bundle each, and the command."""
    all_of_them = f"zsn2m-deploy train-and-export {shlex.quote(str(image.path))} --channel all"
    if alike:
        return f"the channels' noise is alike: one bundle may serve them all; or one for each: {all_of_them}"
    return f"the channels' noise {'differs' if alike is False else 'may differ'}: one bundle for each: {all_of_them}"
