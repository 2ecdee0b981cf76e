"""RAW files from the command line and from Python: train on one, denoise a folder of them, develop the results."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.commands import run_command
from support.raw_files import BLACK, COLOURS, WHITE, Array, Drawn, draw_camera_raw, draw_dng
from support.trainings import INSTANT

from zsn2m_deploy import train_and_export
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.files import open_image

rawpy = pytest.importorskip("rawpy")

PATTERN, AREA, SIDE = "GRBG", (4, 6, 132, 134), 140
GAIN, READ_NOISE = 30.0, 25.0  # sensor units: a photon, and the noise of none
CAMERA = Drawn(PATTERN, AREA, below_preview=True)


def light() -> Array:
    """What a sensor with such filters gets of a smooth colour picture, without noise, sensor units."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    picture = np.dstack((0.2 + 0.6 * columns, 0.3 + 0.5 * rows, 0.6 - 0.4 * columns * rows))
    picture[40:80, 50:100] = (0.7, 0.2, 0.1)
    cells = np.tile(np.reshape([COLOURS.index(cell) for cell in PATTERN], (2, 2)), (SIDE // 2, SIDE // 2))
    black = np.tile(np.reshape(BLACK, (2, 2)), (SIDE // 2, SIDE // 2))
    return np.take_along_axis(picture, cells[..., None], 2)[..., 0] * 12_000 + black


def shot(seed: int) -> Array:
    """The same with photon and read noise, (h, w) uint16."""
    generator, clean = np.random.default_rng(seed), light()
    photons = generator.poisson((clean - np.min(BLACK)) / GAIN) * GAIN + np.min(BLACK)
    return np.rint(photons + generator.normal(0, READ_NOISE, clean.shape)).clip(0, WHITE).astype(np.uint16)


def developed(path: Path) -> Array:
    with rawpy.imread(str(path)) as raw:
        return np.asarray(raw.postprocess(use_camera_wb=True, no_auto_bright=True), np.float64)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    draw_dng(folder / "a.dng", shot(0), CAMERA)
    draw_dng(folder / "clean.dng", np.rint(light()).astype(np.uint16), CAMERA)
    train_and_export(folder / "a.dng", folder / "a.zsn2m", INSTANT)
    return folder


def test_a_bundle_of_a_dng_knows_its_mosaic(trained: Path) -> None:
    sensor = load_bundle(trained / "a.zsn2m").manifest.sensor
    assert sensor.mosaic is not None
    assert (sensor.mosaic.pattern, sensor.mosaic.black, sensor.mosaic.white) == (PATTERN, BLACK, WHITE)
    assert sensor.range == (0, WHITE)
    with open_image(trained / "a.zsn2m" / "denoised.dng") as result:
        assert result.mosaic == sensor.mosaic


def test_a_folder_of_dngs_has_the_same_colours_and_less_noise(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shots, out = tmp_path / "shots", tmp_path / "out"
    shots.mkdir()
    for seed in (0, 1):
        draw_dng(shots / f"{seed}.dng", shot(seed), CAMERA)
    assert run_command(capsys, "denoise", trained / "a.zsn2m", shots, "-o", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["0.dng", "1.dng"]
    clean = developed(trained / "clean.dng")
    for seed in (0, 1):
        noisy, denoised = developed(shots / f"{seed}.dng"), developed(out / f"{seed}.dng")
        assert np.abs(denoised - clean).mean() < 0.5 * np.abs(noisy - clean).mean()
        assert np.abs((denoised - clean).mean(axis=(0, 1))).max() < 2  # of 255 levels


def test_python_takes_and_gives_the_samples(trained: Path) -> None:
    with open_image(trained / "a.dng") as image:
        frame = image.read()
    denoised = Denoiser(trained / "a.zsn2m").denoise(frame).pixels
    with open_image(trained / "a.zsn2m" / "denoised.dng") as result:
        assert np.abs(denoised.astype(int) - result.read().pixels).max() <= 1


def test_other_filters_are_refused(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw_dng(tmp_path / "b.dng", shot(0), Drawn("RGGB", AREA))
    ended = run_command(capsys, "denoise", trained / "a.zsn2m", tmp_path / "b.dng", "-o", tmp_path / "out.dng")
    assert ended.code != 0
    assert "RGGB" in ended.err and PATTERN in ended.err
    assert not (tmp_path / "out.dng").exists()


def test_a_camera_raw_becomes_a_dng_of_the_same_name(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = shot(2)[AREA[0] : AREA[2], AREA[1] : AREA[3]]
    draw_camera_raw(tmp_path / "b.pef", samples, Drawn(PATTERN, make="PENTAX", model="PENTAX K-5"))
    shutil.copy(tmp_path / "b.pef", tmp_path / "c.pef")
    ended = run_command(
        capsys, "denoise", trained / "a.zsn2m", tmp_path / "b.pef", tmp_path / "c.pef", "-o", tmp_path / "out/"
    )
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.dng", "c.dng"]


def test_inspect_says_filters_levels_and_active_area(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run_command(capsys, "inspect", trained / "a.dng").out
    assert PATTERN in said and str(WHITE) in said and "active area" in said


def test_a_file_that_goes_away_during_training_costs_its_tags_only(trained: Path, tmp_path: Path) -> None:
    source = Path(shutil.copy(trained / "a.dng", tmp_path))

    def remove(*_: object) -> None:
        source.unlink(missing_ok=True)

    bundle = train_and_export(source, tmp_path / "b.zsn2m", INSTANT, progress=remove)
    assert not source.exists()
    with open_image(bundle.path / "denoised.tif") as result, open_image(trained / "a.zsn2m" / "denoised.dng") as usual:
        assert np.array_equal(result.read().pixels, usual.read().pixels)
