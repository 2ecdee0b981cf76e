"""JPEGs of pictures that were JPEGs before, of grey ones, and with tables of their own."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.scenes import scene

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.jpeg import compressed, demosaicked, jpeg_in_words, jpeg_of, with_jpeg_noise
from zsn2m_runtime.noise.jpeg_grid import Compression, find_jpeg
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Pixels

SIDE = 264
# Of a camera that has none of the group's: steps of luma, and of chroma, from coarse to fine
OWN_LUMA = [5, 3, 4, 5, 8, 13, 16, 20, 4, 4, 5, 7, 9, 19, 19, 18, 5, 5, 6, 8, 13, 18, 23, 18, 5, 6, 7, 10, 16, 28, 26]
OWN_TABLES = [[*OWN_LUMA, 19, 19, *reversed(OWN_LUMA)], [9] * 64]


def photograph(seed: int, sigma: float = 6.0) -> Doubles:
    made = scene(side=SIDE, seed=seed).clean
    picture = 0.8 * made.mean(axis=2, keepdims=True) + 0.2 * made
    return np.asarray(picture + sigma * demosaicked((SIDE, SIDE), np.random.default_rng(seed)))


def eight_bits(frame: Doubles) -> Pixels:
    return frame.astype(np.uint8)


def stored(frame: Doubles, **options: object) -> Pixels:
    """Through a file as Pillow writes it."""
    file = io.BytesIO()
    Image.fromarray(np.rint(frame).clip(0, 255).astype(np.uint8)).save(file, "JPEG", **options)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize(("first", "last"), [(75, 90), (75, 95), (85, 92), (60, 75)])
@pytest.mark.parametrize("sigma", [0.0, 6.0])
def test_a_coarser_jpeg_before_is_found_on_the_same_grid(first: int, last: int, sigma: float) -> None:
    found = find_jpeg(eight_bits(compressed(compressed(photograph(1, sigma), first), last)))
    assert found is not None
    assert found.coarsest == pytest.approx(first, abs=2)
    assert found.quality == pytest.approx(last, abs=1) or found.before is None  # the last one may have changed nothing


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("first", "last"), [(75, 90), (85, 92)])
def test_a_coarser_jpeg_before_is_found_on_another_grid(first: int, last: int, seed: int) -> None:
    found = find_jpeg(eight_bits(compressed(compressed(photograph(seed), first)[3:, 5:], last)))
    assert found is not None
    assert found.quality == last
    assert found.before is not None
    assert first - 3 <= found.before < last


@pytest.mark.parametrize("quality", [60, 75, 85, 92, 95, 97])
@pytest.mark.parametrize("seed", range(3))
def test_pictures_compressed_once_show_no_other_jpeg(quality: int, seed: int) -> None:
    assert find_jpeg(eight_bits(compressed(photograph(seed), quality))) == Compression(quality)


@pytest.mark.parametrize("quality", [75, 85])
def test_a_finer_jpeg_before_does_not_matter(quality: int) -> None:
    twice = eight_bits(compressed(compressed(photograph(2), 95), quality))
    assert find_jpeg(twice) == Compression(quality)


def test_of_a_picture_that_was_halved_the_last_jpeg_is_found() -> None:
    whole = compressed(photograph(3), 90)
    half = whole.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean(axis=(1, 3))
    assert find_jpeg(np.rint(half).astype(np.uint8)) is None
    assert find_jpeg(eight_bits(compressed(half, 85))) == Compression(85)


@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 1}, {"progressive": True}])
def test_other_kinds_of_files_are_found(options: dict[str, object]) -> None:
    assert find_jpeg(stored(photograph(4), quality=85, **options)) == Compression(85)


def test_grey_ones_are_found_and_keep_their_model() -> None:
    frame = stored(photograph(4).mean(axis=2), quality=80)
    assert jpeg_of([frame]) == Compression(80)
    noise = estimate_noise([frame])
    assert with_jpeg_noise(noise, [frame], jpeg_of([frame])) is noise
    assert "colour ones alone" in jpeg_in_words(Compression(80), None, colours=False)


def test_tables_of_their_own_count_as_the_nearest_quality() -> None:
    found = find_jpeg(stored(photograph(5), qtables=OWN_TABLES))
    assert found is not None
    assert found.own_tables
    assert 78 <= found.quality <= 88
    assert "tables of its own" in found.in_words()


def test_webp_is_none() -> None:
    file = io.BytesIO()
    Image.fromarray(np.rint(photograph(6)).clip(0, 255).astype(np.uint8)).save(file, "WEBP", quality=85)
    assert find_jpeg(np.asarray(Image.open(file))) is None


def test_noise_is_as_the_coarser_one_leaves_it() -> None:
    frame = eight_bits(compressed(compressed(photograph(7, 10.0), 75), 92))
    found = with_jpeg_noise(estimate_noise([frame]), [frame], jpeg_of([frame]))
    assert found.jpeg is not None
    assert found.jpeg.quality == 75
    said = jpeg_in_words(Compression(92, 75), found.jpeg, colours=True)
    assert "of quality 92, of a picture that was one of about 75 before; noise of" in said


def test_frames_of_one_quality_count_as_the_coarsest_before() -> None:
    once = eight_bits(compressed(photograph(8), 92))
    twice = eight_bits(compressed(compressed(photograph(9), 75), 92))
    assert jpeg_of([once]) == Compression(92)
    assert jpeg_of([once, twice]) == find_jpeg(twice) != Compression(92)
    assert jpeg_of([once, eight_bits(compressed(photograph(9), 80))]) is None
    assert jpeg_of([once, np.rint(photograph(9)).clip(0, 255).astype(np.uint8)]) is None


@pytest.mark.parametrize("sigma", [0.8, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("shape", [(256, 256), (256, 256, 3)])
def test_faint_noise_is_no_jpeg(sigma: float, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    ramp = 40 + np.linspace(0, 120, shape[1]).reshape(1, -1, *[1] * (len(shape) - 2))
    for light in (np.full(shape, 30.0), np.broadcast_to(ramp, shape)):
        assert find_jpeg(np.rint(light + sigma * rng.standard_normal(shape))) is None
    assert find_jpeg(rng.poisson(sigma, shape).astype(np.float64)) is None
