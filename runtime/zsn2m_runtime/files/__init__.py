"""Image files in and out: every format's dtype, pages and metadata survive, or an error says why not."""

from zsn2m_runtime.files.formats import IMAGE_SUFFIXES, check_format, save_image
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.listing import list_inputs
from zsn2m_runtime.files.opening import open_image
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.files.writer import ImageWriter

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageFile",
    "ImageWriter",
    "Layout",
    "check_format",
    "list_inputs",
    "open_image",
    "save_image",
]
