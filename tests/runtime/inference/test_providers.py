"""Providers: names and options go through, and one that does not really run every node on pixels is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.bundles import BundleMaker
from support.stand_ins import (
    CPU,
    CUDA,
    PIXEL_NODE,
    RECORDING,
    SIZE_NODE,
    STRICT,
    UNNAMED,
    StandInRuntime,
    StandInSession,
)

from zsn2m_runtime.errors import BundleError, UnavailableError, UsageError
from zsn2m_runtime.inference import providers
from zsn2m_runtime.inference.providers import (
    PROVIDERS,
    Provider,
    Threads,
    open_first,
    parse_provider,
    starting_providers,
)

ACCELERATORS = sorted(set(PROVIDERS) - {"cpu"})
MODEL = b"a model"
AS_EVER = Threads()


def runtime_with(name: str, **facts: Any) -> StandInRuntime:
    """A stand-in that was built with one provider besides the CPU."""
    return StandInRuntime(compiled=(PROVIDERS[name], CPU), **facts)


def opened(runtime: StandInRuntime, text: str, threads: Threads = AS_EVER) -> str:
    """Short name of the provider that runs."""
    return open_first(runtime, MODEL, "mbd.onnx", parse_provider(text), threads)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("cpu", "cpu", {}),
        ("cuda", "cuda", {}),
        ("cuda:device_id=1", "cuda", {"device_id": "1"}),
        ("tensorrt:trt_fp16_enable=1,trt_engine_cache_path=/a:b=c", "tensorrt",
         {"trt_fp16_enable": "1", "trt_engine_cache_path": "/a:b=c"}),
        ('openvino:load_config={"CPU":{"A":"f32","B":"2"}},num_of_threads=2', "openvino",
         {"load_config": '{"CPU":{"A":"f32","B":"2"}}', "num_of_threads": "2"}),
        ("cuda:a=1,,", "cuda", {"a": "1,,"}),  # a comma is the value's unless option= follows
    ],
)  # fmt: skip
def test_names_and_options_are_read(text: str, name: str, options: dict[str, str]) -> None:
    assert parse_provider(text) == (Provider(name, options),)


@pytest.mark.parametrize("text", ["gpu", "CPU", "", CPU, "gpu:device_id=1", ":device_id=1"])
def test_an_unknown_name_is_a_usage_error_that_names_the_known(text: str) -> None:
    with pytest.raises(UsageError, match=f"auto, {', '.join(PROVIDERS)}"):
        parse_provider(text)


@pytest.mark.parametrize("listed", ["", "device_id", "device_id=", "=1", "device_id,a=1", "a=,b=1"])
def test_an_option_without_its_value_is_a_usage_error(listed: str) -> None:
    with pytest.raises(UsageError, match="cuda:option=value"):
        parse_provider(f"cuda:{listed}")


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_options_where_none_are_taken_are_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"no options for provider {name}"):
        parse_provider(f"{name}:device_id=1")


@pytest.mark.parametrize("name", ACCELERATORS)
def test_name_and_options_reach_onnxruntime_and_its_fall_backs_are_off(name: str) -> None:
    runtime = runtime_with(name)
    assert opened(runtime, f"{name}:device_id=1,some_limit=7") == name
    [session] = runtime.opened
    assert session.provider == PROVIDERS[name]
    assert session.passed.items() >= {"device_id": "1", "some_limit": "7"}.items()
    assert (session.options.entries[STRICT], session.falls_back) == ("1", [])


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("cuda", {"use_tf32": "0"}),
        ("cuda:use_tf32=1", {"use_tf32": "1"}),
        ("openvino", {"precision": "ACCURACY"}),
        ("openvino:precision=FP16", {"precision": "FP16"}),
        ("tensorrt", {}),
    ],
)
def test_full_precision_unless_another_is_asked_for(text: str, passed: dict[str, str]) -> None:
    runtime = runtime_with(text.partition(":")[0])
    opened(runtime, text)
    assert runtime.opened[0].passed == passed


def test_the_thread_count_reaches_openvinos_own_threads() -> None:
    runtime = runtime_with("openvino")
    opened(runtime, "openvino", Threads(3))
    opened(runtime, "openvino:num_of_threads=1", Threads(3))
    opened(runtime, "openvino")
    assert [session.passed.get("num_of_threads") for session in runtime.opened] == ["3", "1", None]


@pytest.mark.parametrize("name", PROVIDERS)
def test_memory_patterns_are_off_where_a_provider_may_refuse_them(name: str) -> None:
    runtime = runtime_with(name)
    opened(runtime, name)
    assert runtime.opened[0].options.enable_mem_pattern == (name not in {"directml", "coreml"})


def test_threads_and_their_spinning_are_set() -> None:
    runtime = StandInRuntime()
    opened(runtime, "cpu", Threads(3))
    opened(runtime, "cpu", Threads(1, spinning=False))
    first, second = (session.options for session in runtime.opened)
    assert (first.intra_op_num_threads, first.entries) == (3, {})
    quiet = {"session.intra_op.allow_spinning": "0", "session.inter_op.allow_spinning": "0"}
    assert (second.intra_op_num_threads, second.entries) == (1, quiet)


def test_a_provider_that_is_not_built_in_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=rf"cuda: not in this onnxruntime \({CPU}\)") as caught:
        opened(StandInRuntime(compiled=(CPU,)), "cuda")
    assert caught.value.exit_code == 4


def test_a_provider_that_get_providers_does_not_list_first_is_refused() -> None:
    with pytest.raises(UnavailableError, match=f"onnxruntime runs {CPU}"):
        opened(StandInRuntime(absent=(CUDA,)), "cuda")


def test_get_providers_is_compared_though_nothing_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInSession, "get_providers", lambda _: [CPU, CUDA])
    with pytest.raises(UnavailableError, match=f"onnxruntime runs {CPU}, {CUDA}"):
        opened(StandInRuntime(), "cuda")


def test_a_node_on_pixels_left_to_the_cpu_is_refused_by_its_name() -> None:
    with pytest.raises(UnavailableError, match=r"1 node\(s\): Conv \(node_conv\)"):
        opened(StandInRuntime(left_to_cpu=(SIZE_NODE, PIXEL_NODE)), "cuda")


def test_arithmetic_on_sizes_may_stay_on_the_cpu() -> None:
    runtime = StandInRuntime(left_to_cpu=(SIZE_NODE,))
    assert opened(runtime, "cuda") == "cuda"
    strict, working, *compared = runtime.opened
    assert strict.options.entries[STRICT] == working.options.entries[RECORDING] == "1"
    assert (working.provider, working.options.sizes) == (CUDA, {})
    assert [(each.provider, set(each.options.sizes)) for each in compared] == [(CPU, set()), (CPU, {"n", "h", "w"})]


@pytest.mark.parametrize("made", ["fused_by_the_providers_optimiser", UNNAMED])
def test_a_node_that_only_the_providers_own_graph_has_is_refused_on_the_cpu(made: str) -> None:
    with pytest.raises(UnavailableError, match=rf"1 node\(s\): .*\({made}\)"):
        opened(StandInRuntime(left_to_cpu=(SIZE_NODE, made)), "cuda")


@pytest.mark.parametrize(("method", "name"), [("adapt", "sensor"), ("full", "grd")])
def test_what_vanishes_with_fixed_sizes_is_the_arithmetic_on_them(
    make_bundle: BundleMaker, method: str, name: str
) -> None:
    """With the real onnxruntime, on networks that pad and crop by the frame's size."""
    model = str(make_bundle(method=method) / f"{name}.onnx")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(RECORDING, "1")
    session = onnxruntime.InferenceSession(model, options, providers=[CPU])
    every = {node.name: node.op_type for node in onnx.load(model).graph.node}
    found = providers._pixel_nodes_on_cpu(onnxruntime, model, session)
    vanished = [every[name] for name in every if f"{every[name]} ({name})" not in found]
    sizes = {"Shape", "Mod", "Mul", "Add", "Sub", "Range", "Clip", "Min", "Squeeze", "Reshape", "Concat"}
    names_of_axes = {"Unsqueeze"}  # before a Reshape, which takes its place: no sample moves
    assert {"Shape", "Mod", "Range"} <= set(vanished) <= sizes | names_of_axes
    pixels = ("Conv", "LeakyRelu", "MaxPool", "Resize", "Transpose", "Gather", "Slice")
    assert all(f"{kind} ({name})" in found for name, kind in every.items() if kind in pixels)


def test_auto_takes_cuda_where_it_runs_and_the_cpu_else() -> None:
    assert opened(StandInRuntime(), "auto") == "cuda"
    assert opened(StandInRuntime(absent=(CUDA,)), "auto") == "cpu"
    assert opened(StandInRuntime(failing={CUDA: "no device"}), "auto") == "cpu"
    assert opened(StandInRuntime(left_to_cpu=(PIXEL_NODE,)), "auto") == "cpu"
    assert opened(StandInRuntime(compiled=(CPU,)), "auto") == "cpu"


def test_a_provider_that_raises_says_why_in_one_line() -> None:
    runtime = StandInRuntime(failing={CUDA: "libcudnn.so.9:\n cannot open shared object file"})
    with pytest.raises(UnavailableError, match=r"libcudnn.so.9: cannot open"):
        opened(runtime, "cuda")


def test_a_model_that_the_cpu_cannot_open_is_a_bundle_error() -> None:
    with pytest.raises(BundleError, match=r"mbd\.onnx: .*bad protobuf"):
        opened(StandInRuntime(failing={CUDA: "bad protobuf", CPU: "bad protobuf"}), "auto")


def test_what_is_wrong_with_the_cuda_libraries_is_the_reason_and_not_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def preload(_: object) -> None:
        print("Failed to load\nlibcublas.so.13")

    monkeypatch.setattr(StandInRuntime, "preload_dlls", preload, raising=False)
    with pytest.raises(UnavailableError, match=f"onnxruntime runs {CPU}. Failed to load libcublas.so.13"):
        opened(StandInRuntime(absent=(CUDA,)), "cuda")
    assert opened(StandInRuntime(), "cpu") == "cpu"
    assert capsys.readouterr().out == ""


def test_the_providers_that_start_here_by_computing() -> None:
    assert starting_providers(onnxruntime)["cpu"] is None


def test_the_reason_of_every_provider_that_does_not_start() -> None:
    compiled = ("AzureExecutionProvider", *PROVIDERS.values())
    runtime = StandInRuntime(compiled, absent=(PROVIDERS["cuda"],), failing={PROVIDERS["coreml"]: "no\ndevice"})
    found = starting_providers(runtime)  # type: ignore[arg-type]
    assert list(found) == list(PROVIDERS)
    assert [name for name, reason in found.items() if reason is None] == ["cpu", "tensorrt", "openvino", "directml"]
    assert found["cuda"] == f"asked for, but onnxruntime runs {CPU}"
    assert found["coreml"] == "onnxruntime says: no device"


def test_a_provider_that_computes_wrongly_does_not_start() -> None:
    found = starting_providers(StandInRuntime(gain=2.5))  # type: ignore[arg-type]
    assert set(found.values()) == {"it starts, but computes a convolution wrongly"}


def test_the_embedded_probe_is_the_model_that_its_comment_says() -> None:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4, 4]) for name in ("x", "y")]
    weight = numpy_helper.from_array(np.full((1, 1, 1, 1), 2, np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv")
    graph = helper.make_graph([node], "probe", ports[:1], ports[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    assert onnx.load_from_string(providers._PROBE) == model
    assert providers.open_proven(onnxruntime, providers._PROBE, Provider("cpu"), Threads(1))
