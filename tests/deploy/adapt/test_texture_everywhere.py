"""Camera noise on texture everywhere: the result is not worse than the frame, and it is said; other frames gain."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from support.scenes import scene

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_export.graph import SensorGraph
from zsn2m_runtime.image import to_nchw
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.noise.jpeg import demosaicked
from zsn2m_runtime.sample_types import Pixels

INSTANT = TrainConfig.from_preset("instant").updated({"device": "cpu"})
SIDE, SIGMA = 256, 4.0
WORSE = 0.5  # dB
UNKNOWN = "noise cannot be told from texture here"


def with_noise(clean: Pixels, seed: int) -> Pixels:
    """The noise of a camera: that of a mosaic's pixels, demosaicked."""
    noise = demosaicked(clean.shape[:2], np.random.default_rng(seed))
    return np.asarray(np.rint(clean + SIGMA * noise).clip(0, 255), np.uint8)


def stones(seed: int) -> Pixels:
    """Texture of every scale, rougher here than there, nowhere flat; its colours differ a little."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.fftfreq(SIDE)[None]) + 1 / SIDE
    waves = np.fft.ifft2(np.fft.fft2(rng.standard_normal((4, SIDE, SIDE))) / frequency**0.9).real
    waves /= waves.std(axis=(1, 2), keepdims=True)
    rough = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), 16)
    rough = np.exp(0.5 * rough / rough.std())[..., None]
    return np.asarray(120 + 28 * rough * (waves[3][..., None] + 0.3 * waves[:3].transpose(1, 2, 0)), np.float32)


def result(trained: Trained, noisy: Pixels) -> Pixels:
    sensor = Sensor(dtype="float32", channels=3, range=(0.0, 255.0), noise_sigma=0.0)
    normalisation = Normalisation(offset=trained.offset, scale=trained.scale)
    network = trained.networks["sensor"]
    graph = SensorGraph(network, network.stride, sensor, normalisation, network.before_padding())
    planes = torch.from_numpy(to_nchw(noisy.astype(np.float32)))
    return np.asarray(graph(planes)[0].detach().numpy().transpose(1, 2, 0))


def gain(clean: Pixels, noisy: Pixels, trained: Trained) -> float:
    errors = [np.square(pixels - clean).mean() for pixels in (noisy.astype(np.float64), result(trained, noisy))]
    return float(10 * np.log10(errors[0] / errors[1]))


@pytest.mark.parametrize("seed", range(3))
def test_texture_everywhere_is_kept_and_said(seed: int) -> None:
    clean = stones(seed)
    noisy = with_noise(clean, seed)
    trained = train([noisy], INSTANT)
    assert any(UNKNOWN in said for said in trained.warnings)
    assert trained.share < 0.5
    assert gain(clean, noisy, trained) > -WORSE


@pytest.mark.parametrize("seed", range(3))
def test_correlated_noise_goes_where_some_places_are_flat(seed: int) -> None:
    made = scene("correlated", channels=3, seed=seed, side=256)
    noisy = np.asarray(np.rint(made.noisy).clip(0, 255), np.uint8)
    trained = train([noisy], INSTANT)
    assert not any(UNKNOWN in said for said in trained.warnings)
    assert trained.share > 0.8
    assert gain(made.clean, noisy, trained) > 3
