"""Image files in and out: every format's dtype, pages and metadata survive, or an error says why not.

Names load on first use: what a path is (`path_kinds`) is found without any image library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsn2m_runtime.files.axes import Channel, StackAxes
    from zsn2m_runtime.files.foreign import refuse_foreign
    from zsn2m_runtime.files.formats import (
        IMAGE_SUFFIXES,
        WRITABLE_SUFFIXES,
        check_format,
        new_writer,
        result_suffix,
        save_image,
    )
    from zsn2m_runtime.files.layout import Layout, Metadata
    from zsn2m_runtime.files.listing import list_inputs
    from zsn2m_runtime.files.opening import open_image
    from zsn2m_runtime.files.reader import ImageFile
    from zsn2m_runtime.files.writer import ImageWriter

__all__ = [
    "IMAGE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Channel",
    "ImageFile",
    "ImageWriter",
    "Layout",
    "Metadata",
    "StackAxes",
    "check_format",
    "list_inputs",
    "new_writer",
    "open_image",
    "refuse_foreign",
    "result_suffix",
    "save_image",
]

_HOMES = {
    "Channel": "axes",
    "StackAxes": "axes",
    "refuse_foreign": "foreign",
    **dict.fromkeys(
        ("IMAGE_SUFFIXES", "WRITABLE_SUFFIXES", "check_format", "new_writer", "result_suffix", "save_image"), "formats"
    ),
    "Layout": "layout",
    "Metadata": "layout",
    "list_inputs": "listing",
    "open_image": "opening",
    "ImageFile": "reader",
    "ImageWriter": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
