"""The pages of a file to train on: of a stack with several channels, those of one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import Channel, ImageFile
from zsn2m_runtime.files.axes import choose_pages, find_channel
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.noise.channels import first_pages, may_take_turns, noise_is_alike

ALL = "all"


def training_pages(image: ImageFile, pages: str, channel: str | None) -> tuple[list[int], ChannelRecord | None]:
    """The pages to train on, from 0, and the channel that they are of, if there are several.

    Raises:
        UsageError: if the file has several channels and none is named, or it has no such channel or page.
    """
    channels, name = image.axes.channels, str(image.path)
    if channel is None and len(channels) > 1:
        raise UsageError(_one_of(image))
    if channel == ALL and len(channels) > 1:
        raise UsageError(f"{name}: expected one channel, but got all; make a bundle for each")
    chosen = channels[0] if channel in (None, ALL) else find_channel(str(channel), channels, name)
    found = choose_pages(pages, image.axes.pages_of(chosen), image.axes, name)
    record = ChannelRecord(number=chosen.number, name=chosen.name, of=len(channels))
    return found, record if len(channels) > 1 or chosen.name else None


TURNS = (
    "page 2 has other noise than page 1: if channels take turns in this stack, train a bundle for each, with pages of "
    "that channel alone (--pages 1,3,5 and so on)"
)


def stack_hints(image: ImageFile) -> tuple[str, ...]:
    """Sentences on a stack's channels, and on what in the file may be misread."""
    alike = _same_noise(image)
    turns = (TURNS,) if may_take_turns(image) else ()
    return (*image.remarks, *turns, *((alike,) if alike else ()))


def _same_noise(image: ImageFile) -> str:
    if len(image.axes.channels) < 2 or not noise_is_alike([frame.pixels for _, _, frame in first_pages(image)]):
        return ""
    names = ", ".join(channel.label for channel in image.axes.channels)
    return f"the noise of {names} is alike: this bundle may serve them all (denoise --channel all)"


def options_of(channels: Sequence[Channel]) -> list[str]:
    """What --channel takes for each channel: its name where that is unique, else its number."""
    names = [channel.name for channel in channels]
    return [
        channel.name if channel.name and names.count(channel.name) == 1 else str(channel.number) for channel in channels
    ]


def bundle_paths(image: ImageFile, wanted: Sequence[str], output: Path | None) -> list[Path]:
    """Where the bundle of each channel goes: NAME.CHANNEL.zsn2m, with the NAME of `output`, else of the file.

    Raises:
        UsageError: if there is no such channel.
    """
    base = output.with_suffix("") if output and output.suffix == ".zsn2m" else output
    base = base or Path(image.path.stem.removesuffix(".ome"))
    found = [find_channel(one, image.axes.channels, str(image.path)) for one in wanted]
    names = [re.sub(r"[^\w.+-]+", "_", channel.name) or f"channel{channel.number}" for channel in found]
    unique = [name if names.count(name) == 1 else f"{name}{found[k].number}" for k, name in enumerate(names)]
    return [base.with_name(f"{base.name}.{name}.zsn2m") for name in unique]


def _one_of(image: ImageFile) -> str:
    channels, path = image.axes.channels, shlex.quote(str(image.path))
    names = ", ".join(channel.label for channel in channels)
    alike = noise_is_alike([frame.pixels for _, _, frame in first_pages(image)])
    noise = {True: "alike: one bundle may serve all", False: "not alike", None: "not known"}[alike]
    commands = [f"zsn2m-deploy train-and-export {path} --channel {shlex.quote(one)}" for one in options_of(channels)]
    each = f"zsn2m-deploy train-and-export {path} --channel all"
    return (
        f"{image.path}: expected one channel to train on, but got a stack of {len(channels)} ({names}), whose noise is "
        f"{noise}; say which:\n  " + "\n  ".join(commands) + f"\nor make a bundle for each:\n  {each}"
    )
