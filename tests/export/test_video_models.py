"""The model for videos in a bundle: the same in every form and at every strength, and what the gates see of it."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.browsers import WEB_PACKAGE
from support.bundles import BundleMaker, edit_manifest, noisy_planes, untrained_video
from support.tolerances import PARITY

import zsn2m_deploy as zsn2m
from zsn2m_export import fidelity
from zsn2m_export import variants as variants_of
from zsn2m_export.parity import check_parity, probe_frames
from zsn2m_export.torchscript import load_torchscript
from zsn2m_export.video_graph import VideoGraph
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import CheckFailedError, UsageError
from zsn2m_runtime.image import from_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import CARD_KEY, ModelCard, Normalisation, Sensor
from zsn2m_runtime.model_record import Fidelity
from zsn2m_runtime.sample_types import Nchw
from zsn2m_runtime.self_test import read_expected_output, read_test_input
from zsn2m_runtime.verify import verify_bundle

WEB = Path(__file__).parents[1] / "support" / "onnx_web.mjs"
RUNTIMES = (WEB_PACKAGE, "onnxruntime-node@1.13.1")  # a browser's; of those that are in use, the oldest
FRAME = noisy_planes(3, 41, 30, 255.0)
OWN = 1e-5  # of 255: what onnxruntime and torch may differ by


@pytest.fixture(scope="module")
def video(make_bundle: BundleMaker) -> Path:
    """A bundle of MBD-Net, the default, and VideoNet; 8-bit colour."""
    return make_bundle(method="mbd", video=True)


@pytest.fixture(scope="module")
def variants(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with lower precisions and twins of VideoNet."""
    folder = shutil.copytree(video, tmp_path_factory.mktemp("variants") / "cam.zsn2m")
    for precision, io in (("fp16", "sensor"), ("fp32", "u8"), ("fp32", "unit")):
        zsn2m.export(folder, precision, io, model="video")
    return folder


@pytest.fixture
def bundle(video: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(video, tmp_path / "cam.zsn2m")


@pytest.fixture(scope="module")
def graph() -> VideoGraph:
    """What was exported."""
    network = untrained_video(3)
    sensor = Sensor(dtype="uint8", channels=3, range=(0.0, 255.0), noise_sigma=20.0)
    return VideoGraph(network, 8, sensor, Normalisation(offset=0, scale=255), network.line)


def test_it_stands_beside_the_default_with_its_inputs_named(video: Path) -> None:
    manifest = load_bundle(video).manifest
    default, entry = manifest.models
    assert (manifest.default, default.strength) == ("mbd", None)
    assert (entry.id, entry.role, entry.input, entry.strength) == ("video", "video", "noisy", "strength")
    assert (entry.stride, entry.receptive_radius, set(entry.files)) == (8, 29, {"torchscript", "onnx"})
    model = onnx.load(video / "video.onnx")
    assert [value.name for value in model.graph.input] == ["noisy", "strength"]
    card = json.loads(model.metadata_props[0].value)
    assert model.metadata_props[0].key == CARD_KEY
    assert card["strength"] == "strength"


def test_plain_callers_give_the_frame_and_nothing_else(video: Path, graph: VideoGraph) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it would say that strength is an input with a default
    session = onnxruntime.InferenceSession(video / "video.onnx", options)
    noisy = torch.from_numpy(FRAME)
    expected = graph(noisy, torch.ones(1)).numpy()
    np.testing.assert_allclose(session.run(None, {"noisy": FRAME})[0], expected, atol=255 * OWN)
    np.testing.assert_allclose(load_torchscript(video / "video.ts")(noisy).numpy(), expected, atol=255 * OWN)
    stronger = graph(noisy, torch.tensor([2.0])).numpy()
    assert np.abs(stronger - expected).max() > 255 * PARITY
    np.testing.assert_allclose(Session(video / "video.onnx", "cpu").run(FRAME, 2.0), stronger, atol=255 * OWN)


class Forgetful(torch.nn.Module):
    """A graph that does not hear the strength."""

    def __init__(self, graph: VideoGraph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, noisy: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.graph(noisy)
        return result


def test_the_gate_sees_a_file_that_takes_no_heed_of_the_strength(video: Path, graph: VideoGraph) -> None:
    files = {"torchscript": video / "video.ts", "onnx": video / "video.onnx"}
    probes = probe_frames(FRAME, (0.0, 255.0))
    check_parity(graph, files, probes, 255.0, "video", told=True)
    with pytest.raises(CheckFailedError, match=r"video: .*torchscript"):
        check_parity(Forgetful(graph), files, probes, 255.0, "video", told=True)


def test_strips_are_the_whole_frame(video: Path) -> None:
    frame = from_nchw(noisy_planes(3, 400, 50, 255.0), "uint8")
    whole, strips = (
        zsn2m.Denoiser(video, "video", "cpu", threads=1, strip_pixels=pixels)(frame) for pixels in (None, 1)
    )
    np.testing.assert_array_equal(whole, strips)


def test_lower_precisions_and_twins_take_the_strength(variants: Path) -> None:
    manifest = load_bundle(variants).manifest
    made = {model.id: model for model in manifest.models if model.role == "video"}
    assert list(made) == ["video", "video.fp16", "video.u8", "video.unit"]
    assert all(model.strength == "strength" for model in made.values())
    assert all(check.passed for check in verify_bundle(variants, "cpu"))


def test_int8_is_made_of_the_other_models(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fidelity.GATES, "int8", 40.0)  # the networks are not trained
    zsn2m.export(bundle, "int8")
    assert [model.id for model in load_bundle(bundle).manifest.models] == ["mbd", "video", "mbd.int8"]
    with pytest.raises(UsageError, match="int8"):
        zsn2m.export(bundle, "int8", model="video")


def test_a_model_that_fails_its_gate_is_named_and_the_others_are_written(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = variants_of.check_fidelity

    def strict(reference: Path, candidate: Path, card: ModelCard, probes: list[Nchw]) -> Fidelity:
        if card.id == "mbd.fp16":
            raise CheckFailedError("mbd.fp16: too far")
        return real(reference, candidate, card, probes)

    monkeypatch.setattr(variants_of, "check_fidelity", strict)
    with pytest.raises(CheckFailedError, match=r"mbd\.fp16: too far.*video\.fp16"):
        zsn2m.export(bundle, "fp16")
    assert [model.id for model in load_bundle(bundle).manifest.models] == ["mbd", "video", "video.fp16"]
    assert all(check.passed for check in verify_bundle(bundle, "cpu"))


def test_sensor_units_beyond_float16_survive_fp16(make_bundle: BundleMaker, tmp_path: Path) -> None:
    folder = shutil.copytree(make_bundle("uint16", 1, method="mbd", video=True), tmp_path / "cam.zsn2m")
    zsn2m.export(folder, "fp16", model="video")
    single, half = (Session(folder / f"{name}.onnx", "cpu", 1) for name in ("video", "video.fp16"))
    frame = noisy_planes(1, 48, 48, 65535.0)
    assert np.abs(half.run(frame) - single.run(frame)).max() < 65535 * 2e-3


def test_exported_again_it_is_the_same(variants: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(variants, tmp_path / "cam.zsn2m")
    before = Session(folder / "video.onnx", "cpu", 1).run(FRAME, 2.0)
    zsn2m.export(folder)
    assert load_bundle(folder).manifest.default == "mbd"
    np.testing.assert_array_equal(Session(folder / "video.onnx", "cpu", 1).run(FRAME, 2.0), before)
    assert all(check.passed for check in verify_bundle(folder, "cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("package", RUNTIMES)
def test_new_and_old_runtimes_of_javascript_give_the_same(
    make_bundle: BundleMaker, npm: Callable[[str], Path], package: str, tmp_path: Path
) -> None:
    """Under node. onnxruntime 1.13 is what Fiji's engine has."""
    library = npm(package)
    bundle = load_bundle(make_bundle(method="adapt", video=True))
    assert [model.id for model in bundle.manifest.models] == ["sensor", "video"]
    for model in bundle.manifest.models:
        given, expected = read_test_input(bundle, model), read_expected_output(bundle, model)
        given.tofile(tmp_path / "frames")
        command = ["node", WEB, library, bundle.file(model.files["onnx"]), "frames", "results"]
        subprocess.run([*command, *map(str, given.shape)], cwd=tmp_path, check=True)
        results = np.fromfile(tmp_path / "results", np.float32).reshape(given.shape)
        np.testing.assert_allclose(results, expected, rtol=0, atol=255 * PARITY)


def test_frames_of_a_bundle_for_several_noises_are_told_what_the_model_takes_them_for(bundle: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    noise = {"slope": [0.1] * 3, "floor": [1.0] * 3, "span": None, "skew": [0.0] * 3, "neighbours": [0, 0]}
    spans = {name: [0.0, 1.0] for name in ("noise", "beside", "below", "channels")}
    look = {"low": [0.0] * 3, "high": [255.0] * 3, "texture": 1.0} | spans
    group: dict[str, Any] = {
        "frames": [],
        "sigma": 1.0,
        "noise": noise | {"channels": 0, "correlated": False},
        "look": look,
    }
    shared = copy.deepcopy(group)
    shared["noise"]["neighbours"] = [0.5, 0.0]

    def said(model: str, *groups: dict[str, Any]) -> int:
        edit_manifest(bundle, lambda content: content.update(mixture=groups))
        return sum("2 kinds" in text for text in Denoiser(bundle, model, threads=1).unlike(frame))

    assert said("video", group, shared) == 1
    assert not said("video", group, group)  # noises that differ in strength alone it is told
    assert not said("mbd", group, shared)
