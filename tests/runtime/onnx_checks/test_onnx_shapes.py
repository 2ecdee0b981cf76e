"""The rule of every operator, against onnxruntime: the same shape, type and known values."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support.bundles import BundleMaker
from support.onnx_shapes import check_steps

import zsn2m_deploy as zsn2m
from zsn2m_runtime.onnx_checks.limits import OnnxLimits
from zsn2m_runtime.onnx_checks.reading import OPERATORS

Given = np.ndarray[Any, Any] | None

PLANES = np.linspace(0.5, 9, 2 * 4 * 5 * 7, dtype=np.float32).reshape(2, 4, 5, 7)
KERNELS = np.ones((6, 4, 3, 3), np.float32)
FLAGS = np.array([[True], [False], [True]])
COLUMN, ROW = np.array([[7], [-5], [3]]), np.array([[2, 3, 5, 1]])
SCALE, ZERO = np.float32(0.1), np.uint8(128)


def whole(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int64)


def floats(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, np.float32)


def resize(
    *lengths: float, of: np.ndarray[Any, Any] = PLANES, **attributes: Any
) -> tuple[str, list[Given], dict[str, Any]]:
    return "Resize", [of, None, floats(1, 1, *lengths)], {"mode": "nearest", **attributes}


Case = tuple[str, list[Given], dict[str, Any]]
BROADCAST: list[tuple[np.ndarray[Any, Any], ...]] = [
    (COLUMN, ROW), (ROW, np.array(3)), (COLUMN.astype(np.int32), ROW.astype(np.int32)),
    (np.ones((2, 1, 4), np.float32), np.ones((3, 1), np.float32)), (PLANES, SCALE), (np.zeros((0, 3)), np.ones(3)),
]  # fmt: skip
CASES: list[Case] = [
    *(
        (name, [PLANES], {})
        for name in ("Abs", "Identity", "LeakyRelu", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sqrt")
    ),
    ("Identity", [COLUMN], {}),
    ("Not", [FLAGS], {}),
    ("Neg", [COLUMN], {}),
    ("Abs", [COLUMN], {}),
    ("Clip", [PLANES, SCALE, None], {}),
    ("Clip", [COLUMN, np.array(0), np.array(5)], {}),
    ("Clip", [COLUMN, None, np.array(5)], {}),
    ("Clip", [COLUMN, np.array(4), np.array(2)], {}),
    *((name, list(parts), {}) for name in ("Add", "Sub", "Mul") for parts in BROADCAST),
    *((name, list(parts), {}) for name in ("Max", "Min") for parts in (*BROADCAST, (COLUMN, ROW, ROW), (ROW,))),
    *((name, list(parts), {}) for name in ("Div", "Mod") for parts in BROADCAST[:3]),
    ("Div", [PLANES, SCALE], {}),
    ("Mod", [COLUMN, ROW], {"fmod": 1}),
    ("Mod", [PLANES, SCALE], {"fmod": 1}),
    *((name, [FLAGS, np.array([True, False])], {}) for name in ("And", "Or")),
    *(
        (name, list(parts), {})
        for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
        for parts in BROADCAST[:5]
    ),
    ("Where", [FLAGS, COLUMN, ROW], {}),
    ("Where", [FLAGS, SCALE, floats(1, 2)], {}),
    ("Where", [FLAGS, np.array(1), np.array(2)], {}),
    ("Where", [np.array(True), PLANES, SCALE], {}),
    *(
        ("Cast", [part], {"to": to})
        for part in (COLUMN, FLAGS, floats(1.5, -2.5), PLANES)
        for to in (1, 2, 4, 6, 7, 9, 10)
    ),
    *(("ReduceMean", [PLANES, whole(*axes)], {"keepdims": kept}) for axes in ([3], [-1, 2], [0]) for kept in (0, 1)),
    ("QuantizeLinear", [PLANES, SCALE, ZERO], {}),
    ("QuantizeLinear", [PLANES, SCALE], {}),
    ("QuantizeLinear", [KERNELS, floats(*[0.1] * 6), np.zeros(6, np.int8)], {"axis": 0}),
    ("DequantizeLinear", [np.ones((2, 3), np.uint8), SCALE, ZERO], {}),
    ("DequantizeLinear", [np.ones((6, 4), np.int8), floats(*[0.1] * 6)], {"axis": 0}),
    ("DequantizeLinear", [np.ones(6, np.int32), floats(*[0.1] * 6)], {"axis": 0}),
    ("Constant", [], {"value": numpy_helper.from_array(COLUMN)}),
    ("Constant", [], {"value_int": -3}),
    ("Constant", [], {"value_ints": [1, 2, 3]}),
    ("Constant", [], {"value_float": 0.5}),
    ("Constant", [], {"value": numpy_helper.from_array(PLANES)}),
    ("ConstantOfShape", [whole(2, 3)], {}),
    ("ConstantOfShape", [whole(0, 3)], {}),
    ("ConstantOfShape", [whole(4)], {"value": numpy_helper.from_array(whole(7))}),
    ("ConstantOfShape", [np.zeros(0, np.int64)], {"value": numpy_helper.from_array(np.array([True]))}),
    ("Expand", [COLUMN, whole(2, 3, 4)], {}),
    ("Expand", [COLUMN, whole(1)], {}),
    ("Expand", [PLANES, whole(2, 1, 1, 1)], {}),
    ("Expand", [np.array(5), whole(2, 2)], {}),
    ("Expand", [COLUMN, whole(1, 4)], {}),
    ("Concat", [whole(1), whole(2, 3), whole()], {"axis": 0}),
    ("Concat", [PLANES, PLANES, PLANES], {"axis": -3}),
    ("Concat", [COLUMN, COLUMN], {"axis": -1}),
    ("Concat", [COLUMN], {"axis": 0}),
    ("Gather", [whole(4, 5, 6), np.array(1)], {"axis": 0}),
    ("Gather", [whole(4, 5, 6), whole(-1, 0)], {}),
    ("Gather", [PLANES, np.array([[0, 2], [1, -1]])], {"axis": -1}),
    ("Gather", [PLANES, np.array(0)], {"axis": 2}),
    ("Range", [np.array(0), np.array(7), np.array(2)], {}),
    ("Range", [np.array(7), np.array(-1), np.array(-3)], {}),
    ("Range", [np.array(5), np.array(5), np.array(1)], {}),
    ("Range", [np.array(9), np.array(5), np.array(1)], {}),
    ("Range", [np.int32(1), np.int32(9), np.int32(4)], {}),
    ("Range", [np.array(0), np.array(100), np.array(1)], {}),
    ("Reshape", [PLANES, whole(0, -1)], {}),
    ("Reshape", [PLANES, whole(-1)], {}),
    ("Reshape", [whole(5), np.zeros(0, np.int64)], {}),
    ("Reshape", [PLANES, whole(2, 0, 35)], {}),
    ("Reshape", [np.zeros((0, 3), np.float32), whole(3, 0)], {"allowzero": 1}),
    ("Reshape", [ROW, whole(2, 2)], {}),
    ("Reshape", [np.zeros((0, 3), np.float32), whole(0, 3)], {}),
    ("Shape", [PLANES], {}),
    ("Shape", [PLANES], {"start": 2}),
    ("Shape", [PLANES], {"start": -2, "end": -1}),
    ("Shape", [PLANES], {"start": -9, "end": 9}),
    ("Shape", [np.array(5)], {}),
    ("Shape", [PLANES], {"start": 3, "end": 1}),
    ("Slice", [PLANES, whole(1), whole(2**63 - 1), whole(2)], {}),
    ("Slice", [PLANES, whole(-3), whole(-1), whole(-1)], {}),
    ("Slice", [whole(0, 1, 2, 3, 4), whole(-1), whole(-(2**63) + 1), whole(0), whole(-1)], {}),
    ("Slice", [whole(0, 1, 2, 3, 4), whole(9), whole(0), whole(0), whole(-2)], {}),
    ("Slice", [whole(0, 1, 2, 3, 4), whole(3), whole(1)], {}),
    ("Slice", [whole(0, 1, 2, 3, 4), whole(-9), whole(9)], {}),
    ("Slice", [PLANES, whole(0, 1), whole(9, -1), whole(3, 2), whole(3, 2)], {}),
    ("Slice", [PLANES, whole(1, 2), whole(2, 3)], {}),
    ("Slice", [whole(0, 1, 2), whole(-9), whole(-9), whole(0), whole(-1)], {}),
    ("Slice", [whole(0, 1, 2), whole(1), whole(-5), whole(0), whole(-1)], {}),
    ("Squeeze", [np.ones((1, 3, 1), np.int64)], {}),
    ("Squeeze", [np.ones((1, 3, 1), np.int64), whole(-1)], {}),
    ("Squeeze", [whole(4), whole(0)], {}),
    ("Unsqueeze", [np.array(5), whole(0)], {}),
    ("Unsqueeze", [PLANES, whole(-1, 0)], {}),
    ("Unsqueeze", [ROW, whole(1)], {}),
    ("Transpose", [PLANES], {}),
    ("Transpose", [PLANES], {"perm": [0, 2, 3, 1]}),
    ("Transpose", [ROW], {}),
    *(("Pad", [PLANES, whole(0, 0, 1, 2, 0, 0, 3, 4)], {"mode": mode}) for mode in ("constant", "reflect", "edge")),
    ("Pad", [PLANES, whole(0, 0, -1, 2, 0, 0, 3, -2)], {}),
    ("Pad", [PLANES, whole(1, 2, 3, 4), SCALE, whole(2, -1)], {}),
    ("Pad", [PLANES, whole(2, 2), None, whole(-1)], {"mode": "reflect"}),
    resize(2, 2),
    resize(0.6, 1.7),
    resize(0.5, 0.5),
    resize(2, 2, mode="linear"),
    resize(1, 1),
    *(
        resize(1, scale, of=np.ones((1, 1, 1, length), np.float32))
        for length, scale in ((10, 0.7), (3, 1 / 3), (41, 2.3), (10, 0.1), (49, 1 / 49), (100, 0.29))
    ),
    ("Resize", [PLANES, None, None, whole(2, 4, 9, 3)], {"mode": "linear"}),
    (
        "Resize",
        [PLANES, None, None, whole(2, 4, 1, 1)],
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    ),
    ("DepthToSpace", [PLANES], {"blocksize": 2}),
    ("DepthToSpace", [PLANES], {"blocksize": 2, "mode": "CRD"}),
    ("DepthToSpace", [PLANES], {"blocksize": 1}),
    ("Conv", [PLANES, KERNELS], {}),
    ("Conv", [PLANES, KERNELS, floats(*range(6))], {"pads": [1, 2, 3, 4]}),
    ("Conv", [PLANES, KERNELS], {"strides": [2, 3], "dilations": [2, 1], "pads": [1] * 4}),
    ("Conv", [PLANES, KERNELS[:, :2]], {"group": 2}),
    ("Conv", [PLANES[:, :, 0], KERNELS[:, :, 0]], {}),
    *(
        ("Conv", [PLANES, KERNELS], {"auto_pad": way, "strides": [2, 2]})
        for way in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    *(
        ("MaxPool", [PLANES], {"kernel_shape": [k, k], "strides": [s, s], "pads": [p] * 4, "ceil_mode": up})
        for k in (2, 3)
        for s in (1, 2, 3)
        for p in (0, 1)
        for up in (0, 1)
    ),
    *(
        ("MaxPool", [PLANES], {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": way})
        for way in ("SAME_UPPER", "SAME_LOWER", "VALID")
    ),
    ("MaxPool", [PLANES], {"kernel_shape": [2, 3], "dilations": [2, 2], "ceil_mode": 1, "strides": [2, 2]}),
]


def single(case: Case, known: bool) -> tuple[onnx.ModelProto, dict[str, np.ndarray[Any, Any]]]:
    """A model of one step; its inputs stand in the file, or the first comes when it runs."""
    operator, given, attributes = case
    arrays = {f"x{place}": np.asarray(part) for place, part in enumerate(given) if part is not None}
    fed = {} if known else dict([*arrays.items()][:1])
    step = helper.make_node(
        operator, ["" if part is None else f"x{place}" for place, part in enumerate(given)], ["y"], **attributes
    )
    ports = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(part.dtype), part.shape)
        for name, part in fed.items()
    ]
    tensors = [numpy_helper.from_array(part, name) for name, part in arrays.items() if name not in fed]
    graph = helper.make_graph([step], "g", ports, [helper.make_empty_tensor_value_info("y")], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), fed


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_the_rule_of_an_operator_is_onnxruntimes(operator: str) -> None:
    cases = [case for case in CASES if case[0] == operator]
    assert cases, f"no case of {operator}"
    for case in cases:
        check_steps(*single(case, known=True))
        if case[1] and operator not in ("ConstantOfShape", "Range", "Constant"):  # whose first input is a size
            check_steps(*single(case, known=False))


SIZES = [(1, 1, 1), (1, 5, 7), (2, 17, 40), (1, 61, 67)]


@pytest.mark.parametrize("size", SIZES)
def test_every_step_of_every_kind_of_export_is_the_one_that_onnxruntime_makes(
    every_export: list[Path], size: tuple[int, int, int]
) -> None:
    n, h, w = size
    for path in every_export:
        model = onnx.load(path)
        port = model.graph.input[0]
        kind = helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
        channels_last = kind != np.float32
        channels = port.type.tensor_type.shape.dim[-1 if channels_last else 1].dim_value
        shape = (n, h, w, channels) if channels_last else (n, channels, h, w)
        OnnxLimits(path.read_bytes(), path.name).check(shape)
        defaults = {tensor.name for tensor in model.graph.initializer}
        frames = [value.name for value in model.graph.input if value.name not in defaults]
        check_steps(model, dict.fromkeys(frames, np.zeros(shape, kind)))


def test_no_size_of_a_frame_is_refused_by_any_kind_of_export(every_export: list[Path]) -> None:
    sides = (1, 7, 64, 1080, 8192)
    for path in every_export:
        limits = OnnxLimits(path.read_bytes(), path.name)
        for n in (1, 5):
            for h in sides:
                for w in sides:
                    sizes = iter((n, h, w))
                    limits.check(tuple(next(sizes) if side is None else side for side in limits.input.shape))


@pytest.fixture(scope="module")
def every_export(
    make_bundle: BundleMaker, lower: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Networks of both methods and of videos, colour and grey, 8 and 16 bits, in each precision and kind of arrays."""
    folder = tmp_path_factory.mktemp("exports")
    for name in ("sensor", "grd"):
        shutil.copytree(lower[name], folder / name)
        for precision, io in (("int8", "u8"), ("fp16", "unit")):
            zsn2m.export(folder / name, precision, io)
    shutil.copytree(make_bundle(method="mbd", video=True), folder / "video")
    zsn2m.export(folder / "video", "fp16", model="video")
    zsn2m.export(folder / "video", "fp16", "u8", model="video")
    shutil.copytree(make_bundle("uint16", 1, (0.0, 4095.0), "mbd"), folder / "grey")
    zsn2m.export(folder / "grey", io="u16")
    return sorted(folder.glob("*/*.onnx"))
