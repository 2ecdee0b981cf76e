"""Streams of RAW files: results are DNG in a folder, and stacks that still say their filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.raw_files import Drawn, draw_dng, drawn_mosaic

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming.image_source import ImageSource
from zsn2m_runtime.streaming.opening import open_sink
from zsn2m_runtime.streaming.options import SinkOptions

pytest.importorskip("rawpy")

AREA = (4, 6, 44, 58)
SENSOR = Sensor(dtype="uint16", channels=1, range=(0, 15_000), noise_sigma=100)


def shots(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{number}.dng" for number in range(count)]
    for number, path in enumerate(paths):
        draw_dng(path, drawn_mosaic(48, 64, seed=number), Drawn("GBRG", AREA))
    return paths


def passed(source: ImageSource, out: Path, options: SinkOptions | None = None) -> None:
    """Frames as they come, to a sink."""
    sink = open_sink(str(out), source, SENSOR, options or SinkOptions())
    for item in source:
        sink.write(item)
    sink.finish()


def test_a_folder_gets_a_dng_for_each(tmp_path: Path) -> None:
    paths = shots(tmp_path, 2)
    passed(ImageSource(paths), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.dng", "1.dng"]
    for path in paths:
        with open_image(path) as before, open_image(tmp_path / "out" / path.name) as after:
            assert np.array_equal(before.read().pixels, after.read().pixels)
            assert before.mosaic == after.mosaic


@pytest.mark.parametrize("count", [1, 2])
def test_a_stack_says_the_filters_and_levels(tmp_path: Path, count: int) -> None:
    paths = shots(tmp_path, count)
    passed(ImageSource(paths), tmp_path / "out.tif")
    with open_image(tmp_path / "out.tif") as stack, open_image(paths[0]) as first:
        assert stack.page_count == count
        assert stack.mosaic == first.mosaic
        assert np.array_equal(stack.read().pixels, first.read().pixels)


def test_other_files_do_not_become_dngs(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((40, 50), np.uint16))
    with pytest.raises(UsageError, match=r"which only RAW files become; write \.png or \.tif"):
        open_sink(str(tmp_path / "out"), ImageSource([tmp_path / "a.npy"]), SENSOR, SinkOptions(image_type="dng"))
