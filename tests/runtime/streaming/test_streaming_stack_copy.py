"""A TIFF stack of the results of one file: everything that its original says, also where it ends early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from support.pictures import names_in
from support.stacks import limit_disk, values_of

from zsn2m_runtime.errors import OutputError, UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming.ends import Sink
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.opening import open_sink
from zsn2m_runtime.streaming.options import SinkOptions
from zsn2m_runtime.streaming.stack_copy import StackCopySink

PAGES = 5
SENSOR = Sensor(dtype="uint16", channels=1, range=(0, 65535), noise_sigma=1)
IMAGEJ = {"imagej": True, "metadata": {"spacing": 0.5, "unit": "um", "slices": PAGES, "axes": "ZYX"}}
KINDS: dict[str, dict[str, Any]] = {
    "imagej": IMAGEJ,
    "compressed": {**IMAGEJ, "compression": "zlib"},
    "ome": {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeX": 0.5}},
    "shaped": {"metadata": {"axes": "ZYX"}},
    "big endian": {"byteorder": ">", "photometric": "miniswhite", "metadata": None, "description": "exposure 3 ms"},
}


@pytest.fixture(params=KINDS)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five pages full of their number."""
    pages = np.arange(1, PAGES + 1, dtype=np.uint16)[:, None, None] * np.ones((6, 8), np.uint16)
    resolution = {"resolution": (1234, 1234), "resolutionunit": 3, "software": "microscope 7"}
    tifffile.imwrite(tmp_path / "stack.tif", pages, **resolution, **KINDS[request.param])
    return tmp_path / "stack.tif"


def write(sink: Sink, source: ImageSource, pages: int) -> None:
    for _, item in zip(range(pages), source, strict=False):
        sink.write(item)


def sink_for(stack: Path, output: str) -> tuple[ImageSource, Sink]:
    source = ImageSource([stack])
    return source, open_sink(output, source, SENSOR, SinkOptions(image_type=".tif" if output.endswith("/") else None))


def test_a_stack_of_results_says_what_its_original_says(stack: Path, tmp_path: Path) -> None:
    source, sink = sink_for(stack, str(tmp_path / "out.tif"))
    write(sink, source, PAGES)
    assert sink.finish() == str(tmp_path / "out.tif")
    with open_image(stack) as image, image.create(tmp_path / "batch.tif") as writer:
        for frame in image:
            writer.write(frame)
    said, expected = (path.read_bytes() for path in (tmp_path / "out.tif", tmp_path / "batch.tif"))
    assert said.replace(b"out.tif", b"batch.tif") == expected
    with tifffile.TiffFile(stack) as before, tifffile.TiffFile(tmp_path / "out.tif") as after:
        assert after.series[0].axes == before.series[0].axes
        assert after.imagej_metadata == before.imagej_metadata
        assert after.pages[0].tags["Software"].value == "microscope 7"
        assert after.pages[0].tags["XResolution"].value == before.pages[0].tags["XResolution"].value


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("ending", ["finish", "salvage"])
def test_a_stack_that_ends_early_promises_no_more_pages_than_it_has(
    stack: Path, tmp_path: Path, count: int, ending: str
) -> None:
    source, sink = sink_for(stack, str(tmp_path / "out.tif"))
    write(sink, source, count)
    kept = Path(getattr(sink, ending)())
    assert kept.name == {"finish": "out.tif", "salvage": "out.partial.tif"}[ending]
    assert values_of(kept) == list(range(1, count + 1))
    assert tifffile.imread(kept).reshape(-1, 6, 8)[:, 0, 0].tolist() == list(range(1, count + 1))
    with open_image(kept) as image:
        assert [page.pixels[5, 7] for page in image] == list(range(1, count + 1))
    with tifffile.TiffFile(stack) as before, tifffile.TiffFile(kept) as after:
        assert after.pages[0].tags["Software"].value == "microscope 7"
        if before.imagej_metadata:
            assert after.imagej_metadata["spacing"] == 0.5
        if "exposure" in before.pages[0].description:
            assert after.pages[0].description == "exposure 3 ms"


def test_bytes_of_a_description_stay_where_it_is_corrected(tmp_path: Path) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "out.tif"
    said = b"ImageJ=1.54f\nimages=5\nunit=\xb5m\n"  # Latin-1, as old ImageJ writes
    pages = np.zeros((PAGES, 6, 8), np.uint16)
    tifffile.imwrite(stack, pages, photometric="minisblack", metadata=None, description=said, contiguous=False)
    source, sink = sink_for(stack, str(out))
    write(sink, source, PAGES)
    sink.finish()
    source, sink = sink_for(stack, str(tmp_path / "short.tif"))
    write(sink, source, 3)
    sink.finish()
    with tifffile.TiffFile(out) as whole, tifffile.TiffFile(tmp_path / "short.tif") as short:
        before, after = (file.pages.first.tags["ImageDescription"] for file in (whole, short))
        assert after.valueoffset == before.valueoffset
    content = (tmp_path / "short.tif").read_bytes()[after.valueoffset :]
    assert content.startswith(said.replace(b"images=5", b"images=3") + b"\0")


@pytest.mark.parametrize("room", range(500, 1000, 45))
def test_a_full_disk_keeps_the_pages_that_fit(
    stack: Path, tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ImageSource([stack])
    limit_disk(monkeypatch, room)
    sink = StackCopySink(tmp_path / "out.tif", stack)
    written = 0
    with pytest.raises(OutputError, match=r"out\.tif: .*the disk is full"):
        for item in source:
            sink.write(item)
            written += 1
        sink.finish()
    kept = sink.salvage()
    assert kept == (str(tmp_path / "out.partial.tif") if written else None)
    if kept:
        assert tifffile.imread(kept).reshape(-1, 6, 8)[:, 0, 0].tolist() == list(range(1, written + 1))
    assert sink.salvage() is None


def test_pages_written_as_files_keep_the_resolution(stack: Path, tmp_path: Path) -> None:
    source, sink = sink_for(stack, f"{tmp_path / 'pages'}/")
    write(sink, source, 2)
    assert names_in(tmp_path / "pages") == ["stack_page_0001.tif", "stack_page_0002.tif"]
    with open_image(stack) as before, open_image(tmp_path / "pages" / "stack_page_0002.tif") as after:
        assert before.metadata.resolution
        assert after.metadata.resolution == pytest.approx(before.metadata.resolution, rel=1e-4)


def test_a_stack_never_replaces_its_original(stack: Path) -> None:
    before = stack.read_bytes()
    with pytest.raises(UsageError, match="other than the input"):
        StackCopySink(stack, stack)
    assert stack.read_bytes() == before
    assert names_in(stack.parent) == ["stack.tif"]
