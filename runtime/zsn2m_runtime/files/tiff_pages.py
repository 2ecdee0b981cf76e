"""What a TIFF page holds, by what tifffile reads of it, and whether that can be a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG, PREDICTOR

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.limits import Stated
from zsn2m_runtime.files.tiff_directories import BrokenTiffError
from zsn2m_runtime.files.tiff_tags import COLOURS, GREYS, PHOTOMETRIC_TAG, orientation_of
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, conversion_of

WIDEST_PACKED = 32  # bits of a sample; from there on whole bytes that NumPy has
# A damaged size must not cost all memory. LZW codes of 12 bits stand for at most 4096 bytes; deflate reaches 1032.
MOST_BYTES_PER_BYTE: dict[int, int] = {
    COMPRESSION.NONE: 1,
    COMPRESSION.LZW: 4096,
    COMPRESSION.ADOBE_DEFLATE: 1100,
    COMPRESSION.DEFLATE: 1100,
}
FORMAT_NAMES = {1: "uint", 2: "int", 3: "float", 4: "uint", 5: "complex int", 6: "complex"}
PHOTOMETRIC_NAMES = {
    PHOTOMETRIC.PALETTE: "palette",
    PHOTOMETRIC.MASK: "mask",
    PHOTOMETRIC.SEPARATED: "CMYK",
}


@dataclass(frozen=True)
class PageForm:
    """The shape of one page and how it is stored; by default as one plain strip.

    Attributes:
        orientation: 1 is upright
        planar: one plane after another
        tile: rows and columns of a tile; None: strips
        first_byte: where its first segment begins
    """

    layout: Layout
    photometric: int = PHOTOMETRIC.MINISBLACK
    orientation: int = 1
    compression: int = COMPRESSION.NONE
    predictor: int = PREDICTOR.NONE
    planar: bool = False
    tile: tuple[int, int] | None = None
    first_byte: int = 0

    @property
    def stated(self) -> Stated:
        """The size that must be decoded, with what fills up the tiles at the border."""
        layout, (rows, columns) = self.layout, self.tile or (1, 1)
        height, width = layout.height + -layout.height % rows, layout.width + -layout.width % columns
        return Stated(width, height, layout.samples * layout.dtype.itemsize)


def page_form(page: tifffile.TiffPage, name: str, allow_palette: bool) -> PageForm:
    """What a page holds; a palette page counts as grey if `allow_palette` (ImageJ's lookup tables).

    Raises:
        InputError: if it cannot be a frame.
        BrokenTiffError: if tags are missing or wrong.
    """
    if not page.imagelength or not page.imagewidth:
        raise BrokenTiffError("a page has no size")
    if not page.dataoffsets:
        raise BrokenTiffError("a page has no pixels")
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else None
    if tile and not all(tile):
        raise BrokenTiffError("its tiles have no size")
    if page.imagedepth != 1:
        raise InputError(f"{name}: expected flat pages, but got volumes; save one page per slice")
    photometric = page.tags.valueof(PHOTOMETRIC_TAG, default=PHOTOMETRIC.MINISBLACK)
    known = (*GREYS, *COLOURS, PHOTOMETRIC.CFA, *([PHOTOMETRIC.PALETTE] if allow_palette else ()))
    if photometric not in known:
        got = PHOTOMETRIC_NAMES.get(photometric, f"photometric {photometric}")
        raise InputError(f"{name}: expected grey or RGB, but got {got}; convert it first")
    channels, has_alpha = _samples(page, photometric in COLOURS, name)
    return PageForm(
        layout=Layout(_dtype(page, name), channels, has_alpha, page.imagelength, page.imagewidth),
        photometric=photometric,
        compression=page.compression,
        predictor=page.predictor,
        planar=page.planarconfig == PLANARCONFIG.SEPARATE and channels + has_alpha > 1,
        orientation=orientation_of(page),
        first_byte=page.dataoffsets[0],
        tile=tile,
    )


def _samples(page: tifffile.TiffPage, is_colour: bool, name: str) -> tuple[int, bool]:
    """Channels, and whether there is alpha."""
    samples = page.samplesperpixel
    if samples == 3 or (samples == 4 and is_colour):
        return 3, samples == 4
    if samples == 1 and not is_colour:
        return 1, False
    if samples == 2 and not is_colour and page.extrasamples and page.extrasamples[0] in (1, 2):
        return 1, True
    raise InputError(
        f"{name}: expected grey, RGB, grey + alpha or RGB + alpha, but got {samples} samples per pixel; "
        f"save the channels as pages"
    )


def _dtype(page: tifffile.TiffPage, name: str) -> np.dtype[np.generic]:
    bits = page.bitspersample if isinstance(page.bitspersample, tuple) else (page.bitspersample,)
    names = sorted({f"{FORMAT_NAMES.get(page.sampleformat, 'unknown ')}{bit}" for bit in bits})
    if len(names) > 1 or names[0] not in SAMPLE_DTYPES:
        raise InputError(
            f"{name}: expected samples of {', '.join(SAMPLE_DTYPES)}, but got {', '.join(names)}; "
            f"{_conversion_of(names[0], max(bits))}"
        )
    return np.dtype(names[0])


def _conversion_of(name: str, bits: int) -> str:
    """How to convert a TIFF whose samples no frame can have, and its result back."""
    if name.startswith("uint") and bits < WIDEST_PACKED:  # 1, 4, 10, 12 or 24 bits, packed
        wide = "uint8" if bits < 8 else "uint16" if bits < 16 else "uint32"
        return (
            f"convert with tifffile.imwrite(NEW, tifffile.imread(OLD).astype('{wide}')) (needs imagecodecs); "
            f"tifffile.imwrite(NEW, result, bitspersample={bits}) brings results back"
        )
    if name.startswith("complex"):
        return f"save with tifffile.imwrite(NEW, array) what array = tifffile.imread(OLD) has: {conversion_of(name)}"
    return "convert with tifffile.imwrite(NEW, tifffile.imread(OLD).astype('float32'))"


def check_inside_file(page: tifffile.TiffPage, form: PageForm) -> None:
    """Check that all pixels of a page lie inside the file.

    Raises:
        BrokenTiffError: if the file was cut.
    """
    file_bytes = page.parent.filehandle.size
    if any(begin + size > file_bytes for begin, size in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise BrokenTiffError("it ends too early")
    most = MOST_BYTES_PER_BYTE.get(form.compression)
    if most is not None and form.layout.stated.nbytes > most * sum(page.databytecounts):
        raise BrokenTiffError("a page has fewer bytes than its size needs")
