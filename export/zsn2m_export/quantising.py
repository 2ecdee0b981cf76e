"""A graph with its inner layers in 8 bits: QDQ nodes, one scale per weight kernel, unsigned activations."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx

from zsn2m_export.errors import ExportError
from zsn2m_export.layers import frame_layers, network_layers, with_neighbours
from zsn2m_export.onnx_model import quiet
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.machine.temporary_files import filling_temporary_files
from zsn2m_runtime.sample_types import Nchw

Feed = dict[str, Nchw]  # what a model runs on, by the names of its inputs
_WARNINGS, _ERRORS = 2, 3  # onnxruntime's severities; it logs from the first on by itself
_NOISE_SIDE = 96  # pixels: some 9,000 samples of each plane's extremes
_PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}  # without it, onnxruntime logs advice to preprocess


class _Feeds:
    """Calibration inputs in the shape that onnxruntime asks for them."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        """The next inputs, None after the last."""
        return next(self._feeds, None)


def calibration_frames(frame: Nchw, in_use: tuple[float, float]) -> list[Nchw]:
    """The frame, and noise over the range in use, whose contrasts are stronger than any frame's.

    On the frame alone, a stronger edge in a later frame would saturate (docs/decisions/int8-calibration.md).

    Shape:
        frame: (1, c, h, w) sensor units
    """
    noise = np.random.default_rng(1).uniform(*in_use, (1, frame.shape[1], _NOISE_SIDE, _NOISE_SIDE))
    return [frame, noise.astype(np.float32)]


def quantised(model: onnx.ModelProto, feeds: Iterable[Feed], careful: bool = False) -> onnx.ModelProto:
    """The graph with every layer between the first and the last in 8 bits.

    Layers that touch the frame itself stay in fp32: they are few multiplications but most of the error, and so a
    frame brighter than the calibration's saturates nothing (docs/decisions/int8-outer-layers.md).

    Args:
        feeds: what the activations' ranges are measured on
        careful: the layers beside the first and the last stay in fp32 too
    Raises:
        ExportError: if there is no layer between the first and the last.
        BundleError: if onnxruntime's quantiser cannot work with the graph.
        OutputError: if the disk for temporary files is full.
    """
    outer = frame_layers(model.graph)
    outer = with_neighbours(model.graph, outer) if careful else outer
    inner = [node for node in network_layers(model.graph) if node.name not in outer]
    if not any(node.op_type == "Conv" for node in inner):
        raise ExportError("expected a convolution between the first and the last to quantise, but there is none")
    prepared = copy.deepcopy(model)
    onnx.helper.set_model_props(prepared, _PREPARED)
    with quiet(), filling_temporary_files(), tempfile.TemporaryDirectory() as folder:
        import_onnxruntime().set_default_logger_severity(_ERRORS)  # an input with a default makes it warn
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

        path = Path(folder) / "quantised.onnx"
        try:
            quantize_static(
                prepared,
                path,
                _Feeds(feeds),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=[node.name for node in inner],
            )
        except (OSError, MemoryError):  # no fault of the graph
            raise
        except Exception as error:  # it has no common base class of its errors
            raise BundleError(
                f"expected a graph that onnxruntime can quantise, but it says: {type(error).__name__}: {error}; export "
                f"the bundle's weights again"
            ) from error
        finally:
            import_onnxruntime().set_default_logger_severity(_WARNINGS)
        return onnx.load(path)
