"""A disk with one page less than a result needs: no format takes the part that fits for the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.refusals import mounted

from zsn2m_runtime.atomic import OutputError
from zsn2m_runtime.files import WRITABLE_SUFFIXES, open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.suffixes import RAW_SUFFIXES, ZARR

PAGE = 4096  # of memory, by which a tmpfs counts
FLOATS = (".exr", ".pfm")
GREY_ONLY, COLOUR_ONLY = (".pgm",), (".ppm",)
SUFFIXES = [suffix for suffix in WRITABLE_SUFFIXES if suffix not in (*RAW_SUFFIXES, ZARR)]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_page_too_little_is_a_full_disk(tmp_path: Path, suffix: str, channels: int) -> None:
    if suffix in (COLOUR_ONLY if channels == 1 else GREY_ONLY):
        pytest.skip("not for such frames")
    shape = (120, 150) if channels == 1 else (120, 150, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape)
    source = tmp_path / f"a{suffix}"
    try:
        save_image(source, Frame(noise.astype(np.float32 if suffix in FLOATS else np.uint8)))
    except (ImportError, OutputError) as error:
        pytest.skip(str(error))
    with open_image(source) as image:
        frame = image.read()
        with image.create(tmp_path / f"b{suffix}") as writer:
            writer.write(frame)
        pages = -(-(tmp_path / f"b{suffix}").stat().st_size // PAGE)
        assert pages > 1
        for number, size in enumerate((pages, pages - 1, 1)):
            with mounted(tmp_path / f"disk{number}", f"size={size * PAGE}") as disk:
                if size == pages:
                    with image.create(disk / f"b{suffix}") as writer:
                        writer.write(frame)
                    continue
                with pytest.raises(OutputError, match="the disk is full"), image.create(disk / f"b{suffix}") as writer:
                    writer.write(frame)
                assert not list(disk.iterdir())
