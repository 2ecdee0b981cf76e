"""Limits on the size that a file states: a few bytes can state any, and cost all memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.machine.memory import available_memory

# Below it no file costs more than a few seconds and 2 GB (measured, docs/decisions/limits-of-images.md).
FREE_PIXELS = 1 << 27
# Noisy frames pack badly: to a fiftieth with JPEG's lowest useful quality, the blank rims of mosaics to a thousandth.
MOST_UNPACKED = 100  # bytes of samples for a byte of the file
USUAL_SCANS = 10  # of a progressive JPEG, by libjpeg's own script
COPIES = 2  # of a frame that are in memory at least: it, and its result
LITTLE = 1 << 26  # bytes: for less, the free memory is not asked for, which takes half a millisecond
NO_LIMIT = 1 << 62  # pixels: for files that were checked before


@dataclass(frozen=True)
class Stated:
    """The size that a file states of its largest picture, before it is decoded.

    Attributes:
        pixel_bytes: of all samples of a pixel
        pages: pictures that must be decoded to open the file
        scans: how many times a progressive JPEG goes over its picture
    """

    width: int
    height: int
    pixel_bytes: int
    pages: int = 1
    scans: int = 1

    @property
    def pixels(self) -> int:
        """All pixels that must be decoded to open the file."""
        return self.width * self.height * self.pages

    @property
    def work(self) -> int:
        """The same; for a JPEG of more scans than usual, as many times more."""
        return max(self.pixels, -(-self.pixels * self.scans // USUAL_SCANS))

    @property
    def nbytes(self) -> int:
        """Bytes of one picture."""
        return self.width * self.height * self.pixel_bytes

    def in_words(self) -> str:
        """Such as `70000 x 50000 pixels (width x height)`."""
        pages = f" in {self.pages} pictures" if self.pages > 1 else ""
        scans = f", gone over {self.scans} times" if self.scans > USUAL_SCANS else ""
        return f"{self.width} x {self.height} pixels (width x height){pages}{scans}"


def check_limit(max_pixels: int | None) -> None:
    """Refuse a limit that no frame keeps.

    Raises:
        UsageError: below 1.
    """
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"expected --max-pixels of at least 1, but got {max_pixels}; name the pixels of a frame")


def check_stated(path: Path | str, stated: Stated, max_pixels: int | None, file_bytes: int | None = None) -> None:
    """Refuse a picture whose stated size is too large.

    Args:
        max_pixels: the most that a picture may have; None: FREE_PIXELS, and more where the file is as large as such
            a picture's and the memory is free
        file_bytes: size of the file; None: not known, or shared by several pictures
    Raises:
        InputError: naming the option that lifts the limit.
    """
    lift = f"if you trust it, raise the limit: --max-pixels {stated.work} (max_pixels in Python)"
    got = f"but got {stated.in_words()}"
    if max_pixels is not None:
        if stated.work > max_pixels:
            raise InputError(f"{path}: expected at most {max_pixels:,} pixels (--max-pixels), {got}; {lift}")
        return
    is_large_file = file_bytes is not None and stated.nbytes * stated.pages <= MOST_UNPACKED * file_bytes
    if stated.work > FREE_PIXELS and (stated.scans > USUAL_SCANS or not is_large_file):
        of_file = "" if file_bytes is None else f" in {file_bytes:,} bytes"
        raise InputError(
            f"{path}: expected at most {FREE_PIXELS:,} pixels, or a file of a {MOST_UNPACKED}th of their size, "
            f"{got}{of_file}; {lift}"
        )
    if COPIES * stated.nbytes <= LITTLE:
        return
    free = available_memory()
    if free is not None and COPIES * stated.nbytes > free:
        raise InputError(
            f"{path}: expected a frame that fits in memory with its result ({COPIES * stated.nbytes / 1e9:.1f} GB), "
            f"{got} and {free / 1e9:.1f} GB free; cut it into parts, or, to try it all the same: "
            f"--max-pixels {stated.work} (max_pixels in Python)"
        )
