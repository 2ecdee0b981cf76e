"""What a graph would take is found before it runs: exports pass on every size, greedy graphs are refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.defs import get_schema
from support.bundles import BundleMaker

from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.onnx_checks.limits import AXES, MOST_PRODUCTS, MOST_VALUES, OnnxLimits
from zsn2m_runtime.onnx_checks.reading import OPERATORS, read_onnx
from zsn2m_runtime.onnx_checks.shapes import shape_of
from zsn2m_runtime.onnx_checks.values import Made, UnknownError

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def graph(nodes: list[onnx.NodeProto], constants: dict[str, Any], output: tuple[object, ...] | None = None) -> bytes:
    """A model from noisy (n, 3, h, w) to denoised."""
    ports = [
        helper.make_tensor_value_info(name, FLOAT, shape)
        for name, shape in (("noisy", ("n", 3, "h", "w")), ("denoised", output or ("n", 3, "h", "w")))
    ]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    made = helper.make_graph(nodes, "g", ports[:1], ports[1:], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def same(*nodes: onnx.NodeProto) -> list[onnx.NodeProto]:
    """These steps, and then what came in goes out."""
    return [*nodes, node("Identity", "noisy", "denoised")]


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_exports_take_a_small_part_of_what_is_allowed(bundle: Path) -> None:
    for path in bundle.glob("*.onnx"):
        limits = OnnxLimits(path.read_bytes(), path.name)
        held, products = limits._follow(Made((1, 3, 512, 512), 1))
        assert held < MOST_VALUES * 512 * 512 / 20
        assert products < MOST_PRODUCTS * 512 * 512 / 20


HUGE = 2**20
DOUBLED = [
    node("Resize", f"{'noisy' if i == 0 else f'r{i}'} none scales", f"r{i + 1}", mode="nearest") for i in range(9)
]
for step in DOUBLED:
    step.input[1] = ""
GREEDY: dict[str, bytes] = {
    "ConstantOfShape": graph(same(node("ConstantOfShape", "s", "x")), {"s": whole(HUGE, HUGE)}),
    "Expand": graph(same(node("Expand", "noisy s", "x")), {"s": whole(HUGE, 1, 1, 1)}),
    "Expand by an attribute's tensor": graph(
        same(
            helper.make_node("Constant", [], ["s"], value=numpy_helper.from_array(whole(HUGE, HUGE))),
            node("ConstantOfShape", "s", "x"),
        ),
        {},
    ),
    "Range": graph(same(node("Range", "a b c", "x")), {"a": np.int64(0), "b": np.int64(2**40), "c": np.int64(1)}),
    "Pad": graph(same(node("Pad", "noisy s", "x")), {"s": whole(0, 0, 0, 0, 0, 0, HUGE, HUGE)}),
    "Resize": graph(
        same(helper.make_node("Resize", ["noisy", "", "s"], ["x"])), {"s": np.array([1, 1, 1e4, 1e4], np.float32)}
    ),
    "Resize to sizes": graph(
        same(helper.make_node("Resize", ["noisy", "", "", "s"], ["x"])), {"s": whole(1, 3, HUGE, HUGE)}
    ),
    "doubled nine times": graph(same(*DOUBLED), {"scales": np.array([1, 1, 2, 2], np.float32)}),
    "all rows with all columns": graph(
        same(node("Reshape", "noisy s", "a"), node("Reshape", "noisy t", "b"), node("Mul", "a b", "x")),
        {"s": whole(-1, 1), "t": whole(1, -1)},
    ),
    "joined again and again": graph(
        same(*(node("Concat", f"{'noisy' if i == 0 else f'c{i}'} " * 4, f"c{i + 1}", axis=1) for i in range(9))), {}
    ),
    "many channels": graph(
        same(
            node("ConstantOfShape", "s", "k"),
            node("Conv", "noisy k", "x", kernel_shape=[1, 1]),
        ),
        {"s": whole(500_000, 3, 1, 1)},
    ),
    "a wide kernel": graph(
        same(node("ConstantOfShape", "s", "k"), node("Conv", "noisy k", "x", pads=[2000] * 4)),
        {"s": whole(1, 3, 4001, 4001)},
    ),
    "a wide window": graph(same(node("MaxPool", "noisy", "x", kernel_shape=[9999, 9999], pads=[4999] * 4)), {}),
    "indices": graph(
        same(node("Gather", "s i", "x")), {"s": np.zeros((1, HUGE), np.int8), "i": np.zeros(HUGE, np.int64)}
    ),
}


@pytest.mark.parametrize("content", GREEDY.values(), ids=GREEDY.keys())
def test_a_greedy_graph_is_refused_at_once(content: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(BundleError, match="for each pixel"):
        OnnxLimits(content, "m")
    assert time.perf_counter() - started < 5


def test_a_graph_that_is_greedy_on_larger_frames_only_is_refused_there() -> None:
    """Memory with the square of the pixels: 64 x 64 pass."""
    content = graph(
        same(
            node("Shape", "noisy", "s"),
            node("Gather", "s two", "h"),
            node("Mul", "h h", "hh"),
            node("Mul", "hh h", "hhh"),
            node("ConstantOfShape", "hhh", "x"),
        ),
        {"two": whole(2)},
    )
    limits = OnnxLimits(content, "m")
    limits.check((1, 3, 128, 128))
    with pytest.raises(BundleError, match="for each pixel"):
        limits.check((1, 3, 2**17, 1))


WRONG: dict[str, bytes] = {
    "a whole number divided by one from pixels": graph(
        same(node("Cast", "noisy", "i", to=INT64), node("Div", "i i", "x")), {}
    ),
    "a whole number divided by zero": graph(
        same(node("Shape", "noisy", "s"), node("Mod", "s z", "x")), {"z": np.int64(0)}
    ),
    "a size that depends on pixels": graph(
        same(node("Cast", "noisy", "i", to=INT64), node("ConstantOfShape", "i", "x")), {}
    ),
    "shapes that do not fit": graph(same(node("Add", "noisy s", "x")), {"s": np.zeros((1, 2, 1, 1), np.float32)}),
    "other channels": graph(same(node("Conv", "noisy k", "x")), {"k": np.zeros((4, 2, 1, 1), np.float32)}),
    "a value that nobody makes": graph(same(node("Relu", "nothing", "x")), {}),
    "a value that is made later": graph([node("Relu", "x", "y"), *same(node("Relu", "noisy", "x"))], {}),
    "a value that is made twice": graph(same(node("Relu", "noisy", "x"), node("Relu", "noisy", "x")), {}),
    "a step without inputs": graph(same(node("Relu", "", "x")), {}),
    "an axis that is not there": graph(same(node("Concat", "noisy noisy", "x", axis=9)), {}),
    "a result of another shape": graph([node("Concat", "noisy noisy", "denoised", axis=1)], {}),
    "a result that nobody makes": graph([node("Relu", "noisy", "x")], {}),
    "a constant without a value": graph(same(node("Constant", "", "x")), {}),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_graph_that_cannot_be_followed_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="frames of shape"):
        OnnxLimits(content, "m")


def ported(change: Any) -> bytes:
    model = onnx.load_model_from_string(graph(same(), {}))
    change(model.graph)
    return model.SerializeToString()


def typed(kind: int, shape: tuple[object, ...]) -> Any:
    def change(found: onnx.GraphProto) -> None:
        found.input[0].CopyFrom(helper.make_tensor_value_info("noisy", kind, shape))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: g.ClearField("input"), "0 inputs"),
        (lambda g: g.ClearField("output"), "0 outputs"),
        (lambda g: g.input.append(helper.make_tensor_value_info("x", FLOAT, [1])), "2 inputs"),
        (typed(TensorProto.STRING, ("n", 3, "h", "w")), "an input of element type 8"),
        (typed(TensorProto.DOUBLE, ("n", 3, "h", "w")), "an input of element type float64"),
        (typed(FLOAT, (3, "h", "w")), "an input of element type float32"),
        (typed(FLOAT, ("n", 0, "h", "w")), "an input of element type float32"),
        (lambda g: g.input[0].ClearField("type"), "an input of element type 0"),
        (lambda g: g.initializer.append(helper.make_tensor("s", TensorProto.STRING, [1], ["a"])), "element type 8"),
    ],
)
def test_what_takes_or_gives_no_frames_is_refused(change: Any, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        OnnxLimits(ported(change), "m")


def with_defaults(nodes: list[onnx.NodeProto], **defaults: Any) -> bytes:
    """A model that takes the frame, and inputs with a default."""
    found = onnx.load_model_from_string(graph(nodes, defaults))
    for name, value in defaults.items():
        shape = (*value.shape[:2], "k", "l") if value.ndim == AXES else value.shape
        found.graph.input.append(helper.make_tensor_value_info(name, FLOAT, shape))
    return found.SerializeToString()


ONE = np.ones((1,) * AXES, np.float32)
SCALED = [node("Concat", "s s s s", "scales", axis=0), helper.make_node("Resize", ["noisy", "", "scales"], ["x"])]


def test_a_strength_is_an_input_beside_the_frame() -> None:
    limits = OnnxLimits(with_defaults([node("Mul", "noisy strength", "denoised")], strength=ONE), "m")
    assert [port and port.name for port in (limits.input, limits.strength)] == ["noisy", "strength"]
    assert OnnxLimits(graph(same(), {}), "m").strength is None


def of_two_frames() -> bytes:
    """A model that takes a second frame, as an earlier format had."""
    model = onnx.load_model_from_string(graph([node("Add", "noisy previous", "denoised")], {}))
    model.graph.input.append(helper.make_tensor_value_info("previous", FLOAT, ("n", 3, "h", "w")))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (of_two_frames(), "2 inputs"),
        (with_defaults(same(), s=np.ones(1, np.float32)), "one map"),
        (with_defaults(same(), s=ONE, t=ONE), "one map"),
        (with_defaults(same(*SCALED), s=ONE), "frames of shape"),
    ],
)
def test_other_inputs_beside_the_frame_are_refused(content: bytes, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        OnnxLimits(content, "m")


def test_two_values_of_one_attribute_or_name_are_refused() -> None:
    """onnxruntime may take the one that was not looked at."""
    model = onnx.load_model_from_string(graph(same(node("Concat", "noisy noisy", "x", axis=1)), {"a": whole(1)}))
    for change in (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("axis", 0)),
        lambda m: m.graph.node[0].attribute[0].ints.append(1),
        lambda m: m.graph.initializer.append(m.graph.initializer[0]),
        lambda m: m.graph.initializer[0].int64_data.append(1),
    ):
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        change(changed)
        with pytest.raises(BundleError, match="two"):
            OnnxLimits(changed.SerializeToString(), "m")


@pytest.mark.parametrize("version", [0, 9, 12, 26, 2**40])
def test_operators_of_other_versions_are_refused(version: int) -> None:
    model = onnx.load_model_from_string(graph(same(), {}))
    model.opset_import[0].version = version
    with pytest.raises(BundleError, match="opset"):
        OnnxLimits(model.SerializeToString(), "m")


def test_every_operator_that_is_allowed_has_a_rule_and_a_definition() -> None:
    for operator in OPERATORS:
        assert get_schema(operator, 18)
        with pytest.raises(UnknownError):  # of what it lacks, not a KeyError
            shape_of(read_onnx(graph([node(operator, "", "x")], {}), "m").nodes[0], [])


def test_small_frames_of_every_export_run(make_bundle: BundleMaker) -> None:
    limits = OnnxLimits((make_bundle() / "grd.onnx").read_bytes(), "grd.onnx")
    for shape in ((1, 3, 1, 1), (1, 3, 1, 5000), (1, 3, 4096, 4096)):
        limits.check(shape)
