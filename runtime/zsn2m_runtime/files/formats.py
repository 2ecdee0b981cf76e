"""The formats, and what each can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files.avif_writer import AvifWriter
from zsn2m_runtime.files.exr import ExrWriter
from zsn2m_runtime.files.heif import SUFFIXES as HEIC_SUFFIXES
from zsn2m_runtime.files.heif import HeifWriter
from zsn2m_runtime.files.layout import Layout, Metadata, exif_of_orientation
from zsn2m_runtime.files.npy_writer import NpyWriter
from zsn2m_runtime.files.pillow_writer import PillowWriter
from zsn2m_runtime.files.png_chunks import LONGEST_SIDE
from zsn2m_runtime.files.png_writer import PngWriter
from zsn2m_runtime.files.pnm_writer import PnmWriter
from zsn2m_runtime.files.tiff_writer import plain_writer
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole, limits_of
from zsn2m_runtime.suffixes import DNG, RAW_SUFFIXES, ZARR


@dataclass(frozen=True)
class Format:
    """What a format can hold, and how to write it.

    Attributes:
        writer: None: it is read only
        holds: of the metadata of other formats, by the names of `Metadata`
        result: suffix of a result of such a file; empty: its own
        why: it is not written
    """

    writer: Callable[[Path, Layout, Metadata], ImageWriter] | None
    dtypes: frozenset[str]
    samples: frozenset[int]  # per pixel: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA
    holds: frozenset[str] = frozenset()
    pages: bool = False
    longest_side: int = 2**31 - 1
    result: str = ""
    why: str = ""


_IN_WORDS = {
    "icc": "colours (a profile)",
    "exif": "EXIF data",
    "xmp": "XMP data",
    "resolution": "dots per inch",
    "mosaic": "filters (it is a mosaic)",
    "texts": "texts",
}
_ANY_DTYPE = frozenset(SAMPLE_DTYPES)
_UP_TO_16_BITS = frozenset(("uint8", "uint16"))
_ANY_SAMPLES = frozenset((1, 2, 3, 4))
_BLOCKS = frozenset(("icc", "exif", "xmp"))
_BLOCKS_DPI = _BLOCKS | {"resolution"}
_PNG = Format(PngWriter.with_metadata, _UP_TO_16_BITS, _ANY_SAMPLES, _BLOCKS_DPI, longest_side=LONGEST_SIDE)
_JPEG = Format(PillowWriter, frozenset(("uint8",)), frozenset((1, 3)), _BLOCKS_DPI, longest_side=65500)  # libjpeg's
_WEBP = Format(PillowWriter, frozenset(("uint8",)), frozenset((1, 3, 4)), _BLOCKS, longest_side=16383)  # WebP's limit
_BMP = Format(PillowWriter, frozenset(("uint8",)), frozenset((1, 3)), frozenset(("resolution",)))
_TIFF = Format(plain_writer, _ANY_DTYPE, _ANY_SAMPLES, frozenset(("icc", "xmp", "resolution", "mosaic")), pages=True)
_AVIF = Format(AvifWriter, frozenset(("uint8",)), frozenset((1, 3, 4)), _BLOCKS, longest_side=65536)  # AV1's limit
_HEIC = Format(HeifWriter, frozenset(("uint8",)), frozenset((1, 3, 4)), _BLOCKS, longest_side=8192)  # level 6.2's
_EXR = Format(ExrWriter.with_metadata, frozenset(("float16", "float32", "uint32")), frozenset((1, 3, 4)))
_GIF = Format(None, frozenset(), frozenset(), pages=True, result=".tif", why="which has 256 colours")
_RAW = Format(None, frozenset(), frozenset(), result=DNG, why="which only RAW files become")
_ZARR = Format(None, frozenset(), frozenset(), pages=True, why="which only OME-Zarr images become")
_PFM = Format(PnmWriter.with_metadata, frozenset(("float32",)), frozenset((1, 3)))


def _pnm(*samples: int) -> Format:
    return Format(PnmWriter.with_metadata, _UP_TO_16_BITS, frozenset(samples), frozenset(("value_range",)))


_NPY = Format(NpyWriter.with_metadata, _ANY_DTYPE, frozenset((1, 3, 4)), pages=True)

FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _WEBP,
    ".bmp": _BMP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".npy": _NPY,
    ".pgm": _pnm(1),
    ".ppm": _pnm(3),
    ".pnm": _pnm(1, 3),
    ".pam": _pnm(1, 2, 3, 4),
    ".pfm": _PFM,
    ".avif": _AVIF,
    **dict.fromkeys(HEIC_SUFFIXES, _HEIC),
    ".exr": _EXR,
    ".gif": _GIF,
    ZARR: _ZARR,
    **dict.fromkeys(RAW_SUFFIXES, _RAW),
}
WRITABLE_SUFFIXES = (*(suffix for suffix, kind in FORMATS.items() if kind.writer), ZARR, DNG)


def result_suffix(suffix: str) -> str:
    """The suffix of a result of such a file: its own, or that of a format that keeps all of it."""
    kind = FORMATS.get(suffix.lower())
    return kind.result if kind and kind.result else suffix


def frame_suffix(suffix: str) -> str:
    """The suffix of a file for one frame of such a file, written without that file's tags."""
    kind = FORMATS.get(suffix.lower())
    return ".tif" if kind and not kind.writer else suffix


def check_format(path: Path, layout: Layout) -> None:
    """Check that the format of a path can hold frames of this layout unchanged.

    Raises:
        UsageError: if it cannot, naming a format that can.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            f"{path}: expected a file name ending in {', '.join(WRITABLE_SUFFIXES)}, but got "
            f"{suffix or 'no suffix'!r}; choose one of those"
        )
    kind = FORMATS[suffix]
    if kind.writer is None:
        _refuse(path, "a format that keeps every sample", f"{suffix}, {kind.why}", layout)
    allowed = " or ".join(sorted(kind.dtypes))
    if layout.dtype.name not in kind.dtypes:
        _refuse(path, f"{allowed} samples, which is all {suffix} can hold", layout.dtype.name, layout)
    if layout.samples not in kind.samples:
        _refuse(
            path,
            f"frames that {suffix} can hold",
            ("grey", "grey + alpha", "RGB", "RGB + alpha")[layout.samples - 1],
            layout,
        )
    if layout.page_count > 1 and not kind.pages:
        _refuse(path, f"one page, which is all {suffix} can hold", f"{layout.page_count} pages", layout)
    if _longest(layout) > kind.longest_side:
        _refuse(path, f"sides of at most {kind.longest_side}", f"{layout.height}x{layout.width}", layout)


def _longest(layout: Layout) -> int:
    return max(layout.height, layout.width)


def _refuse(path: Path, expected: str, got: str, layout: Layout) -> None:
    fits_png = layout.page_count == 1 and layout.dtype.name in _PNG.dtypes and _longest(layout) <= _PNG.longest_side
    choices = ".png or .tif" if fits_png else ".tif"
    raise UsageError(f"{path}: expected {expected}, but got {got}; write {choices} instead")


def new_writer(path: Path, layout: Layout, metadata: Metadata) -> ImageWriter:
    """A writer for a layout that `check_format` accepts; its notes say what of the metadata is lost."""
    kind = FORMATS[path.suffix.lower()]
    assert kind.writer is not None, "check_format refuses it"
    writer = kind.writer(path, layout, metadata)
    writer.notes = tuple(_lost(kind, path.suffix, layout, metadata))
    return writer


def _lost(kind: Format, suffix: str, layout: Layout, metadata: Metadata) -> Iterator[str]:
    for name, value in asdict(metadata).items():
        if not value or name in kind.holds:
            continue
        if name != "value_range":
            turned = kind is _TIFF and name == "exif"
            if not turned or value != exif_of_orientation(metadata.orientation):
                kept = " but for the orientation" if turned else ""
                yield f"its {_IN_WORDS[name]}{kept} are left out, which {suffix} cannot hold"
        elif is_whole(layout.dtype) and value[1] < limits_of(layout.dtype.name)[1] and "mosaic" not in kind.holds:
            yield (
                f"its values end at {value[1]:g}, which {suffix} cannot say: other programs show it dark, and this one "
                f"needs --range {value[0]:g} {value[1]:g}"
            )


def save_image(path: Path, frame: Frame) -> None:
    """Write one frame that has no source file.

    Raises:
        UsageError: if the format cannot hold it unchanged.
        OutputError: if the file cannot be written.
    """
    layout = Layout.of(frame)
    check_format(path, layout)
    with new_writer(path, layout, Metadata()) as writer:
        writer.write(frame)
