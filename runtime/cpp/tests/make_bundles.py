"""Writes bundles of every network for the C++ tests, small and untrained: python make_bundles.py FOLDER."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pixel_shuffle

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY / part) for part in (".", "export", "runtime", "tests")]

from support.bundles import noisy_planes, untrained_networks  # noqa: E402  (the path above comes first)

from zsn2m_deploy.fit.network import FrameNetwork  # noqa: E402
from zsn2m_deploy.noise.defects import DefectCorrection  # noqa: E402
from zsn2m_deploy.pretrain.network import SensorNet  # noqa: E402
from zsn2m_deploy.pretrain.weights import pretrained  # noqa: E402
from zsn2m_deploy.video.network import VideoNet, line_of  # noqa: E402
from zsn2m_export.manifest_file import write_manifest  # noqa: E402
from zsn2m_export.writer import ExportableModel, write_models, write_test_input  # noqa: E402
from zsn2m_runtime.manifest import Manifest, Normalisation, Sensor  # noqa: E402
from zsn2m_runtime.mosaic_record import MosaicRecord  # noqa: E402
from zsn2m_runtime.noise.model import NoiseModel  # noqa: E402
from zsn2m_runtime.noise_record import NoiseRecord, TrainingStats  # noqa: E402

SENSORS = {
    "u8_colour": ("uint8", 3, (0.0, 255.0)),
    "u16_grey": ("uint16", 1, (0.0, 1023.0)),  # a 10-bit camera
    "f32_colour": ("float32", 3, (0.0, 1.0)),
    "i16_grey": ("int16", 1, (-2048.0, 2047.0)),  # a two-photon microscope, whose defective pixels are corrected
    "u16_mosaic": ("uint16", 1, (0.0, 4095.0)),  # a camera behind Bayer filters
}
VIDEOS = ("u8_colour", "f32_colour")  # bundles that hold a network of videos, too
NOISE_VARIANCE, NOISE_RISE = 0.012, 0.002  # of the range squared, and of the range
MOSAICS = {"u16_mosaic": MosaicRecord(pattern="GRBG")}


class SmallSensorNet(SensorNet):
    """The default's network with a fiftieth of its weights."""

    WIDTHS = (8, 12, 16, 16)


class SmallVideoNet(VideoNet):
    """The network of videos with a tenth of its weights."""

    WIDTHS = (8, 8, 16)


class Pyramid(nn.Module):
    """A network of a kind that no code here knows: two levels, each a third of the size, so a stride of 9.

    Shape:
        forward: (n, c, h, w), h and w multiples of 9 -> the same shape
    """

    stride = 9

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.full = nn.Conv2d(channels, 8, 3, padding=1)
        self.to_third = nn.Conv2d(8, 12, 3, stride=3)
        self.to_ninth = nn.Conv2d(12, 16, 3, stride=3)
        self.ninth = nn.Conv2d(16, 16, 3, padding=1)
        self.from_ninth = nn.Conv2d(16, 9 * 12, 1)
        self.from_third = nn.Conv2d(12, 9 * 8, 1)
        self.out = nn.Conv2d(8, channels, 3, padding=1)

    def forward(self, noisy: Tensor) -> Tensor:
        """Denoise, were it trained."""
        full = leaky_relu(self.full(noisy), 0.1)
        third = leaky_relu(self.to_third(full), 0.1)
        ninth = leaky_relu(self.ninth(leaky_relu(self.to_ninth(third), 0.1)), 0.1)
        third = leaky_relu(third + pixel_shuffle(self.from_ninth(ninth), 3), 0.1)
        out: Tensor = self.out(full + pixel_shuffle(self.from_third(third), 3))
        return noisy - out


def write_bundle(name: str, folder: Path) -> None:
    """What zsn2m-deploy trains, the default's network first; for unsigned integers the paper's two as well."""
    dtype, channels, (low, high) = SENSORS[name]
    torch.manual_seed(0)
    mosaic = MOSAICS.get(name)
    sensor = Sensor(dtype=dtype, channels=channels, range=(low, high), noise_sigma=0.08 * (high - low), mosaic=mosaic)
    small = SmallSensorNet(sensor.planes)
    small.weaken(0.2)  # results look like the frame, or a sequence would be all cuts
    networks: dict[str, FrameNetwork] = {"sensor": small}
    if dtype.startswith("uint"):
        networks |= untrained_networks(sensor.planes, "full")
    if name == "i16_grey":
        networks["sensor"].add_module("correction", DefectCorrection(channels, least=1e-4))
    models = [ExportableModel(name, name, net, net.stride, net.before_padding()) for name, net in networks.items()]
    if name in VIDEOS:
        video = SmallVideoNet(channels)
        line = line_of(NoiseModel.white(np.full(channels, 0.004), np.full(channels, 0.004)))
        models.append(ExportableModel("video", "video", video, video.stride, line=line))
    write(folder, sensor, Normalisation(offset=low, scale=high - low), models, "sensor")


def write_other_bundle(folder: Path) -> None:
    """A 12-bit colour camera's bundle of models with other ids, strides and halos; the default is not the first."""
    torch.manual_seed(0)
    sensor = Sensor(dtype="uint16", channels=3, range=(0.0, 4095.0), noise_sigma=300.0)
    models = [
        ExportableModel("flat", "other", nn.Conv2d(3, 3, 5, padding=2), 1),
        ExportableModel("pyramid", "other", Pyramid(3), Pyramid.stride),
        ExportableModel("sensor", "sensor", pretrained(3), SensorNet.stride),
    ]
    write(folder, sensor, Normalisation(offset=64.0, scale=3000.0), models, "pyramid")


def write(
    folder: Path, sensor: Sensor, normalisation: Normalisation, models: list[ExportableModel], default: str
) -> None:
    """Write a bundle without weights."""
    frame = noisy_planes(sensor.channels, 120, 104, sensor.range[1])
    test_input = write_test_input(folder, frame)
    manifest = Manifest(
        created="2026-01-01T00:00:00+00:00",
        versions={},
        method={},
        seed=0,
        sensor=sensor,
        normalisation=normalisation,
        noise=noise_of(sensor),
        look=look_of(sensor),
        default=default,
        self_test_input=test_input,
        models=write_models(folder, models, sensor, normalisation, frame),
    )
    write_manifest(folder, manifest)


def noise_of(sensor: Sensor) -> NoiseRecord:
    """That of the frames that the tests draw: evenly spread over 0.4 of the range, and a little more where bright."""
    low, high = sensor.range
    slope, floor = NOISE_RISE * (high - low), NOISE_VARIANCE * (high - low) ** 2 - NOISE_RISE * (high - low) * low
    return NoiseRecord(
        slope=(slope,) * sensor.planes,
        floor=(floor,) * sensor.planes,
        span=(low, high),
        skew=(0.0,) * sensor.planes,
        neighbours=(0.05, 0.02),
        channels=0.0,
        correlated=False,
    )


def look_of(sensor: Sensor) -> TrainingStats:
    """Whatever it is: only bundles that have one are asked for their noise."""
    low, high = ((end,) * sensor.planes for end in sensor.range)
    alike = (1.0, 1.0)
    return TrainingStats(low=low, high=high, texture=1.0, noise=alike, beside=alike, below=alike, channels=alike)


def main() -> None:
    """Write every bundle, in the place of older ones."""
    warnings.simplefilter("ignore")
    for name in (*SENSORS, "u16_colour"):
        bundle = Path(sys.argv[1]) / f"{name}.zsn2m"
        shutil.rmtree(bundle, ignore_errors=True)
        bundle.mkdir(parents=True)
        if name in SENSORS:
            write_bundle(name, bundle)
        else:
            write_other_bundle(bundle)
        print(bundle)


if __name__ == "__main__":
    main()
