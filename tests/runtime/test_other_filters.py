"""Mosaics whose pixels show green on the other diagonal than the bundle's frames."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command
from support.mosaics import bayer, noise, scene, whole

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import StreamInfo
from zsn2m_runtime.streaming.running import check_source_fits

RAW = np.array([0.5, 1.0, 0.7])
SEED = 1000


def mosaic(pattern: str) -> Pixels:
    return whole(bayer(scene(SEED) * RAW, pattern) + noise(SEED, (160, 160)))


def filters_in(found: tuple[str, ...]) -> list[str]:
    return [sentence for sentence in found if sentence.startswith("colour filters")]


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_the_other_diagonal_is_named_and_red_and_blue_cannot_be_told_apart(
    make_bundle: BundleMaker, pattern: BayerPattern
) -> None:
    denoiser = Denoiser(make_bundle("uint8", 1, (0.0, 255.0), "adapt", "RGGB"), provider="cpu")
    found = filters_in(denoiser.unlike(mosaic(pattern)))
    assert len(found) == (pattern in ("GRBG", "GBRG"))
    assert all("RGGB" in text and "GRBG or GBRG" in text for text in found)


def test_the_phase_is_that_of_the_frame_also_where_its_border_is_blank(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle("uint8", 1, (0.0, 255.0), "adapt", "RGGB"), provider="cpu")
    alpha = np.full((160, 160), 255, np.uint8)
    alpha[:, :3] = alpha[:5] = 0
    for pattern, count in (("RGGB", 0), ("GRBG", 1)):
        assert len(filters_in(denoiser.differences(Frame(mosaic(pattern), alpha)))) == count


@pytest.mark.parametrize("command", ["denoise", "stream"])
def test_commands_warn_of_it(
    make_bundle: BundleMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    bundle = make_bundle("uint8", 1, (0.0, 255.0), "adapt", "RGGB")
    save_image(tmp_path / "a.png", Frame(mosaic("GBRG")))
    ended = run_command(capsys, command, bundle, tmp_path / "a.png", "-o", tmp_path / "out/")
    assert ended.code == 0, ended.err
    assert "GRBG or GBRG" in ended.err + ended.out
    assert (tmp_path / "out" / "a.png").exists()


def test_streams_and_files_take_the_same_mosaics(make_bundle: BundleMaker, tmp_path: Path) -> None:
    stated = MosaicRecord(pattern="RGGB")
    usual = make_bundle("uint8", 1, (0.0, 255.0), "adapt")
    as_picture = Path(shutil.copytree(usual, tmp_path / "as_picture.zsn2m"))
    edit_manifest(as_picture, lambda content: content["method"].update(mosaic="none"))
    for check in (Denoiser.check_pattern, _check_stream):
        check(Denoiser(as_picture, provider="cpu"), stated, "a")
        with pytest.raises(InputError, match="expected a picture"):
            check(Denoiser(usual, provider="cpu"), stated, "a")


def _check_stream(denoiser: Denoiser, stated: MosaicRecord, name: str) -> None:
    check_source_fits(denoiser, StreamInfo(name, 160, 160, "uint8", 1, (0, 255), mosaic=stated))
