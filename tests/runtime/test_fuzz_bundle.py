"""Whatever a bundle holds: opening it works, or ends in an error of ours, within seconds and little memory.

The fast set tries few examples of each property; many, and how many they were:
`pytest -s -m slow tests/runtime/test_fuzz_bundle.py`.
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bundles import BundleMaker
from support.mutations import Whole, changed_bytes, changed_json

from zsn2m_deploy.bundle.restore import restored_networks
from zsn2m_deploy.cli.inspect import _bundle_facts
from zsn2m_deploy.cli.summary import show_bundle
from zsn2m_runtime.bundle import Bundle, file_record, load_bundle, read_manifest
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.manifest import CARD_KEY
from zsn2m_runtime.onnx_checks.limits import OnnxLimits
from zsn2m_runtime.self_test import read_test_input
from zsn2m_runtime.verify import verify_bundle

FEW, MANY = 25, 4000  # examples of each of the five properties
ROOM = 1_500_000  # kB that all examples of a property may add to the peak
SECONDS = 20  # that one example may take on a busy machine; nearly all take milliseconds
FRAME = np.tile(np.arange(0, 240, 10, dtype=np.uint8)[:, None, None], (1, 20, 3))


@pytest.fixture(scope="module")
def whole(make_bundle: BundleMaker) -> Path:
    """A bundle that everything works with."""
    return make_bundle()


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(whole, tmp_path / "cam.zsn2m")


def opened(call: Callable[[], object]) -> None:
    """Run a call; only errors of ours are let pass."""
    with contextlib.suppress(Zsn2mError), np.errstate(all="ignore"):
        call()


def use(bundle: Path) -> None:
    """What denoise, verify, inspect, bench and export do with a bundle before they work on frames."""

    def denoise() -> None:
        denoiser = Denoiser(bundle, threads=1)
        denoiser(FRAME)
        denoiser.unlike(FRAME)

    def show() -> None:
        _bundle_facts(bundle)
        show_bundle(load_bundle(bundle), as_json=True)
        show_bundle(load_bundle(bundle), as_json=False)

    opened(denoise)
    opened(show)
    opened(lambda: verify_bundle(bundle, "cpu"))
    opened(lambda: read_test_input(load_bundle(bundle)))
    opened(lambda: restored_networks(load_bundle(bundle)))


def put(bundle: Path, name: str, content: bytes) -> None:
    """A file with another content, and a manifest that vouches for it."""
    (bundle / name).write_bytes(content)
    text = (bundle / "manifest.json").read_text()
    document = json.loads(text)
    record = file_record(bundle / name).model_dump()

    def change(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            change(inner)
        if isinstance(value, dict) and value.get("name") == name:
            value.update(record)

    change(document)
    (bundle / "manifest.json").write_text(json.dumps(document))


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=SECONDS * 1000,
        derandomize=count == FEW,  # the fast set is the same every time
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def try_many(strategy: st.SearchStrategy[Any], count: int, attempt: Callable[[Any], None]) -> None:
    before, tried = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, [0]

    @examples(count)
    @given(strategy)
    def run(value: Any) -> None:
        tried[0] += 1
        attempt(value)

    run()
    print(f"{tried[0]} examples")
    assert tried[0] >= count * 0.9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < ROOM


counts = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


@counts
def test_any_manifest(bundle: Path, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    file = bundle / "manifest.json"

    def attempt(document: Any) -> None:
        file.write_text(json.dumps(document))
        use(bundle)
        capsys.readouterr()

    try_many(changed_json(json.loads(file.read_text())), count, attempt)


@counts
def test_any_bytes_of_a_manifest(bundle: Path, count: int) -> None:
    file = bundle / "manifest.json"

    def attempt(content: bytes) -> None:
        file.write_bytes(content)
        opened(lambda: Bundle(bundle, read_manifest(bundle)).model())

    try_many(st.binary(max_size=60) | changed_bytes(Whole(file.read_bytes())), count, attempt)


@counts
def test_any_card(bundle: Path, count: int) -> None:
    model = onnx.load(bundle / "mbd.onnx")
    model.ClearField("metadata_props")
    card = load_bundle(bundle).manifest.card(load_bundle(bundle).model("mbd")).model_dump(mode="json")

    def attempt(document: Any) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        onnx.helper.set_model_props(model, {CARD_KEY: text})
        alone = bundle.parent / "alone.onnx"
        alone.write_bytes(model.SerializeToString())
        opened(lambda: Denoiser(alone, threads=1)(FRAME))

    try_many(changed_json(card) | st.text(max_size=30), count, attempt)


@counts
def test_any_onnx_file(bundle: Path, count: int) -> None:
    """Bytes near the start and the end are nodes and cards; those between are weights."""

    def attempt(changed: tuple[str, Whole]) -> None:
        name, content = changed[0], changed[1].content
        opened(lambda: OnnxLimits(content, name))
        put(bundle, name, content)
        opened(lambda: Denoiser(bundle, name.removesuffix(".onnx"), threads=1)(FRAME))

    names = ("mbd.onnx", "grd.onnx")
    contents = {name: Whole((bundle / name).read_bytes()) for name in names}
    strategy = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), changed_bytes(contents[name], head=9000).map(Whole))
    )
    try_many(strategy, count, attempt)


@counts
def test_any_weights_and_self_tests(bundle: Path, count: int) -> None:
    names = ("weights.safetensors", "test_input.npy", "test_output_mbd.npy")
    contents = {name: Whole((bundle / name).read_bytes()) for name in names}

    def attempt(changed: tuple[str, Whole]) -> None:
        name, content = changed[0], changed[1].content
        put(bundle, name, content)
        opened(lambda: restored_networks(load_bundle(bundle)))
        opened(lambda: verify_bundle(bundle, "cpu"))
        put(bundle, name, contents[name].content)

    strategy = st.sampled_from(names).flatmap(
        lambda name: st.tuples(
            st.just(name), (st.binary(max_size=40) | changed_bytes(contents[name], head=200)).map(Whole)
        )
    )
    try_many(strategy, count, attempt)
