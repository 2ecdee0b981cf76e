"""The commands of docs/stacks.md, run as written on a stack of two channels that the test draws."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from test_readme import run
from test_streaming_docs import COMMANDS, DOCS, OPTIONS

TEXT = (DOCS / "stacks.md").read_text(encoding="utf-8")


def write_stack(path: Path) -> None:
    """Discs of light, 96 x 96, two times of DAPI and of GFP, which has nine times the noise."""
    generator = np.random.default_rng(1000)
    row, column = np.mgrid[:96, :96]
    light = 800.0 + sum(700 * ((row - y) ** 2 + (column - x) ** 2 < 90) for y, x in generator.uniform(10, 86, (9, 2)))
    pages = light + generator.normal(0, 1, (2, 2, 96, 96)) * np.array([20, 180])[:, None, None]
    metadata = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(path, np.rint(pages.clip(0)).astype(np.uint16), photometric="minisblack", metadata=metadata)


def test_commands_and_options_exist() -> None:
    assert set(re.findall(r"zsn2m-deploy ([a-z][a-z-]*)", TEXT)) <= set(COMMANDS)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT)) <= OPTIONS


@pytest.mark.slow
def test_the_document_runs_as_written(tmp_path: Path) -> None:
    write_stack(tmp_path / "stack.ome.tif")
    assert run(TEXT, tmp_path) == 6
    noisy, step, clean = (tifffile.imread(tmp_path / f"{name}.ome.tif") for name in ("stack", "step", "clean"))
    assert np.array_equal(step[:, 1], noisy[:, 1]) and np.array_equal(step[:, 0], clean[:, 0])
    for channel, noise in enumerate((20, 180)):
        assert (clean[:, channel] - noisy[:, channel].astype(float)).std() == pytest.approx(noise, rel=0.15)
