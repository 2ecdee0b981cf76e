"""ImageJ stacks whose planes all lie behind one TIFF directory, one after the other and uncompressed."""

from __future__ import annotations

import re

from tifffile import COMPRESSION, TiffFile

from zsn2m_runtime.files.tiff_directories import BrokenTiffError
from zsn2m_runtime.files.tiff_pages import PageForm
from zsn2m_runtime.sample_types import Pixels


def planes_behind_directory(tiff: TiffFile, form: PageForm, description: str) -> int:
    """How many planes lie behind the only directory of an ImageJ file; 0 if it has just its own.

    Args:
        form: of the page that the directory describes
        description: the file's, in which ImageJ writes `images=N`
    Raises:
        BrokenTiffError: a form that ImageJ does not write, or a file that ends before its planes do.
    """
    images = re.search(r"^images=(\d+)", description, re.MULTILINE)
    planes = int(images[1]) if images else 0
    if planes < 2 or form.compression != COMPRESSION.NONE:
        return 0
    if form.planar:
        raise BrokenTiffError("its colour planes are separate, which ImageJ does not write")
    if form.first_byte + planes * form.layout.stated.nbytes > tiff.filehandle.size:
        raise BrokenTiffError(f"it ends before its {planes} images do")
    return planes


def read_plane(tiff: TiffFile, form: PageForm, page: int) -> Pixels:
    """One plane, counted from 0: (h, w) or (h, w, samples)."""
    layout = form.layout
    begin = form.first_byte + page * layout.stated.nbytes
    dtype = layout.dtype.newbyteorder(tiff.byteorder)
    flat = tiff.filehandle.read_array(dtype, layout.stated.nbytes // dtype.itemsize, begin)
    size = (layout.height, layout.width)
    return flat.reshape(size if layout.samples == 1 else (*size, layout.samples))
