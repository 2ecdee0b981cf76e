"""OME-TIFFs whose pages are not all stored as the first one is, and those whose metadata speak of fewer pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from zsn2m_runtime.files import open_image

H, W = 40, 48
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{w}" SizeY="{h}" SizeZ="1" '
    'SizeC="2" SizeT="1"><Channel ID="Channel:0:0" Name="a"/><Channel ID="Channel:0:1" Name="b"/><TiffData/></Pixels>'
    "</Image></OME>"
)
DEFLATE: dict[str, Any] = {"compression": "deflate"}
PREDICTED = {**DEFLATE, "predictor": True}
TILED: dict[str, Any] = {"tile": (16, 16)}
PLAIN: dict[str, Any] = {}


def _write(path: Path, *forms: dict[str, Any], sizes: tuple[tuple[int, int], ...] = ()) -> list[np.ndarray]:
    rng = np.random.default_rng(1000)
    pages = [
        rng.integers(0, 256, size, np.uint8) for size, _ in zip(sizes or ((H, W),) * len(forms), forms, strict=True)
    ]
    with tifffile.TiffWriter(path) as tiff:
        for number, (page, form) in enumerate(zip(pages, forms, strict=True)):
            text = XML.format(w=W, h=H) if number == 0 else None
            tiff.write(page, description=text, metadata=None, contiguous=False, photometric="minisblack", **form)
    return pages


@pytest.mark.parametrize(
    "forms",
    [
        (PLAIN, DEFLATE),
        (DEFLATE, PLAIN),
        (DEFLATE, PREDICTED),
        (TILED, PLAIN),
        ({"rowsperstrip": 8}, PLAIN),
        (PLAIN,) * 4,  # two more than the metadata speak of
    ],
)
def test_every_page_is_decoded_by_its_own_tags(tmp_path: Path, forms: tuple[dict[str, Any], ...]) -> None:
    """Once decoded as the first page: noise of another page's bytes, or `damaged`."""
    path, out = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    pages = _write(path, *forms)
    with open_image(path) as image:
        assert image.axes is not None  # what makes tifffile take all pages to be alike
        with image.create(out) as writer:
            for page, frame in zip(pages, image, strict=True):
                np.testing.assert_array_equal(frame.pixels, page)
                writer.write(frame)
    with open_image(out) as image:
        for page, frame in zip(pages, image, strict=True):
            np.testing.assert_array_equal(frame.pixels, page)


def test_pages_of_one_area_and_another_shape(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    pages = _write(path, PLAIN, PLAIN, sizes=((H, W), (H // 2, W * 2)))
    with open_image(path) as image:
        assert [frame.pixels.shape for frame in image] == [page.shape for page in pages]
