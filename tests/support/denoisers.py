"""Models whose right answer is known, and denoisers around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.manifest import CARD_KEY, SCHEMA_VERSION, ModelCard, Normalisation, Sensor
from zsn2m_runtime.sample_types import is_whole


def write_gain_model(path: Path, sensor: Sensor, gain: float, card: str | None = None) -> Path:
    """An ONNX file with a card: frame times gain, clamped to the sensor's range where samples are integers."""
    low, high = sensor.range if is_whole(sensor.dtype) else (-np.inf, np.inf)
    constants = {"gain": gain, "low": low, "high": high}
    initialisers = [numpy_helper.from_array(np.float32(value), name) for name, value in constants.items()]
    nodes = [
        helper.make_node("Mul", ["noisy", "gain"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "low", "high"], ["denoised"]),
    ]
    shape = ["n", sensor.channels, "h", "w"]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("noisy", "denoised")]
    graph = helper.make_graph(nodes, "gain", ports[:1], ports[1:], initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    facts = ModelCard(
        id="gain", role="gain", precision="fp32", stride=1, receptive_radius=0, parameters=1,
        schema_version=SCHEMA_VERSION, sensor=sensor, normalisation=Normalisation(offset=0, scale=1),
    )  # fmt: skip
    helper.set_model_props(model, {CARD_KEY: card if card is not None else facts.model_dump_json()})
    onnx.save(model, path)
    return path


def gain_denoiser(
    folder: Path, dtype: str, channels: int, value_range: tuple[float, float], gain: float = 1.0
) -> Denoiser:
    """A Denoiser of one sensor that multiplies."""
    sensor = Sensor(dtype=dtype, channels=channels, range=value_range, noise_sigma=1.0)
    return Denoiser(write_gain_model(folder / "gain.onnx", sensor, gain), threads=1)
