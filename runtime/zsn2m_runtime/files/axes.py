"""The axes of a stack: which channel, plane and time each page is, by the file's own metadata."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from zsn2m_runtime.errors import UsageError

CHANNEL = "C"
# Letters of tifffile, which calls an axis without a name I or Q. The other ones are for more such axes.
NOUNS = {CHANNEL: "channel", "Z": "plane", "T": "time", "R": "position"}
UNNAMED = "IQJNOUW"


@dataclass(frozen=True)
class Channel:
    """A channel of a stack: its number from 1, and its name, empty where the file has none."""

    number: int
    name: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or f"channel {self.number}"


@dataclass(frozen=True)
class Step:
    """The distance of two neighbours along an axis: X and Y pixels, Z planes, T times."""

    axis: str
    size: float
    unit: str


@dataclass(frozen=True)
class StackAxes:
    """How the pages of a file lie along axes.

    Attributes:
        letters: the axes with more than one place, slowest first, such as TC; channels are C
        places: of each page, its place on each axis, from 0
        channels: at least one
        steps: pixel size and other distances, where the file states them
        origin: the metadata that this is from, such as OME-XML; empty: none
    """

    letters: str
    places: tuple[tuple[int, ...], ...]
    channels: tuple[Channel, ...] = (Channel(1),)
    steps: tuple[Step, ...] = ()
    origin: str = ""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of places on each axis."""
        return tuple(len(set(places)) for places in zip(*self.places, strict=True))

    @property
    def is_plain(self) -> bool:
        """Whether no metadata say what the pages are."""
        return len(self.channels) == 1 and not self.letters.strip(UNNAMED)

    def channel_of(self, page: int) -> Channel:
        """The channel of a page, counted from 0."""
        where = self.letters.find(CHANNEL)
        return self.channels[self.places[page][where] if where >= 0 else 0]

    def pages_of(self, channel: Channel) -> list[int]:
        """The pages of a channel, from 0, as they lie in the file."""
        return [page for page in range(len(self.places)) if self.channel_of(page) == channel]

    def in_words(self) -> str:
        """Such as `3 times x 2 channels (DAPI, GFP)`."""
        parts = []
        for letter, size in zip(self.letters, self.sizes, strict=True):
            noun = "page" if letter in UNNAMED else NOUNS.get(letter, f"place on axis {letter}")
            names = [channel.name for channel in self.channels] if letter == CHANNEL else []
            named = f" ({', '.join(name or '-' for name in names)})" if any(names) else ""
            plural = noun.replace("place", "places", 1) if noun.startswith("place") else f"{noun}s"
            parts.append(f"{size} {plural}{named}")
        return " x ".join(parts)

    def steps_in_words(self) -> str:
        """Such as `0.1 um wide, 0.1 um high, 0.3 um from plane to plane`; empty where the file states none."""
        words = {"X": "wide", "Y": "high", "Z": "from plane to plane", "T": "from time to time"}
        return ", ".join(f"{step.size:.6g} {step.unit} {words[step.axis]}".replace("  ", " ") for step in self.steps)


def plain_axes(pages: int) -> StackAxes:
    """The axes of a file without metadata on its pages."""
    return StackAxes("I" if pages > 1 else "", tuple((page,) if pages > 1 else () for page in range(pages)))


def find_channel(text: str, channels: Sequence[Channel], name: str) -> Channel:
    """The channel that a text names: by its name, else by its number.

    Raises:
        UsageError: if there is none or more than one, saying which there are.
    """
    for matches in (
        [channel for channel in channels if channel.name == text],
        [channel for channel in channels if channel.name.casefold() == text.casefold()],
        [channel for channel in channels if str(channel.number) == text],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            numbers = " or ".join(str(channel.number) for channel in matches)
            raise UsageError(f"{name}: expected one channel called {text}, but got {len(matches)}; say {numbers}")
    there = ", ".join(
        f"{channel.number} ({channel.name})" if channel.name else f"{channel.number}" for channel in channels
    )
    raise UsageError(f"{name}: expected one of its channels {there}, but got {text!r}; choose one of those")


def pages_in_words(pages: Sequence[int]) -> str:
    """Pages from 1, such as `1, 3, 5, ... 11` for a regular row, `1-4, 7` for others."""
    steps = {after - before for before, after in itertools.pairwise(pages)}
    if len(pages) > 3 and len(steps) == 1 and steps != {1}:
        dots = ", ..." if len(pages) > 4 else ""
        return f"{pages[0]}, {pages[1]}, {pages[2]}{dots}, {pages[-1]}"
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def numbers_in(text: str, count: int, name: str) -> list[int]:
    """Numbers from 1 such as 1 or 1,3-5.

    Raises:
        UsageError: if the text is of another form, or a number is above `count`.
    """
    return _numbers(text, count, text, name)


def choose_pages(text: str, pages: Sequence[int], axes: StackAxes, name: str) -> list[int]:
    """The pages that `--pages` names, from 0 as they lie in the file.

    Args:
        text: `all`, numbers from 1 that count within `pages`, such as 1,3-5, or places on axes such as t=1-5,z=2
        pages: those to choose from
    Raises:
        UsageError: if the text is of another form, or names what is not there.
    """
    if text == "all":
        return list(pages)
    if "=" not in text:
        return [pages[number - 1] for number in _numbers(text, len(pages), text, name)]
    chosen = list(pages)
    for letter, numbers in _terms(text).items():
        if letter not in tuple(axes.letters) or letter == CHANNEL:
            there = ", ".join(f"{known.lower()}=" for known in axes.letters if known != CHANNEL) or "none"
            advice = "--channel says which channel" if letter == CHANNEL else "use those, or page numbers"
            raise UsageError(f"{name}: expected axes of the stack ({there}) in {text!r}, but got {letter!r}; {advice}")
        axis = axes.letters.index(letter)
        last = 1 + max(place[axis] for place in axes.places)
        wanted = {number - 1 for number in _numbers(numbers, last, text, name)}
        chosen = [page for page in chosen if axes.places[page][axis] in wanted]
    return chosen


def _terms(text: str) -> dict[str, str]:
    """`t=1-5,7,z=2` as {T: 1-5,7, Z: 2}."""
    terms: dict[str, str] = {}
    letter = ""
    for part in text.split(","):
        before, equals, after = part.strip().rpartition("=")
        letter = before.strip().upper() if equals else letter
        terms[letter] = f"{terms[letter]},{after}" if letter in terms else after
    return terms


def _numbers(text: str, count: int, whole: str, name: str) -> list[int]:
    chosen: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip(), re.ASCII)
        if not found:
            raise UsageError(f"expected pages such as 1 or 1,3-5 or all or t=1-5,z=2, but got {whole!r}")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= count:
            raise UsageError(f"{name}: expected pages from 1 to {count}, but got {whole!r}")
        chosen += range(first, last + 1)
    return chosen
