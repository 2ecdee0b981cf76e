"""What was removed, beside the estimated noise: noise passes, structure of the picture is found."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from support.scenes import RANGE, SIDE, Scene, scene

from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.removed import Removed
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import REACH, NoiseModel
from zsn2m_runtime.sample_types import Pixels

KINDS = ("white", "sloped", "correlated")


def looked_at(made: Scene, denoised: Pixels) -> Removed:
    return analyse(made.noisy, denoised, made.model, RANGE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_noise_alone_passes_and_is_described_as_it_is(kind: str, channels: int) -> None:
    made = scene(kind, channels)
    removed = looked_at(made, made.clean)
    assert not removed.structured
    assert removed.ratio == pytest.approx(1, abs=0.03)
    assert removed.sigma == pytest.approx(made.noise.std(), rel=0.01)
    assert removed.histogram is not None
    assert removed.histogram.removed == pytest.approx(removed.histogram.expected, abs=6e-3)
    assert sum(removed.histogram.removed) == pytest.approx(1, abs=0.01)
    assert removed.autocorrelation is not None
    assert removed.autocorrelation.beside == pytest.approx(removed.autocorrelation.expected_beside, abs=0.04)
    assert removed.autocorrelation.below == pytest.approx(removed.autocorrelation.expected_below, abs=0.04)
    assert removed.detail is not None
    assert removed.detail.power == pytest.approx(1, abs=0.12)
    assert removed.detail.edges == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_good_result_passes_and_a_blur_does_not(kind: str, seed: int) -> None:
    made = scene(kind, seed=seed)
    assert not looked_at(made, made.good).structured
    assert looked_at(made, made.blurred).structured


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_the_network_s_own_results_pass(kind: str, seed: int) -> None:
    made = scene(kind, seed=seed)
    noisy = np.clip(np.rint(made.noisy), 0, 255).astype(np.uint8)
    with torch.no_grad():
        planes = pretrained(3)(torch.from_numpy(to_nchw(noisy)) / 255)
    denoised = np.clip(np.rint(255 * planes[0].numpy().transpose(1, 2, 0)), 0, 255).astype(np.uint8)
    model = estimate_noise([noisy])
    assert not analyse(noisy, denoised, model, RANGE).structured
    assert analyse(noisy, cv2.blur(noisy, (5, 5)), model, RANGE).structured


def test_each_kind_of_structure_is_found_by_its_own_check() -> None:
    made = scene()
    edges = made.clean - cv2.GaussianBlur(made.clean, (0, 0), 1.0)
    lost = looked_at(made, made.clean - edges)
    assert lost.detail is not None and lost.detail.powerful and lost.detail.edged
    rows, columns = np.mgrid[:SIDE, :SIDE]
    waves = (8 * np.sin(rows / 3) * np.sin(columns / 3)).astype(np.float32)[..., None]
    everywhere = looked_at(made, made.clean - waves)
    assert everywhere.autocorrelation is not None and everywhere.autocorrelation.structured
    assert everywhere.detail is not None and not everywhere.detail.powerful


def test_an_error_of_the_variance_with_brightness_is_no_structure() -> None:
    made = scene("sloped")
    wrong = NoiseModel.white(np.zeros(3), np.full(3, float(np.square(made.noise).mean())))
    assert not analyse(made.noisy, made.clean, wrong, RANGE).structured


def test_too_little_and_too_much_show_in_the_ratio() -> None:
    made = scene()
    assert looked_at(made, made.clean + 0.7 * made.noise).ratio == pytest.approx(0.3, abs=0.02)
    assert looked_at(made, made.clean - made.noise).ratio == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["blobs", "stars"])
def test_a_perfect_result_of_a_sparse_bright_field_passes_and_erased_light_does_not(kind: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    photons = np.full((SIDE, SIDE), 4.0)
    for _ in range(25 if kind == "blobs" else 150):
        y, x = generator.uniform(0, SIDE, 2)
        width = generator.uniform(2, 6) if kind == "blobs" else 1.0
        photons += generator.uniform(40, 400) * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
    noisy = np.rint(3 * generator.poisson(photons) + 100 + generator.normal(0, 2, photons.shape)).astype(np.uint16)
    clean = np.rint(3 * photons + 100).astype(np.uint16)
    model = NoiseModel.white(np.full(1, 3.0), np.full(1, 4.0 - 300.0))
    assert not analyse(noisy, clean, model, (0, 65535)).structured
    lost = clean.copy()
    lost[:, : SIDE // 2] = 112
    assert analyse(noisy, lost, model, (0, 65535)).structured


def test_noise_that_a_camera_processed_may_be_stronger_at_edges() -> None:
    made = scene("correlated")
    edges = cv2.GaussianBlur(np.abs(cv2.Laplacian(made.clean, -1)), (0, 0), 2)
    stronger = made.noise * (1 + np.minimum(edges / edges.mean(), 2) / 2)
    removed = analyse(made.clean + stronger, made.clean, made.model, RANGE)
    assert removed.detail is not None and removed.detail.powerful
    assert not removed.powerful and not removed.structured


def test_clipped_places_are_left_out() -> None:
    made = scene()
    clean = made.clean.copy()
    clean[:80] = 254.0
    noisy = np.clip(np.rint(clean + made.noise), 0, 255).astype(np.uint8)
    removed = analyse(noisy, np.rint(clean).astype(np.uint8), made.model, RANGE)
    assert removed.usable == pytest.approx(0.5, abs=0.02)
    assert not removed.structured
    assert removed.ratio == pytest.approx(1, abs=0.05)


def test_a_wholly_clipped_frame_has_no_tests() -> None:
    noisy = np.full((64, 64), 255, np.uint8)
    removed = analyse(noisy, noisy, NoiseModel.white(np.zeros(1), np.ones(1)), RANGE)
    assert (removed.histogram, removed.autocorrelation, removed.detail) == (None, None, None)
    assert removed.usable == 0
    assert not removed.structured


@pytest.mark.parametrize("shape", [(16, 16), (17, 33, 3), (24, 16, 3), (200, 16)])
def test_small_frames_and_nothing_removed(shape: tuple[int, ...]) -> None:
    noisy = (100 + 10 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    channels = 1 if len(shape) == 2 else 3
    model = NoiseModel.white(np.zeros(channels), np.full(channels, 100.0))
    for denoised in (noisy, np.full(shape, 100, np.float32)):
        assert not analyse(noisy, denoised, model, RANGE).structured


def test_bins_of_whole_values_hold_whole_values() -> None:
    noisy = np.random.default_rng(0).integers(90, 110, (64, 64)).astype(np.uint8)
    histogram = analyse(noisy, np.full((64, 64), 100, np.uint8), NoiseModel.white(np.zeros(1), np.full(1, 33.0)), RANGE)
    assert histogram.histogram is not None
    edges = np.array(histogram.histogram.edges)
    assert np.diff(edges) == pytest.approx(round(float(edges[1] - edges[0])))
    assert sum(histogram.histogram.removed) == pytest.approx(1, abs=1e-9)


def test_correlation_beside_is_along_rows() -> None:
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((96, 97)).astype(np.float32)
    smeared = (noise[:, 1:] + noise[:, :-1]) / np.sqrt(2)
    model = NoiseModel.white(np.zeros(1), np.ones(1))
    model.correlation[0, 0, REACH, [REACH - 1, REACH + 1]] = 0.5
    found = analyse(100 + smeared, np.full((96, 96), 100, np.float32), model, RANGE).autocorrelation
    assert found is not None
    assert (found.beside[1], found.below[1]) == pytest.approx((0.5, 0.0), abs=0.05)
    assert found.expected_beside[:2] == (1.0, 0.5)
    assert found.expected_below[:2] == (1.0, 0.0)
    assert not found.structured
