"""A frame in strips is the whole frame: the plan by its arithmetic, the pixels with real exported networks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from support.bundles import BundleMaker, noisy_planes
from support.tolerances import STRIPS_GRD, STRIPS_MBD, STRIPS_SENSOR
from torch import nn

from zsn2m_deploy.config.networks import GrdConfig
from zsn2m_deploy.paper.networks import GrdNet
from zsn2m_export.graph import SensorGraph, receptive_radius
from zsn2m_export.onnx_model import export_onnx
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import Strip, plan_strips, run_in_strips
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import ModelFacts
from zsn2m_runtime.sample_types import Pixels

PRIME_SIZES = ((97, 61), (211, 37), (131, 127))
TALL_PRIME_SIZES = ((331, 61), (509, 37))  # a strip of the default is 160 rows at least
STRIP_ROWS = (1, 11, 50)


@dataclass(frozen=True)
class Exported:
    """A network as ONNX: its sessions with 1 and 2 threads, and what cutting must know of it."""

    sessions: dict[int, Session]
    channels: int
    stride: int
    radius: int


@pytest.fixture(scope="module")
def sensor(make_bundle: BundleMaker) -> Exported:
    """The default network, colour, 8-bit."""
    return exported(make_bundle(method="adapt"), "sensor")


@pytest.fixture(scope="module")
def mbd(make_bundle: BundleMaker) -> Exported:
    """MBD-Net, colour, 8-bit."""
    return exported(make_bundle(), "mbd")


def exported(folder: Path, name: str) -> Exported:
    """A model of a bundle for colour."""
    bundle = load_bundle(folder)
    model = bundle.model(name)
    sessions = {threads: Session(bundle.file(model.files["onnx"]), "cpu", threads) for threads in (1, 2)}
    return Exported(sessions, 3, model.stride, model.receptive_radius)


@pytest.fixture(scope="module")
def grd(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A small GRD-Net with weights so large that its most distant pixels count (untrained, they would not)."""
    network = GrdNet(1, GrdConfig(widths=(4, 6, 8)))
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        gain = 1.4 / math.sqrt(parameter[0].numel()) if parameter.ndim == 4 else 0.0
        nn.init.normal_(parameter, 0.0, gain, generator=generator)
    sensor = Sensor(dtype="float32", channels=1, range=(0.0, 255.0), noise_sigma=1.0)
    radius = receptive_radius(network, 1, network.stride)
    facts = ModelFacts(id="grd", role="grd", precision="fp32", stride=4, receptive_radius=radius, parameters=0)
    path = tmp_path_factory.mktemp("grd") / "grd.onnx"
    export_onnx(SensorGraph(network, 4, sensor, Normalisation(offset=0, scale=255)), path, facts, 1, "{}")
    return Exported({threads: Session(path, "cpu", threads) for threads in (1, 2)}, 1, network.stride, radius)


def difference(network: Exported, size: tuple[int, int], rows: int, threads: int, less: int = 0) -> float:
    """Largest difference of strips to the whole frame, as a fraction of the range; halo for a radius `less` smaller."""
    noisy = from_nchw(noisy_planes(network.channels, *size, 255.0), np.float32)
    strips = plan_strips(size, network.stride, network.radius - less, rows * size[1])
    assert len(strips) > 1
    return difference_to_whole(network.sessions[threads], noisy, strips)


def difference_to_whole(session: Session, noisy: Pixels, strips: list[Strip]) -> float:
    """Largest difference, as a fraction of the range."""

    def run(pixels: Pixels) -> Pixels:
        return from_nchw(session.run(to_nchw(pixels)), np.float32)

    return float(np.abs(run_in_strips(run, noisy, strips) - run(noisy)).max()) / 255


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (7, 5), (97, 61), (2160, 4096), (65536, 3)])
@pytest.mark.parametrize(("stride", "radius"), [(1, 0), (1, 2), (4, 23), (8, 48), (8, 51)])
@pytest.mark.parametrize("strip_pixels", [1, 500, 2**19])
def test_plan(size: tuple[int, int], stride: int, radius: int, strip_pixels: int) -> None:
    strips = plan_strips(size, stride, radius, strip_pixels)
    height = size[0]
    assert [strip.start for strip in strips] == [0, *(strip.stop for strip in strips[:-1])]  # every row exactly once
    assert strips[-1].stop == height
    for strip in strips:
        assert strip.start < strip.stop
        assert strip.start % stride == strip.read_start % stride == 0
        assert strip.read_start == 0 or strip.start - strip.read_start >= radius
        assert strip.read_stop == height or strip.read_stop - strip.stop >= radius
        assert 0 <= strip.read_start <= strip.start
        assert strip.stop <= strip.read_stop <= height


def test_plan_bounds_the_pixels_of_a_strip() -> None:
    strips = plan_strips((4000, 6000), 1, 2, 2**19)
    assert len(strips) >= 4000 * 6000 / 2**19
    assert max(strip.stop - strip.start for strip in strips) * 6000 <= 2**19 + 6000
    assert plan_strips((4000, 6000), 8, 51, 10**9) == [Strip(0, 4000, 0, 4000)]


@pytest.mark.parametrize("width", [100, 6000, 65536])
def test_halos_never_outweigh_the_strips(width: int) -> None:
    strips = plan_strips((4000, width), 8, 51, 2**19)
    assert sum(strip.read_stop - strip.read_start for strip in strips) <= 1.5 * 4000


@pytest.mark.parametrize("shape", [(29, 5), (29, 5, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", ">u2"])
def test_strips_of_any_frame_meet_seamlessly(shape: tuple[int, ...], dtype: str) -> None:
    noisy = np.random.default_rng(0).integers(0, 99, shape).astype(dtype)
    calls = []

    def run(strip: Pixels) -> Pixels:
        calls.append(strip.shape[0])
        return strip * 2

    strips = plan_strips((29, 5), 4, 3, 50)
    denoised = run_in_strips(run, noisy, strips)
    np.testing.assert_array_equal(denoised, noisy * 2)
    assert denoised.dtype == noisy.dtype
    assert calls == [strip.read_stop - strip.read_start for strip in strips]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", STRIP_ROWS)
@pytest.mark.parametrize("size", TALL_PRIME_SIZES)
def test_the_default_in_strips_is_the_whole_frame(
    sensor: Exported, size: tuple[int, int], rows: int, threads: int
) -> None:
    assert difference(sensor, size, rows, threads) <= STRIPS_SENSOR


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", STRIP_ROWS)
@pytest.mark.parametrize("size", PRIME_SIZES)
def test_mbd_in_strips_is_the_whole_frame(mbd: Exported, size: tuple[int, int], rows: int, threads: int) -> None:
    assert difference(mbd, size, rows, threads) <= STRIPS_MBD


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", STRIP_ROWS)
@pytest.mark.parametrize("size", PRIME_SIZES)
def test_grd_in_strips_is_the_whole_frame(grd: Exported, size: tuple[int, int], rows: int, threads: int) -> None:
    assert difference(grd, size, rows, threads) <= STRIPS_GRD


@pytest.mark.parametrize("rows", STRIP_ROWS)
def test_a_halo_too_short_is_seen(sensor: Exported, mbd: Exported, grd: Exported, rows: int) -> None:
    assert difference(sensor, TALL_PRIME_SIZES[0], rows, 1, less=sensor.stride) > 20 * STRIPS_SENSOR
    assert difference(mbd, (97, 61), rows, 1, less=1) > 1e-3
    assert difference(grd, (97, 61), rows, 1, less=grd.stride) > 20 * STRIPS_GRD


def test_origins_off_the_strided_grid_are_seen(sensor: Exported, grd: Exported) -> None:
    noisy = from_nchw(noisy_planes(1, 97, 61, 255.0), np.float32)
    strips = [Strip(0, 97, 0, 50), Strip(50 - 25, 97, 50, 97)]  # a halo above the radius, but 25 is no multiple of 4
    assert difference_to_whole(grd.sessions[1], noisy, strips) > 20 * STRIPS_GRD
    noisy = from_nchw(noisy_planes(3, 97, 61, 255.0), np.float32)
    strips = [Strip(0, 97, 0, 50), Strip(50 - 45, 97, 50, 97)]  # 45: above the radius, no multiple of 8
    assert difference_to_whole(sensor.sessions[1], noisy, strips) > 20 * STRIPS_SENSOR
