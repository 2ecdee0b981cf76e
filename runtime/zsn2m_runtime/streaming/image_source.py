"""Image files as a source: a folder, a pattern, single files and stacks, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from zsn2m_runtime.channel_choice import ChannelChoice, choose_channels
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import ImageFile, Layout, list_inputs, open_image
from zsn2m_runtime.files.formats import FORMATS
from zsn2m_runtime.files.writer import describe
from zsn2m_runtime.image import Frame
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.streaming.ends import Picture, StreamInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChannelWish:
    """Which channels of a stack are denoised.

    trained_on, wanted: as for `choose_channels`; whole: the result is the stack, so that other channels belong to it
    """

    trained_on: ChannelRecord | None = None
    wanted: str | None = None
    whole: bool = False


class ImageSource:
    """The pages of image files, which must all be of one size and kind. A file is open only while it is read.

    Pictures are called like their file without suffix, those of a stack NAME_page_0001 and so on.

    Of a stack with several channels, the pages that the bundle is not for go through as they are where the result is
    the whole stack; else they are left out. Either is logged.

    Args:
        arguments: files, folders and glob patterns, as `list_inputs` takes them
        rate: frames per second; None: the frames have no clock
        alpha: give the alpha plane too, where there is one
        channels: which ones are denoised
        max_pixels: see `open_image`
    Attributes:
        paths: the files in order
        named: what each picture is called, and its file
        info: what their frames are, as the first page says
    Raises:
        InputError: if there are no image files, or the first one is unreadable or has not the bundle's channel.
        UsageError: if it has not the channel that is asked for.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        rate: Fraction | None = None,
        channels: ChannelWish | None = None,
        *,
        alpha: bool = True,
        max_pixels: int | None = None,
    ) -> None:
        self.paths = list_inputs([str(argument) for argument in arguments])
        self._max_pixels = max_pixels
        self._channels = channels or ChannelWish()
        self._passes_others = self._channels.whole and len(self.paths) == 1
        with open_image(self.paths[0], max_pixels) as first:
            self._say(first, self._choice(first))
            self._layout, stated, mosaic = replace(first.layout, page_count=1), first.value_range, first.mosaic
        layout, self._alpha = self._layout, alpha
        self.named = [(name, path) for path in self.paths for name in self._names(path)]
        self.info = StreamInfo(
            name=str(arguments[0]) if len(arguments) == 1 else f"{len(self.paths)} image files",
            height=layout.height,
            width=layout.width,
            dtype=layout.dtype.name,
            channels=layout.channels,
            range=stated or ((0, 255) if layout.dtype.name == "uint8" else None),
            rate=rate,
            frames=len(self.named),
            alpha=layout.has_alpha and alpha,
            mosaic=mosaic,
        )

    def __iter__(self) -> Iterator[Picture]:
        """The frames, file after file.

        Raises:
            InputError: where a file is unreadable or a frame is not like the first one; frames before it were given.
        """
        number = 0
        for path in self.paths:
            with open_image(path, self._max_pixels) as image:
                choice = self._choice(image)
                if path != self.paths[0]:
                    self._say(image, choice)
                for page in self._pages(choice):
                    frame = image.read(page)
                    self._check(frame, f"{path}: page {page + 1}" if image.page_count > 1 else str(path))
                    number += 1
                    picture = self._picture(frame, number, _picture_name(path, page + 1, image.page_count))
                    yield replace(picture, channel=choice.name_of(page), is_kept=not choice.takes(page))

    def stop(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing stays open."""

    def _choice(self, image: ImageFile) -> ChannelChoice:
        return choose_channels(image.axes, self._channels.trained_on, self._channels.wanted, str(image.path))

    def _pages(self, choice: ChannelChoice) -> list[int]:
        """The pages that become pictures, from 0."""
        return [page for page in range(len(choice.axes.places)) if self._passes_others or choice.takes(page)]

    def _say(self, image: ImageFile, choice: ChannelChoice) -> None:
        for note in choice.notes if self._passes_others else choice.left_out:
            log.warning("%s: %s", image.path, note)

    def _names(self, path: Path) -> list[str]:
        if not FORMATS[path.suffix.lower()].pages:
            return [_picture_name(path, 1, 1)]
        try:
            with open_image(path, self._max_pixels) as image:
                pages = self._pages(self._choice(image))
                return [_picture_name(path, page + 1, image.page_count) for page in pages]
        except (InputError, UsageError):  # it will end the stream when its turn comes, after the frames before it
            return [_picture_name(path, 1, 1)]

    def _check(self, frame: Frame, name: str) -> None:
        layout = Layout.of(frame)
        if layout != self._layout:
            raise InputError(
                f"{name}: expected {describe(self._layout)} like the first frame, but got {describe(layout)}; "
                f"stream files of one kind at a time"
            )

    def _picture(self, frame: Frame, number: int, name: str) -> Picture:
        frame = frame if self._alpha else Frame(frame.pixels)
        if self.info.rate is None:
            return Picture(frame, number, name)
        return Picture(frame, number, name, pts=number - 1, time_base=1 / self.info.rate, duration=1)


def _picture_name(path: Path, page: int, pages: int) -> str:
    return f"{path.stem}_page_{page:04d}" if pages > 1 else path.stem
