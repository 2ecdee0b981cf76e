"""Samples as files: the noisy frame and, beside it, its clean twin."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.noise import sample_frames
from zsn2m_runtime.files import Layout, check_format, save_image
from zsn2m_runtime.files.formats import new_writer
from zsn2m_runtime.files.layout import Metadata

STACK_SUFFIXES = (".tif", ".tiff")


def write_sample(path: Path, config: SampleConfig) -> list[Path]:
    """Write a sample: `OUT.png` (noisy) and `OUT_clean.png`.

    More than one frame makes `OUT_0000.png`, `OUT_0000_clean.png`, `OUT_0001.png` and so on, or, as TIFF, one
    multi-page `OUT.tif` and one `OUT_clean.tif`.

    Returns:
        the files written, each noisy one followed by its clean twin
    Raises:
        UsageError: if the format cannot hold the frames unchanged; nothing is drawn or written then.
        OutputError: if a file cannot be written.
    """
    stacked = config.frames > 1 and path.suffix.lower() in STACK_SUFFIXES
    layout = _layout(config, page_count=config.frames if stacked else 1)
    check_format(path, layout)
    if stacked:
        return _write_stacks(path, config, layout)
    written = []
    for index, pair in enumerate(sample_frames(config)):
        target = path if config.frames == 1 else path.with_name(f"{path.stem}_{index:04d}{path.suffix}")
        for frame, file in zip(pair, (target, clean_twin(target)), strict=True):
            save_image(file, frame)
            written.append(file)
    return written


def clean_twin(path: Path) -> Path:
    """Where the clean frame of a noisy file goes: `OUT_clean` with the same suffix."""
    return path.with_name(f"{path.stem}_clean{path.suffix}")


def _layout(config: SampleConfig, page_count: int) -> Layout:
    dtype, sizes = np.dtype(config.dtype), (config.height, config.width)
    return Layout(dtype, config.channels, False, *sizes, page_count=page_count)


def _write_stacks(path: Path, config: SampleConfig, layout: Layout) -> list[Path]:
    """Write a noisy and a clean multi-page file, one page at a time."""
    files = [path, clean_twin(path)]
    with ExitStack() as stack:
        writers = [stack.enter_context(new_writer(file, layout, Metadata())) for file in files]
        for pair in sample_frames(config):
            for writer, frame in zip(writers, pair, strict=True):
                writer.write(frame)
    return files
