"""From a path to an opened image file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.avif_reader import AvifFile
from zsn2m_runtime.files.exr_reader import ExrFile
from zsn2m_runtime.files.foreign import refuse_foreign
from zsn2m_runtime.files.gif_reader import GifFile
from zsn2m_runtime.files.heif_reader import HeifFile
from zsn2m_runtime.files.limits import check_limit, check_stated
from zsn2m_runtime.files.npy_reader import NpyFile
from zsn2m_runtime.files.pillow_reader import BmpFile, JpegFile, WebpFile
from zsn2m_runtime.files.png_reader import PngFile
from zsn2m_runtime.files.pnm import MAGICS
from zsn2m_runtime.files.pnm_reader import PnmFile
from zsn2m_runtime.files.raw_reader import RawFile
from zsn2m_runtime.files.reader import ImageFile, unreadable
from zsn2m_runtime.files.stated_size import stated_size
from zsn2m_runtime.files.tiff_reader import TiffImageFile
from zsn2m_runtime.files.videos import stream_hint
from zsn2m_runtime.files.zarr_places import is_zarr
from zsn2m_runtime.files.zarr_reader import ZarrFile
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES, RAW_SUFFIXES

KINDS = (
    PngFile, JpegFile, WebpFile, BmpFile, TiffImageFile, NpyFile, PnmFile, AvifFile, HeifFile, ExrFile, GifFile,
    ZarrFile, RawFile,
)  # fmt: skip
FILE_TYPES: dict[str, Callable[[Path], ImageFile]] = {suffix: kind for kind in KINDS for suffix in kind.suffixes}
BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"RIFF", "WebP"),
    (b"BM", "BMP"),
    (b"II", "TIFF"),
    (b"MM", "TIFF"),
    (b"\x93NUMPY", "NPY"),
    (b"\x76\x2f\x31\x01", "EXR"),
    (b"GIF8", "GIF"),
    *((magic, "Netpbm") for magic in MAGICS),
)
LONGEST_BEGINNING = 64
BOXED = (  # files that begin with a box `ftyp`, by the brands in it
    (("avif", "avis"), "AVIF"),
    (("heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"), "HEIC"),
)
NAMES = {
    "JPG": "JPEG",
    "TIF": "TIFF",
    "WEBP": "WebP",
    "HEIF": "HEIC",
    "HIF": "HEIC",
    **{suffix[1:].upper(): "Netpbm" for suffix in PnmFile.suffixes},
}


def open_image(path: Path, max_pixels: int | None = None) -> ImageFile:
    """Open an image file of any known format; the suffix says which.

    Args:
        max_pixels: the most that a frame may have; None: 2**27, and more where the file is as large as such a frame's
            and the memory is free
    Raises:
        InputError: if it is missing, unreadable, not an image, damaged, too large, or holds samples that no frame can
            hold.
    """
    check_limit(max_pixels)
    try:
        if is_zarr(path):  # a folder, or an address
            return _within_limits(ZarrFile(path), max_pixels, None)
        _check(path)
        file_bytes = path.stat().st_size
        if stated := stated_size(path):
            check_stated(path, stated, max_pixels, file_bytes)
        return _within_limits(FILE_TYPES[path.suffix.lower()](path), max_pixels, file_bytes)
    except OSError as error:
        raise unreadable(path, error) from error


def _within_limits(image: ImageFile, max_pixels: int | None, file_bytes: int | None) -> ImageFile:
    try:
        check_stated(image.path, image.largest, max_pixels, file_bytes)
    except BaseException:
        image.close()
        raise
    return image


def _check(path: Path) -> None:
    suffix = path.suffix.lower()
    refuse_foreign(path)
    if not path.exists():
        raise InputError(f"{path}: expected an image file, but there is none; check the path")
    if path.is_dir():
        raise InputError(f"{path}: expected an image file, but got a folder; name one file in it")
    if not path.is_file():  # a pipe would wait for its writer, /dev/zero has no end
        raise InputError(f"{path}: expected an image file, but got a pipe or a device; save it as a file first")
    if suffix not in FILE_TYPES:
        if hint := stream_hint(path):
            raise InputError(hint)
        raise InputError(
            f"{path}: expected a file ending in {', '.join(IMAGE_SUFFIXES)}, but got "
            f"{suffix or 'no suffix'!r}; convert it first"
        )
    _check_beginning(path, suffix)


def _check_beginning(path: Path, suffix: str) -> None:
    """Refuse empty files and content of another kind than the suffix says, whatever the decoders would do."""
    with path.open("rb") as stream:
        beginning = stream.read(LONGEST_BEGINNING)
    if not beginning:
        raise InputError(f"{path}: expected an image, but got an empty file; copy or export it again")
    kinds = [name for start, name in BEGINNINGS if beginning.startswith(start)]
    if beginning[4:8] == b"ftyp":
        brands = {beginning[place : place + 4].decode("latin-1") for place in range(8, len(beginning), 4)}
        kinds += [name for known, name in BOXED if brands.intersection(known)][:1]
    expected = NAMES.get(suffix[1:].upper(), suffix[1:].upper())
    if suffix in RAW_SUFFIXES and set(kinds) <= {"TIFF"}:  # others begin in ways of their makers, which LibRaw knows
        return
    if expected not in kinds:
        got = kinds[0] if kinds else "other"
        raise InputError(
            f"{path}: expected {expected} as its name says, but got {got} content; "
            f"rename it to its real format or export it again"
        )
