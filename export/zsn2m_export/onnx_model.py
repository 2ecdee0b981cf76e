"""A graph as one ONNX file: opset 17, IR 8, dynamic batch and size, the model's card inside."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from zsn2m_export.errors import ExportError
from zsn2m_export.onnx_skeleton import filled
from zsn2m_export.opset import TRACED_OPSET, lower
from zsn2m_export.shuffles import unrolled
from zsn2m_runtime.manifest import CARD_KEY
from zsn2m_runtime.model_record import ModelFacts

_EXAMPLE_SIZE = (2, 37, 53)  # n, h, w: the exporter takes 0 and 1 for constants; odd, so that padding is traced


def export_onnx(
    graph: nn.Module, path: Path, facts: ModelFacts, channels: int, card: str, skeleton: Path | None = None
) -> None:
    """Write a graph as an ONNX file, checked.

    Args:
        card: JSON, kept in metadata_props under `zsn2m.json`
        skeleton: of a graph with the same layers (`zsn2m_export.onnx_skeleton`); None: torch's exporter traces it
    Raises:
        ExportError: if the file is not what runtimes were promised.
    """
    save_checked(filled(skeleton, graph) if skeleton else traced(graph, facts, channels), path, card)


def traced(graph: nn.Module, facts: ModelFacts, channels: int) -> onnx.ModelProto:
    """A graph as torch's current exporter writes it."""
    count, height, width = _EXAMPLE_SIZE
    example = torch.zeros(count, channels, height, width)
    dynamic = {0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")}
    names, examples, shapes = [facts.input], [example], [dynamic]
    if facts.strength:
        names, examples = [*names, facts.strength], [*examples, torch.ones(1, 1, 1, 1)]
        shapes = [*shapes, {}]
    with quiet():
        program = torch.onnx.export(
            graph,
            tuple(examples),
            dynamo=True,
            opset_version=TRACED_OPSET,
            input_names=names,
            output_names=[facts.output],
            dynamic_shapes=tuple(shapes),
            verbose=False,
        )
    if program is None:
        raise ExportError("expected a model from torch's exporter, but got none; install the torch of constraints.txt")
    model = program.model_proto
    for node in model.graph.node:  # the exporter's notes: stack traces with the paths of this machine
        node.ClearField("metadata_props")
    for axis, name in dynamic.items():  # the exporter names them by its arithmetic on h and w
        for value in (model.graph.input[0], model.graph.output[0]):
            value.type.tensor_type.shape.dim[axis].dim_param = name.__name__
    if facts.strength:  # an input with a default, an initializer of its name: a number, or one a pixel
        for side, letter in zip(model.graph.input[1].type.tensor_type.shape.dim[2:], "kl", strict=True):
            side.dim_param = letter
        model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), facts.strength))
    return model


def save_checked(model: onnx.ModelProto, path: Path, card: str) -> None:
    """Write a model in the opset of every export, with its card as the only metadata, checked.

    Args:
        model: of opset 18, or as it was written here before
    Raises:
        ExportError: if it is not what runtimes were promised.
    """
    onnx.helper.set_model_props(model, {CARD_KEY: card})
    lower(model)
    unrolled(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence torch's exporter and onnxruntime's quantiser, which log about their own internals."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
