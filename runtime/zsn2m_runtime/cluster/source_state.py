"""Whether the chunks that a task was made of have changed since."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from zsn2m_runtime.files.zarr_levels import factors
from zsn2m_runtime.files.zarr_places import address_of
from zsn2m_runtime.files.zarr_planes import block_of, outer_chunks
from zsn2m_runtime.files.zarr_reader import ZarrFile


def state_of(image: ZarrFile, pages: tuple[int, int]) -> str:
    """A hash of names, sizes and times of the files that pages, and their smaller copies, are read from.

    Times of files are those of their own file system, so that no clocks are compared.

    Args:
        pages: from 0, and the one behind the last
    Returns:
        a text without meaning; empty for addresses, where asking costs as much as reading
    Raises:
        OSError: a file that cannot be looked at.
    """
    if address_of(image.path):
        return ""
    found = sha256()
    for file in _files(image, pages):
        try:
            facts = file.stat()
            said = f"{facts.st_size} {facts.st_mtime_ns}"
        except (FileNotFoundError, NotADirectoryError):
            said = "not there"
        found.update(f"{file} {said}\n".encode())
    return found.hexdigest()


def _files(image: ZarrFile, pages: tuple[int, int]) -> Iterator[Path]:
    places = image.places[slice(*pages)]
    source = image.multiscale
    for path, level in zip(source.paths, source.levels, strict=True):
        chunks, shrunk = outer_chunks(level), factors(source.levels[0], level)
        blocks = dict.fromkeys(block_of(block_of(place, shrunk), chunks[:-2]) for place in places)
        rows, columns = (range(-(-level.shape[axis] // chunks[axis])) for axis in (-2, -1))
        for block, row, column in itertools.product(blocks, rows, columns):
            yield image.path / path / level.metadata.encode_chunk_key((*block, row, column))
