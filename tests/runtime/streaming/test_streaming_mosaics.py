"""Streams of mosaics: raw pipes of libav's Bayer formats, their videos, and which bundles take them."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes
from support.clips import RAW, through, video_source
from support.streams import DEFAULT_ON_ONE_THREAD, STREAM

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern, MosaicRecord
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.running import check_source_fits
from zsn2m_runtime.streaming.video.pixel_formats import PixelFormat

SIZE = (48, 64)


def mosaic(dtype: str, high: float, size: tuple[int, int] = SIZE) -> Pixels:
    return noisy_planes(1, *size, high)[0, 0].astype(dtype)


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
@pytest.mark.parametrize(("ending", "dtype"), [("8", "uint8"), ("16le", "<u2"), ("16be", ">u2")])
def test_raw_mosaics_are_read_value_by_value(pattern: BayerPattern, ending: str, dtype: str) -> None:
    frame = mosaic(dtype, 255 if ending == "8" else 4095)
    options = {**RAW, "pixel_format": f"bayer_{pattern.lower()}{ending}"}
    source = video_source(io.BytesIO(frame.tobytes() * 2), format="rawvideo", options=options)
    found = [item.frame.pixels for item in source if isinstance(item, Picture)]
    source.close()
    assert len(found) == 2
    for pixels in found:
        np.testing.assert_array_equal(pixels, frame)
    assert source.info.mosaic == MosaicRecord(pattern=pattern)
    assert (source.info.channels, source.info.dtype) == (1, found[0].dtype.name)


@pytest.mark.parametrize("pixel_format", ["bayer_gbrg8", "bayer_gbrg16le"])
def test_a_raw_mosaic_goes_through_a_pipe_and_out_again(make_bundle: BundleMaker, pixel_format: str) -> None:
    dtype, high = ("uint8", 255.0) if pixel_format.endswith("8") else ("uint16", 4095.0)
    bundle = make_bundle(dtype, 1, (0.0, high), "mbd", "GBRG")
    frame = mosaic(dtype, high)
    command = [*STREAM, bundle, "-", "--raw", f"64x48:{pixel_format}@5", "-o", "-", *DEFAULT_ON_ONE_THREAD]
    done = subprocess.run(command, input=frame.tobytes() * 3, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    results = np.frombuffer(done.stdout, dtype).reshape(3, *SIZE)
    expected = Denoiser(bundle, provider="cpu", threads=1)(frame)
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_mosaics_are_kept_bit_for_bit_as_grey_where_a_codec_has_no_mosaics(tmp_path: Path) -> None:
    frame = mosaic("uint16", 65535)
    options = {**RAW, "pixel_format": "bayer_rggb16le"}
    read = {"format": "rawvideo", "options": options}
    through(io.BytesIO(frame.tobytes()), tmp_path / "a.mkv", read, lossless=True)
    with av.open(str(tmp_path / "a.mkv")) as video:
        (found,) = video.decode(video=0)
    assert found.format.name == "gray16le"
    np.testing.assert_array_equal(found.to_ndarray(), frame)


def test_a_source_must_have_the_bundles_filters(make_bundle: BundleMaker) -> None:
    data = mosaic("uint8", 255).tobytes()
    source = video_source(io.BytesIO(data), format="rawvideo", options={**RAW, "pixel_format": "bayer_rggb8"})
    source.close()
    for pattern, fits in (("RGGB", True), ("BGGR", False), (None, False)):
        denoiser = Denoiser(make_bundle("uint8", 1, (0.0, 255.0), "mbd", pattern), provider="cpu")
        if fits:
            check_source_fits(denoiser, source.info)
        else:
            with pytest.raises(InputError, match=f"expected a {pattern or 'picture'}.*RGGB mosaic"):
                check_source_fits(denoiser, source.info)


def test_other_frames_do_not_become_mosaics() -> None:
    from zsn2m_runtime.streaming.video.pixel_formats import nearest

    grey, bayer = PixelFormat.of("gray"), PixelFormat.of("bayer_rggb8")
    assert grey and bayer
    assert nearest(grey, ["bayer_rggb8", "yuv420p"]) == "yuv420p"
    assert nearest(bayer, ["gray", "bayer_bggr8", "bayer_rggb8"]) == "bayer_rggb8"
    assert nearest(bayer, ["bayer_bggr8", "gray"]) == "gray"
