"""Random arrays of every sample type, and copies of TIFF files made without optional packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from zsn2m_runtime.sample_types import is_whole, limits_of


def random_array(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Integers over the whole range of their type, floats from 0 to 1."""
    generator = np.random.default_rng(0)
    if not is_whole(dtype):
        return generator.random(shape).astype(dtype)
    return generator.integers(*limits_of(dtype), shape, dtype, endpoint=True)


WITHOUT_EXTRA_PACKAGES = """
import sys; sys.modules["imagecodecs"] = None
from pathlib import Path
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole, limits_of
try:
    with open_image(Path(sys.argv[1])) as source, source.create(Path(sys.argv[2])) as writer:
        for frame in source:
            writer.write(frame)
except InputError as error:
    print(error)
"""


def copy_without_extra_packages(source: Path, out: Path) -> str:
    """Copy every page; returns the error, if any."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_EXTRA_PACKAGES, source, out],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
