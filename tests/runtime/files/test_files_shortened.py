"""A file that another program shortens while it is read is an error, not the end of the process (SIGBUS)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from zsn2m_runtime.files.tiff_decoding import page_alone

READER = """
import os, sys
from pathlib import Path
from zsn2m_runtime.files import open_image
from zsn2m_runtime.errors import InputError
path = Path(sys.argv[1])
with open_image(path) as image:
    first = image.read(0)
    os.truncate(path, int(sys.argv[2]))
    try:
        image.read(image.page_count - 1)
    except InputError as error:
        print(error)
    print(first.pixels.sum())
"""
NOISE = np.random.default_rng(0).integers(0, 65536, (4, 300, 400, 1), np.uint16)


def save(path: Path, kind: str) -> None:
    if kind == "lzw.tif":  # tifffile cannot write it without imagecodecs
        pages = [Image.fromarray(page[..., 0]) for page in NOISE]
        pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    elif path.suffix == ".npy":
        np.save(path, np.asfortranarray(NOISE) if kind.startswith("fortran") else NOISE)
    else:
        how = "zlib" if kind.startswith("deflate") else None
        tifffile.imwrite(path, NOISE[..., 0], photometric="minisblack", compression=how, imagej=kind == "imagej.tif")


@pytest.mark.parametrize("kind", ["c.npy", "fortran.npy", "plain.tif", "imagej.tif", "deflate.tif", "lzw.tif"])
@pytest.mark.parametrize("length", [0, 5000, 300_000])
def test_a_file_that_is_shortened_is_an_error(tmp_path: Path, kind: str, length: int) -> None:
    path = tmp_path / kind
    save(path, kind)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path), str(length)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    error, total = done.stdout.splitlines()
    assert error.startswith(str(path)) and "expected" in error
    assert int(total) == NOISE[0].sum(dtype=np.int64)


@pytest.mark.parametrize("tile", [None, (16, 32)])
def test_a_page_alone_has_the_pixels_of_the_page(tmp_path: Path, tile: tuple[int, int] | None) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, NOISE[..., 0], photometric="minisblack", tile=tile, compression="zlib", description="x")
    with tifffile.TiffFile(path) as file:
        content = page_alone(file.pages.get(2))
    (tmp_path / "alone.tif").write_bytes(content)
    assert (tifffile.imread(tmp_path / "alone.tif") == NOISE[2, ..., 0]).all()
    assert len(content) < path.stat().st_size / 3
