"""What onnxruntime makes at each step of a graph, beside what the runtime says that it will make."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from zsn2m_runtime.onnx_checks.reading import read_onnx
from zsn2m_runtime.onnx_checks.shapes import shape_of
from zsn2m_runtime.onnx_checks.values import DTYPES, Made, of_file


def check_steps(model: onnx.ModelProto, given: dict[str, np.ndarray[Any, Any]]) -> int:
    """Compare shape, type and known values of each step's result; returns in how many values were known.

    Each result is made an output, and the graph is run as it stands, without onnxruntime's own changes.
    """
    read = read_onnx(model.SerializeToString(), "m")
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    names = [step.outputs[0] for step in read.nodes]
    exposed.graph.ClearField("output")
    exposed.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, ["CPUExecutionProvider"])
    results = session.run(names, given)
    there = {name: of_file(tensor) for name, tensor in read.tensors.items()}
    kinds = {dtype: kind for kind, dtype in DTYPES.items()}
    there |= {name: Made(array.shape, kinds[array.dtype.name]) for name, array in given.items()}
    known = 0
    for step, result in zip(read.nodes, results, strict=True):
        found = shape_of(step, [there[name] if name else None for name in step.inputs])
        there[step.outputs[0]] = found
        assert (found.shape, DTYPES[found.kind]) == (result.shape, result.dtype.name), step
        if found.values is not None:
            known += 1
            np.testing.assert_array_equal(found.values, result, str(step))
    return known
