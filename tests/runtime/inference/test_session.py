"""One session: opened on the provider asked for or refused, its failures as errors of ours."""

from __future__ import annotations

import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.stand_ins import CPU, CUDA, StandInRuntime, StandInSession, install

from zsn2m_runtime.errors import BundleError, UnavailableError, UsageError
from zsn2m_runtime.inference import providers, session
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.machine.installation import doubled_advice, import_onnxruntime, installed_onnxruntimes
from zsn2m_runtime.manifest import CARD_KEY


@pytest.fixture
def model(make_bundle: BundleMaker) -> Path:
    """The ONNX file of a colour MBD-Net."""
    return make_bundle() / "mbd.onnx"


def use_stand_in(monkeypatch: pytest.MonkeyPatch, runtime: StandInRuntime) -> StandInRuntime:
    """Let sessions be opened by a stand-in for onnxruntime."""
    monkeypatch.setattr(session, "import_onnxruntime", lambda: runtime)
    return runtime


@pytest.mark.parametrize("provider", ["auto", "cpu"])
def test_cpu_runs_here(model: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "AUTO_ORDER", ("directml", "cpu"))  # one that is absent first
    opened = Session(model, provider, threads=1, spinning=False)
    assert opened.provider == "cpu"
    assert CARD_KEY in opened.metadata
    assert opened.run(np.zeros((1, 3, 4, 5), np.float32)).shape == (1, 3, 4, 5)


def test_an_unknown_provider_is_a_usage_error(model: Path) -> None:
    with pytest.raises(UsageError, match=r"auto, cpu, cuda, .*gpu"):
        Session(model, "gpu")


def test_an_absent_provider_is_unavailable_never_replaced(model: Path) -> None:
    with pytest.raises(UnavailableError, match=f"directml: .*{CPU}") as caught:
        Session(model, "directml")
    assert caught.value.exit_code == 4
    assert "--provider cpu" in str(caught.value)


def test_provider_options_threads_and_spinning_reach_onnxruntime(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = use_stand_in(monkeypatch, StandInRuntime())
    assert Session(model, "cuda:device_id=1", threads=2, spinning=False).provider == "cuda"
    [opened] = runtime.opened
    assert (opened.provider, opened.passed["device_id"], opened.options.intra_op_num_threads) == (CUDA, "1", 2)
    assert opened.options.entries["session.intra_op.allow_spinning"] == "0"


def test_a_run_that_fails_is_an_error_with_a_way_on(model: Path) -> None:
    with pytest.raises(UnavailableError, match=r"cpu .*shape \(1, 3, 4, 4\)"):
        Session(model, "cpu", threads=1).run(np.zeros((1, 3, 4, 4), np.float64))  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (3, 4, 4), (1, 3, 4, 4, 1)])
def test_a_frame_that_the_model_is_not_for_is_refused_before_it_runs(model: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match="frames of shape"):
        Session(model, "cpu", threads=1).run(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("provider", "together"),
    [("cpu", 2), ("cuda", 2), ("tensorrt", 2), ("openvino", 2), ("directml", 1), ("coreml", 1)],
)
def test_calls_are_made_one_at_a_time_where_a_provider_may_not_take_two(
    model: Path, provider: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stand_in(monkeypatch, StandInRuntime(compiled=tuple(providers.PROVIDERS.values())))
    opened = Session(model, provider)
    running, most, lock, two = 0, 0, threading.Lock(), threading.Event()

    def run(*_: Any) -> list[int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 2:
                two.set()
        two.wait(60 if together == 2 else 0.05)  # seconds
        with lock:
            running -= 1
        return [0]

    monkeypatch.setattr(StandInSession, "run", run)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(opened.run, [np.zeros((1, 3, 8, 8), np.float32)] * 4))
    assert most == together


@pytest.mark.parametrize("provider", ["cpu", "directml"])
def test_a_call_that_fails_gives_way_to_the_next(model: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_stand_in(monkeypatch, StandInRuntime(compiled=tuple(providers.PROVIDERS.values())))
    opened, noisy = Session(model, provider), np.ones((1, 3, 8, 8), np.float32)
    with monkeypatch.context() as broken, pytest.raises(UnavailableError, match=provider):
        broken.delattr(StandInSession, "run")
        opened.run(noisy)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(opened.run, noisy).result(60).max() == 2


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x0a" * 40])
def test_no_onnx_file_is_a_bundle_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"mbd\.onnx: expected an ONNX model"):
        Session(path, "cpu")


def test_truncated_onnx_is_a_bundle_error(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mbd.onnx"
    path.write_bytes(model.read_bytes()[:-5000])
    with pytest.raises(BundleError, match=r"mbd\.onnx"):
        Session(path, "auto")


def test_missing_file_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.onnx: .*there is none"):
        Session(tmp_path / "none.onnx")


def test_doubled_onnxruntimes_are_warned_of_with_the_command(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    session.warn_of_doubled.cache_clear()
    for _ in range(2):  # each time a bundle is opened, but said once
        with caplog.at_level(logging.WARNING), pytest.raises(BundleError):
            Session(Path("none.onnx"))
    assert caplog.text.count("pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'zsn2m-deploy[gpu]'") == 1


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (("onnxruntime", "onnxruntime-openvino"), "'zsn2m-deploy[openvino]'"),
        (("onnxruntime", "onnxruntime-directml"), "onnxruntime-directml"),
        (("onnxruntime-gpu", "onnxruntime-openvino"), "'zsn2m-deploy[gpu]' (or 'zsn2m-deploy[openvino]', never two)"),
    ],
)
def test_doubled_advice_keeps_what_was_wanted_beyond_the_cpu(found: tuple[str, ...], kept: str) -> None:
    advice = doubled_advice(dict.fromkeys(found, "1.20"))
    assert advice.endswith(f"run: pip uninstall -y {' '.join(found)} && pip install {kept}")


def test_one_onnxruntime_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    install(monkeypatch, "onnxruntime", version="1.20.0")
    assert installed_onnxruntimes() == {"onnxruntime": "1.20.0"}
    import_onnxruntime()
    assert not caplog.text


@pytest.mark.parametrize("module", [None, SimpleNamespace()])  # not installed; gutted by uninstalling its double
def test_missing_onnxruntime_names_the_pip_command(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    install(monkeypatch)
    with pytest.raises(UnavailableError, match=r"run: pip install 'zsn2m-deploy\[cpu\]'") as caught:
        import_onnxruntime()
    assert caught.value.exit_code == 4


def test_an_onnxruntime_that_follows_links_out_of_a_bundle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "onnxruntime")
    for version in ("1.23.2", "1.20.1", "0.9"):
        monkeypatch.setattr(session.import_onnxruntime(), "__version__", version)
        with pytest.raises(UnavailableError, match=rf"1\.24 .*{version}"):
            import_onnxruntime()
        monkeypatch.undo()


def test_gutted_onnxruntime_is_to_be_removed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    install(monkeypatch, "onnxruntime")
    with pytest.raises(UnavailableError, match=r"run: pip uninstall -y onnxruntime && pip install"):
        import_onnxruntime()
