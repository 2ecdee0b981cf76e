"""Bundles of every network, exported once a session; nothing here is trained.

A bundle is named by the method that would have made it: `adapt` holds the default, a pretrained SensorNet (sensor);
`mbd` an MBD-Net with seeded weights (mbd); `full` that and a small GRD-Net, which is then the default (mbd, grd).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import zsn2m_deploy as zsn2m
from zsn2m_deploy.config.networks import GrdConfig, MbdConfig, SensorConfig
from zsn2m_deploy.config.training import Method, TrainConfig
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.paper.networks import GrdNet, MbdNet
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_deploy.video.network import VideoNet, line_of
from zsn2m_export.manifest_file import write_manifest
from zsn2m_export.writer import ExportableModel, write_models, write_test_input, write_weights
from zsn2m_runtime.bundle import file_record
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import Manifest, Normalisation, Sensor
from zsn2m_runtime.mosaic_record import BayerPattern, MosaicRecord
from zsn2m_runtime.noise.model import NoiseModel

SMALL_GRD = GrdConfig(widths=(8, 12, 16, 16), start_from_teacher=False)  # the stride of the real one, 1/400 of its work


# The models that are run, each with the method whose bundle holds it.
METHOD_OF = {"sensor": "adapt", "mbd": "full", "grd": "full"}

BundleMaker = Callable[..., Path]


def noisy_planes(channels: int, height: int, width: int, high: float, seed: int = 0) -> np.ndarray:
    """A ramp with noise, (1, c, h, w) float32 of whole values from 0 to high."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0.2, 0.8, width) * np.linspace(0.7, 1.0, height)[:, None]
    noisy = ramp + generator.normal(0, 0.08, (1, channels, height, width))
    return np.rint(np.clip(noisy, 0, 1) * high).astype(np.float32)


def edit_manifest(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Apply a change to the manifest's content."""
    path = bundle / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def content(bundle: Path) -> dict[str, bytes]:
    """Every file of a bundle by its name."""
    return {path.name: path.read_bytes() for path in bundle.iterdir()}


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> BundleMaker:
    """Makes the folder of a bundle by type, channels, range, method and pattern; the same for the same arguments."""
    made: dict[tuple[object, ...], Path] = {}

    def make(
        dtype: str = "uint8",
        channels: int = 3,
        value_range: tuple[float, float] = (0.0, 255.0),
        method: Method = "full",
        pattern: BayerPattern | None = None,
        video: bool = False,
    ) -> Path:
        key = (dtype, channels, value_range, method, pattern, video)
        if key not in made:
            made[key] = write_bundle(tmp_path_factory.mktemp("bundle"), *key)
        return made[key]

    return make


class Model(NamedTuple):
    """A bundle, and the name of a model in it."""

    bundle: Path
    name: str

    @property
    def onnx(self) -> Path:
        return self.bundle / f"{self.name}.onnx"


@pytest.fixture(scope="session", params=list(METHOD_OF))
def each_model(request: pytest.FixtureRequest, make_bundle: BundleMaker) -> Model:
    """Each network in turn, for 8-bit colour."""
    return Model(make_bundle(method=METHOD_OF[request.param]), request.param)


@pytest.fixture(scope="session")
def each_denoiser(each_model: Model) -> Denoiser:
    """It, ready to run."""
    return Denoiser(*each_model, "cpu", threads=1)


@pytest.fixture(scope="session")
def calm_bundle(make_bundle: BundleMaker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As make_bundle(), with a grd whose last layer is weak: in 8 bits an untrained one would stray too far."""
    folder = shutil.copytree(make_bundle(), tmp_path_factory.mktemp("calm") / "cam.zsn2m")
    path, output = folder / "grd.onnx", folder / "test_output_grd.npy"
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.startswith("network.out."):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(0.3), tensor.name))
    onnx.save(model, path)
    np.save(output, Session(path, "cpu", 1).run(np.load(folder / "test_input.npy")))

    def record(content: dict[str, Any]) -> None:
        grd = content["models"][1]
        grd["files"]["onnx"], grd["self_test"] = (file_record(file).model_dump() for file in (path, output))

    edit_manifest(folder, record)
    return folder


@pytest.fixture(scope="session")
def lower(make_bundle: BundleMaker, calm_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles with int8 and fp16, to look at, by the name of each fp32 model."""
    made: dict[Path, Path] = {}
    for source in (make_bundle(method="adapt"), calm_bundle):
        made[source] = shutil.copytree(source, tmp_path_factory.mktemp("lower") / "cam.zsn2m")
        for precision in ("int8", "fp16"):
            zsn2m.export(made[source], precision)
    return {name: made[make_bundle(method="adapt") if name == "sensor" else calm_bundle] for name in METHOD_OF}


@pytest.fixture
def bundle(calm_bundle: Path, tmp_path: Path) -> Path:
    """A copy of it to change, alone in its folder."""
    return shutil.copytree(calm_bundle, tmp_path / "bundles" / "cam.zsn2m")


def write_bundle(
    folder: Path,
    dtype: str,
    channels: int,
    value_range: tuple[float, float],
    method: Method = "full",
    pattern: BayerPattern | None = None,
    video: bool = False,
) -> Path:
    """Write a bundle of a method; its last model is its default. With a pattern it is for mosaics.

    With video it holds a VideoNet too.
    """
    config = TrainConfig(method=method, grd=SMALL_GRD, sensor=SensorConfig(correct_impulses=False))
    low, high = value_range
    mosaic = MosaicRecord(pattern=pattern) if pattern else None
    sensor = Sensor(dtype=dtype, channels=channels, range=value_range, noise_sigma=0.08 * (high - low), mosaic=mosaic)
    networks = untrained_networks(sensor.planes, method)
    default = list(networks)[-1]
    if video:
        networks["video"] = untrained_video(channels)
    normalisation = Normalisation(offset=low, scale=high - low)
    frame = noisy_planes(channels, 120, 104, high)
    test_input = write_test_input(folder, frame)
    models = [
        ExportableModel(
            name, name, net, net.stride, net.before_padding(), line=net.line if isinstance(net, VideoNet) else None
        )
        for name, net in ((name, network.folded()) for name, network in networks.items())
    ]
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        versions={},
        method=config.model_dump(mode="json"),
        seed=0,
        sensor=sensor,
        normalisation=normalisation,
        default=default,
        weights=write_weights(folder, networks),
        self_test_input=test_input,
        models=write_models(folder, models, sensor, normalisation, frame),
        training={"frames": [], "stages": [], "warnings": []},
    )
    write_manifest(folder, manifest)
    return folder


def untrained_networks(channels: int, method: Method) -> dict[str, FrameNetwork]:
    """The networks of a method, by their names in the bundle."""
    if method == "adapt":
        return {"sensor": pretrained(channels)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks: dict[str, FrameNetwork] = {"mbd": MbdNet(channels, MbdConfig())}
        if method == "full":
            networks["grd"] = GrdNet(channels, SMALL_GRD)
        for network in networks.values():
            _enliven(network)
    return networks


@torch.no_grad()
def untrained_video(channels: int) -> VideoNet:
    """A VideoNet of seeded weights, for noise of 0.08 of the range."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = VideoNet(channels)
        _enliven(network)
    network.out.weight.mul_(0.1)  # in 8 bits one with larger results would stray too far
    network.line.copy_(line_of(NoiseModel.white(np.full(channels, 0.004), np.full(channels, 0.004))))
    return network


@torch.no_grad()
def _enliven(network: torch.nn.Module) -> None:
    """Weights that keep the signal's size through the layers: an untrained GRD-Net would give a constant."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.normal_(layer.weight, std=1.4 / layer.weight[0].numel() ** 0.5)
            if layer.bias is not None:
                torch.nn.init.normal_(layer.bias, std=0.05)
