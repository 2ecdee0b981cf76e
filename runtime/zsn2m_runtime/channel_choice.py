"""Which channels of a stack are denoised: the one that the bundle was trained on, or those the user names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import Channel, StackAxes
from zsn2m_runtime.files.axes import find_channel, pages_in_words
from zsn2m_runtime.manifest import ChannelRecord

ALL = "all"


@dataclass(frozen=True)
class ChannelChoice:
    """The channels of a file that are denoised.

    notes: sentences for results in which the pages of other channels are copied
    left_out: sentences for results without those pages
    """

    axes: StackAxes
    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def takes(self, page: int) -> bool:
        """Whether a page, counted from 0, is denoised."""
        return self.axes.channel_of(page) in self.channels

    def name_of(self, page: int) -> str:
        """The name of a page's channel for messages; empty if the file has only one channel."""
        return self.axes.channel_of(page).label if len(self.axes.channels) > 1 else ""

    @cached_property
    def pages_to_check(self) -> set[int]:
        """The first page of every channel that is denoised.

        If the file does not say what its pages are, the first two pages: channels often alternate.
        """
        if self.axes.is_plain:
            return {0, 1}
        return {self.axes.pages_of(channel)[0] for channel in self.channels}


def choose_channels(axes: StackAxes, trained_on: ChannelRecord | None, wanted: str | None, name: str) -> ChannelChoice:
    """The channels of a file to denoise.

    Args:
        trained_on: the channel that the bundle was trained on; None: its frames were not one channel of a stack
        wanted: a name, a number from 1 or `all`; None: the bundle's channel, if it has one, else all
        name: of the file, for messages
    Raises:
        UsageError: the file has no such channel.
        InputError: the file has several channels, and none is the bundle's.
    """
    there = axes.channels
    if wanted == ALL:
        return ChannelChoice(axes, there)
    if wanted is not None:
        return _with_notes(axes, find_channel(wanted, there, name))
    if trained_on is None:
        return ChannelChoice(axes, there)
    if len(there) == 1:
        notes = _other_name(there[0], trained_on)
        return ChannelChoice(axes, there, notes, notes)
    match = _match(there, trained_on)
    if match is None:
        names = ", ".join(channel.label for channel in there)
        raise InputError(
            f"{name}: expected {trained_on.label}, which the bundle was trained on, among the channels of the stack, "
            f"but got {names}; say which to denoise: --channel NAME, a number from 1, or all"
        )
    return _with_notes(axes, match)


def _match(there: Sequence[Channel], trained_on: ChannelRecord) -> Channel | None:
    named = [channel for channel in there if channel.name]
    if trained_on.name and named:
        same = [channel for channel in named if channel.name == trained_on.name]
        by_number = [channel for channel in same if channel.number == trained_on.number]
        return same[0] if len(same) == 1 else by_number[0] if by_number else None
    same_place = [channel for channel in there if channel.number == trained_on.number]
    return same_place[0] if same_place and len(there) == trained_on.of else None


def _with_notes(axes: StackAxes, chosen: Channel) -> ChannelChoice:
    others = [channel for channel in axes.channels if channel != chosen]
    if not others:
        return ChannelChoice(axes, (chosen,))
    pages = sorted(page + 1 for channel in others for page in axes.pages_of(channel))
    names = ", ".join(channel.label for channel in others)
    there = f"pages {pages_in_words(pages)} ({names}) are"
    only = f"only {chosen.label} is denoised"
    note = f"{there} copied as they are; {only}; for the others give the result to their own bundle"
    return ChannelChoice(axes, (chosen,), (note,), (f"{there} left out; {only}",))


def _other_name(only: Channel, trained_on: ChannelRecord) -> tuple[str, ...]:
    if not only.name or not trained_on.name or only.name == trained_on.name:
        return ()
    return (f"the bundle was trained on {trained_on.label}, but this is {only.name}",)
