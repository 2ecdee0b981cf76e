"""OME-Zarr through the command line: each channel by its own bundle, and what inspect says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.commands import run_command
from support.zarr_files import WHY, levels_of, noisy_stack, write_ome_zarr

from zsn2m_runtime.denoiser import Denoiser

pytest.importorskip("zarr", reason=WHY)


def test_denoise_of_one_channel_copies_the_other(
    tmp_path: Path, make_bundle: BundleMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle("uint16", 1, (0.0, 4095.0), method="adapt")
    array = noisy_stack((2, 2, 32, 40))
    source = write_ome_zarr(tmp_path / "a.zarr", array, "tcyx", chunks=(1, 1, 16, 40), channels=("DAPI", "GFP"))
    (tmp_path / "out.zarr").mkdir()  # an empty folder is no place for many results, but the name of this one
    arguments = ["-o", tmp_path / "out.zarr", "--channel", "GFP", "--no-check", "--json"]
    ended = run_command(capsys, "denoise", bundle, source, *arguments)
    assert ended.code == 0 and ended.json["files"][0]["pages_copied"] == 2
    full = levels_of(tmp_path / "out.zarr")[0]
    assert np.array_equal(full[:, 0], array[:, 0])
    assert np.array_equal(full[1, 1], Denoiser(bundle, threads=1)(array[1, 1]))
    assert run_command(capsys, "denoise", bundle, source, "-o", source).code == 2
    assert run_command(capsys, "denoise", bundle, source, "-o", "s3://bucket/a.zarr").code == 2


def test_inspect_tells_axes_and_storage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((3, 64, 64)), "zyx", "0.4", chunks=(1, 32, 32))
    said = run_command(capsys, "inspect", source, "--json").json
    assert (said["pages"], said["dtype"], said["stack"]["said_by"]) == (3, "uint16", "OME-Zarr 0.4")
    assert said["stack"]["stored"] == "Zarr 2, chunks of 1 x 32 x 32; smaller levels: 3 x 32 x 32"
