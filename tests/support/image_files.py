"""An image file of every format that is read, whatever it can hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.raw_files import draw_dng
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.suffixes import DNG, IMAGE_SUFFIXES, RAW_SUFFIXES, ZARR

PACKAGES = {".heic": "pillow_heif", ".heif": "pillow_heif", ".hif": "pillow_heif", ".exr": "OpenEXR"}
PACKAGES |= dict.fromkeys(RAW_SUFFIXES, "rawpy")
FLOATS = (".exr", ".pfm")
KINDS = (*(suffix for suffix in IMAGE_SUFFIXES if suffix not in (ZARR, *RAW_SUFFIXES)), DNG)  # DNG for all RAW files


def frame_for(suffix: str, pixels: Pixels) -> Frame:
    """A colour picture of uint8 as what such a file can hold."""
    if suffix in FLOATS:
        return Frame(pixels.astype(np.float32))
    return Frame(np.ascontiguousarray(pixels[..., 0]) if suffix == ".pgm" else pixels)


def save_any(path: Path, pixels: Pixels) -> None:
    """Write a colour picture of uint8 to a file of any format; skips where its package is not installed."""
    if path.suffix in PACKAGES:
        pytest.importorskip(PACKAGES[path.suffix])
    if path.suffix == ".gif":
        Image.fromarray(pixels).save(path)
    elif path.suffix in RAW_SUFFIXES:
        draw_dng(path, pixels[..., 1].astype(np.uint16) * 50 + 600)
    else:
        save_image(path, frame_for(path.suffix, pixels))
