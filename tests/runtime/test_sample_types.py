"""Every sample type goes the whole way: trained on, exported, denoised, and the same network whatever the type."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.bundles import noisy_planes
from support.commands import run_command

import zsn2m_deploy as zsn2m
from zsn2m_runtime.files import open_image
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_grey, is_whole

QUICK = zsn2m.TrainConfig(method="mbd").updated({"mbd": {"schedule": {"iterations": 20, "crop_side": 32}}})
SHIFT = 60  # int8 has room for it: noisy_planes below stay under 2 * SHIFT
OTHERS = [name for name in SAMPLE_DTYPES if name not in ("uint8", "uint16", "float32")]


def frame_of(dtype: str, seed: int = 0) -> np.ndarray:
    """Whole values from 0 to 120, 60 less where the type is signed."""
    pixels = noisy_planes(1, 48, 56, 2.0 * SHIFT, seed)[0, 0]
    return (pixels - SHIFT * (dtype.startswith("int"))).astype(dtype)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> zsn2m.Bundle:
    return zsn2m.train_and_export(frame_of("uint16"), tmp_path_factory.mktemp("known") / "b.zsn2m", QUICK)


@pytest.mark.parametrize(
    "dtype", [name if name == "int16" else pytest.param(name, marks=pytest.mark.slow) for name in OTHERS]
)
def test_a_type_changes_nothing_but_the_type(tmp_path: Path, known: zsn2m.Bundle, dtype: str) -> None:
    """The same picture as uint16 gives the same result, up to the rounding of float32 and of the samples."""
    frame, shift = frame_of(dtype), SHIFT * dtype.startswith("int")
    sensor = zsn2m.FrameOptions(value_range=(-100, 127))
    if dtype.startswith("u"):
        sensor = zsn2m.FrameOptions(value_range=(0, 127))
    bundle = zsn2m.train_and_export(frame, tmp_path / "a.zsn2m", QUICK, sensor)
    assert bundle.manifest.sensor.dtype == dtype
    assert bundle.manifest.normalisation.scale == known.manifest.normalisation.scale
    assert bundle.manifest.noise.slope == pytest.approx(known.manifest.noise.slope, abs=1e-3)
    assert bundle.manifest.sensor.noise_sigma == pytest.approx(known.manifest.sensor.noise_sigma, rel=1e-3)
    clean = zsn2m.Denoiser(bundle.path)(frame)
    expected = zsn2m.Denoiser(known.path)(frame_of("uint16")).astype(float)
    assert (clean.dtype, clean.shape) == (frame.dtype, frame.shape)
    assert np.abs(np.maximum(clean.astype(float) + shift, 0) - expected).max() <= (1 if is_whole(dtype) else 0.51)
    with open_image(bundle.path / ("denoised.npy")) as image:
        np.testing.assert_array_equal(image.read().pixels, clean)


@pytest.mark.parametrize("dtype", OTHERS)
def test_noise_is_estimated_alike(dtype: str) -> None:
    found, expected = estimate_noise([frame_of(dtype)]), estimate_noise([frame_of("float32")])
    assert found.sigma([frame_of(dtype)]) == pytest.approx(expected.sigma([frame_of("float32")]), rel=1e-3)


def test_floats_of_16_bits_lose_nothing_beside_a_far_black(tmp_path: Path) -> None:
    """1000 and 0.7 less is 999.5 in float16, whose steps are 0.5 there."""
    frame = (1500 + 64 * frame_of("float32") / 120).astype(np.float16)
    found, expected = estimate_noise([frame]), estimate_noise([frame.astype(np.float32)])
    assert found.sigma([frame]) == expected.sigma([frame.astype(np.float32)])


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, zsn2m.Bundle]:
    """A stack of a two-photon microscope, and its bundle."""
    folder = tmp_path_factory.mktemp("scan")
    stack = np.stack([frame_of("int16", seed) for seed in (0, 1, 2)]) * np.int16(4)
    about = {"description": "SI.VERSION = 2020", "metadata": None, "photometric": "minisblack"}
    tifffile.imwrite(folder / "scan.tif", stack, byteorder=">", **about)
    options = zsn2m.FrameOptions(bit_depth=12)
    return folder / "scan.tif", zsn2m.train_and_export(folder / "scan.tif", folder / "scan.zsn2m", QUICK, options)


def test_a_two_photon_stack_of_int16_comes_back_as_it_came(
    tmp_path: Path, scan: tuple[Path, zsn2m.Bundle], capsys: pytest.CaptureFixture[str]
) -> None:
    (source, bundle), out = scan, tmp_path / "clean.tif"
    assert bundle.manifest.sensor.range == (-2048, 2047)
    assert run_command(capsys, "denoise", bundle.path, source, "-o", out).code == 0
    stack = tifffile.imread(source)
    with tifffile.TiffFile(out) as result:
        assert (result.byteorder, result.pages[0].description) == (">", "SI.VERSION = 2020")
        clean = result.asarray()
    assert (clean.dtype, clean.shape) == (np.int16, stack.shape)
    assert clean.min() < 0 < clean.max()
    denoise = zsn2m.Denoiser(bundle.path)
    np.testing.assert_array_equal(clean, np.stack([denoise(page) for page in stack]))
    assert "all values fit 10 bits" in run_command(capsys, "inspect", source).out


def test_streams_of_int16_become_stacks_and_not_videos(
    tmp_path: Path, scan: tuple[Path, zsn2m.Bundle], capsys: pytest.CaptureFixture[str]
) -> None:
    source, bundle = scan
    command = ["stream", bundle.path, source, "-o"]
    assert run_command(capsys, *command, tmp_path / "out.tif").code == 0
    assert (tifffile.imread(tmp_path / "out.tif").dtype, len(tifffile.imread(tmp_path / "out.tif"))) == (np.int16, 3)
    assert run_command(capsys, *command, f"{tmp_path / 'folder'}/").code == 0
    ended = run_command(capsys, *command, tmp_path / "out.mkv")
    assert ended.code == 2
    assert "uint8 or uint16, which videos hold, but got int16" in ended.err


@pytest.mark.slow
def test_numbers_from_0_to_1_are_refused_where_float32_is_too_coarse_for_them(tmp_path: Path) -> None:
    from zsn2m_deploy.bundle.export import export
    from zsn2m_runtime.errors import UsageError

    bundle = zsn2m.train_and_export(frame_of("int32"), tmp_path / "a.zsn2m", QUICK)
    with pytest.raises(UsageError, match="--bit-depth or --range"):
        export(bundle.path, io="unit")
    with pytest.raises(UsageError, match="use --io unit"):
        export(bundle.path, io="u16")


@pytest.mark.slow
def test_the_shared_two_photon_frame(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "faults" / "twophoton_i16.tif"
    if not path.exists():
        pytest.skip("no shared frames with faults")
    bundle = zsn2m.train_and_export(path, tmp_path / "a.zsn2m", QUICK)
    with open_image(path) as image, open_image(bundle.path / "denoised.tif") as result:
        noisy, clean = image.read().pixels, result.read().pixels
    assert (clean.dtype, clean.shape) == (noisy.dtype, noisy.shape) == (np.int16, noisy.shape)
    assert noisy.min() < 0
    assert abs(float(clean.mean()) - float(noisy.mean())) < 0.05 * noisy.std()


def test_grey_has_one_channel_or_all_alike() -> None:
    grey = np.arange(12.0).reshape(3, 4)
    assert is_grey(grey)
    assert is_grey(np.dstack([grey] * 3))
    assert not is_grey(np.dstack([grey, grey, grey + (grey == 5)]))
