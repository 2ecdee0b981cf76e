"""Image files in and out: every format's dtype, pages and metadata survive, or an error says why not."""

from zsn2m_runtime.files.axes import Channel, StackAxes
from zsn2m_runtime.files.foreign import refuse_foreign
from zsn2m_runtime.files.formats import (
    WRITABLE_SUFFIXES,
    check_format,
    frame_suffix,
    new_writer,
    result_suffix,
    save_image,
)
from zsn2m_runtime.files.layout import Layout, Metadata
from zsn2m_runtime.files.listing import list_inputs
from zsn2m_runtime.files.opening import open_image
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.files.zarr_places import is_zarr

__all__ = [
    "WRITABLE_SUFFIXES",
    "Channel",
    "ImageFile",
    "ImageWriter",
    "Layout",
    "Metadata",
    "StackAxes",
    "check_format",
    "frame_suffix",
    "is_zarr",
    "list_inputs",
    "new_writer",
    "open_image",
    "refuse_foreign",
    "result_suffix",
    "save_image",
]
