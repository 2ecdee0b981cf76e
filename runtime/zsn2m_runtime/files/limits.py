"""How large a picture may say it is before memory and time are spent on it: a small file can stand for any size."""

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
LITTLE = 1 << 26  # bytes: memory for so little is not asked about, which takes half a millisecond
NO_LIMIT = 1 << 62  # for files that were looked at before


@dataclass(frozen=True)
class Stated:
    """What a file says of its largest picture before it is decoded.

    pages: pictures that must be decoded to open it; scans: times that each is gone over
    """

    width: int
    height: int
    pixel_bytes: int  # of all samples of a pixel
    pages: int = 1
    scans: int = 1

    @property
    def pixels(self) -> int:
        """All that must be decoded to open it."""
        return self.width * self.height * self.pages

    @property
    def work(self) -> int:
        """The same, more where a JPEG goes over it more often than usual."""
        return max(self.pixels, -(-self.pixels * self.scans // USUAL_SCANS))

    @property
    def nbytes(self) -> int:
        """Of one picture."""
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
    """Refuse a picture that is too large to be taken at its word.

    Args:
        max_pixels: the most that a picture may have; None: what no memory or time is lost with, and more where the
            file is large too and the memory is free
        file_bytes: None: not known, or of several pictures that share them
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
