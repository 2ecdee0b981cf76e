"""Pixel shuffles written as moves of one axis each."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from zsn2m_export.shuffles import unrolled

KEPT = 3  # channels after a shuffle


def shuffle(block: int, mode: str | None = "CRD") -> onnx.ModelProto:
    """A convolution of one channel and a pixel shuffle, of any batch and size."""
    kernels = np.random.default_rng(0).standard_normal((KEPT * block**2, 1, 3, 3)).astype(np.float32)
    order = {} if mode is None else {"mode": mode}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "kernels"], ["planes"], pads=[1, 1, 1, 1]),
            helper.make_node("DepthToSpace", ["planes"], ["y"], name="shuffle", blocksize=block, **order),
        ],
        "shuffle",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", KEPT, None, None])],
        [numpy_helper.from_array(kernels, "kernels")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 5, 7), (1, 16, 3)])
def test_moves_give_the_bits_of_the_shuffle_at_any_batch_and_size(block: int, size: tuple[int, int, int]) -> None:
    before, after = shuffle(block), shuffle(block)
    unrolled(after)
    onnx.checker.check_model(after, full_check=True)
    assert "DepthToSpace" not in {node.op_type for node in after.graph.node}
    count, height, width = size
    x = np.random.default_rng(1).standard_normal((count, 1, height, width)).astype(np.float32)
    expected, found = (
        onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
        for model in (before, after)
    )
    assert expected[0].shape == (count, KEPT, block * height, block * width)
    np.testing.assert_array_equal(found[0], expected[0])


@pytest.mark.parametrize("mode", ["DCR", None])
def test_another_order_of_the_channels_is_refused(mode: str | None) -> None:
    with pytest.raises(ValueError, match="shuffle: expected the order of channels"):
        unrolled(shuffle(2, mode))
