"""ONNX graphs without their numbers: what the exporter wrote once of a network, to be filled with other weights.

The exporter traces a network for about 7 s, which is most of a training without steps. The graph that it writes has
the same nodes for other weights, ranges and normalisations.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from torch import nn

from zsn2m_export.graph import SensorGraph
from zsn2m_export.mosaic_graph import MosaicGraph
from zsn2m_runtime.manifest import Normalisation

# Stand for a sensor's own in a skeleton; chosen: whole numbers within every range, of which no two are alike.
MARKED_RANGE = (3.0, 201.0)
MARKED_NORMALISATION = Normalisation(offset=17.0, scale=77.0)


def emptied(model: onnx.ModelProto, graph: nn.Module) -> onnx.ModelProto:
    """A model without the weights of the graph that it was exported from, which has the marked range and scale."""
    weights = graph.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
    return model


def filled(path: Path, graph: nn.Module) -> onnx.ModelProto:
    """What the exporter would write for a graph, from the skeleton of one with the same layers.

    Raises:
        TypeError: it is no SensorGraph or MosaicGraph.
        KeyError: the skeleton's weights are of other layers.
    """
    model = onnx.load(path)
    weights = graph.state_dict()
    low, high, (offset, scale) = *MARKED_RANGE, (MARKED_NORMALISATION.offset, MARKED_NORMALISATION.scale)
    inner = graph.planes if isinstance(graph, MosaicGraph) else graph
    if not isinstance(inner, SensorGraph):
        raise TypeError(f"expected a graph for a sensor's values, but got {type(graph).__name__}")
    numbers = {
        np.float32(mark).tobytes(): np.float32(number).tobytes()
        for mark, number in (
            (offset, inner.offset),
            (scale, inner.scale),
            (1 / scale, inner.inverse_scale),
            (low, inner.low),
            (high, inner.high),
        )
    }
    for tensor in model.graph.initializer:
        if tensor.raw_data:
            tensor.raw_data = numbers.get(tensor.raw_data, tensor.raw_data)
        else:
            tensor.raw_data = weights[tensor.name].numpy().tobytes()
    return model
