"""The model for videos in a bundle: the same in every form, frame after frame, and what the gates see of it."""

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
from zsn2m_export.parity import STRENGTHS, check_parity, probe_frames, sequence_of
from zsn2m_export.torchscript import load_torchscript
from zsn2m_export.video_graph import VideoGraph
from zsn2m_runtime.bundle import file_record, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, CheckFailedError
from zsn2m_runtime.image import Frame, from_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import CARD_KEY, Normalisation, Sensor
from zsn2m_runtime.self_test import in_sequence, read_expected_output, read_test_input
from zsn2m_runtime.sequence import Sequence
from zsn2m_runtime.verify import verify_bundle

WEB = Path(__file__).parents[1] / "support" / "onnx_web.mjs"
RUNTIMES = (WEB_PACKAGE, "onnxruntime-node@1.13.1")  # a browser's; of those that are in use, the oldest
FRAMES = np.concatenate([noisy_planes(3, 41, 30, 255.0, seed) for seed in range(4)])
OWN = 1e-5  # of 255: what onnxruntime and torch may differ by


@pytest.fixture(scope="module")
def video(make_bundle: BundleMaker) -> Path:
    """A bundle of MBD-Net, the default, and VideoNet; 8-bit colour."""
    return make_bundle(method="mbd", video=True)


@pytest.fixture(scope="module")
def variants(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with lower precisions and twins of VideoNet."""
    folder = shutil.copytree(video, tmp_path_factory.mktemp("variants") / "cam.zsn2m")
    for precision, io in (("fp16", "sensor"), ("int8", "sensor"), ("fp32", "u8"), ("fp32", "unit"), ("int8", "u8")):
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
    return VideoGraph(network, 8, sensor, Normalisation(offset=0, scale=255), network.deviation)


def test_it_stands_beside_the_default_with_its_inputs_named(video: Path) -> None:
    manifest = load_bundle(video).manifest
    default, entry = manifest.models
    assert (manifest.default, default.state, default.strength) == ("mbd", None, None)
    assert (entry.id, entry.role, entry.input, entry.state, entry.strength, entry.output) == (
        "video", "video", "noisy", "previous", "strength", "denoised",
    )  # fmt: skip
    assert (entry.stride, entry.receptive_radius, set(entry.files)) == (8, 29, {"torchscript", "onnx"})
    model = onnx.load(video / "video.onnx")
    assert [value.name for value in model.graph.input] == ["noisy", "previous", "strength"]
    card = json.loads(model.metadata_props[0].value)
    assert model.metadata_props[0].key == CARD_KEY
    assert (card["state"], card["strength"]) == ("previous", "strength")


def test_parity_is_that_of_sequences_with_changing_strength(video: Path) -> None:
    parity = load_bundle(video).model("video").parity
    assert parity is not None and parity.torchscript is not None
    assert max(parity.torchscript, parity.onnxruntime) < PARITY / 10
    frames = probe_frames(FRAMES[:1], (0.0, 255.0), recurrent=True)
    assert all(len(probe) == len(STRENGTHS) for probe in frames)
    assert not np.array_equal(frames[0][0], frames[0][1])


def test_plain_callers_give_frame_and_result_and_nothing_else(video: Path, graph: VideoGraph) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it would say that strength is an input with a default
    session = onnxruntime.InferenceSession(video / "video.onnx", options)
    script = load_torchscript(video / "video.ts")
    noisy, previous = FRAMES[:1], FRAMES[1:2]
    expected = graph(torch.from_numpy(noisy), torch.from_numpy(previous), torch.ones(1)).numpy()
    (result,) = session.run(None, {"noisy": noisy, "previous": previous})
    np.testing.assert_allclose(result, expected, atol=255 * OWN)
    result = script(torch.from_numpy(noisy), torch.from_numpy(previous)).numpy()
    np.testing.assert_allclose(result, expected, atol=255 * OWN)
    alone = graph(torch.from_numpy(noisy), torch.from_numpy(noisy), torch.ones(1)).numpy()
    np.testing.assert_allclose(script(torch.from_numpy(noisy)).numpy(), alone, atol=255 * OWN)


class Forgetful(torch.nn.Module):
    """A graph that does not see the result before, or the strength."""

    def __init__(self, graph: VideoGraph, what: str) -> None:
        super().__init__()
        self.graph, self.what = graph, what

    def forward(
        self, noisy: torch.Tensor, previous: torch.Tensor | None = None, strength: torch.Tensor | None = None
    ) -> torch.Tensor:
        result: torch.Tensor = self.graph(
            noisy, None if self.what == "previous" else previous, None if self.what == "strength" else strength
        )
        return result


@pytest.mark.parametrize("what", ["previous", "strength"])
def test_the_gate_sees_a_file_that_takes_no_heed_of_an_input(video: Path, graph: VideoGraph, what: str) -> None:
    files = {"torchscript": video / "video.ts", "onnx": video / "video.onnx"}
    probes = probe_frames(FRAMES[:1], (0.0, 255.0), recurrent=True)
    check_parity(graph, files, probes, 255.0, "video")
    with pytest.raises(CheckFailedError, match=r"video: .*torchscript"):
        check_parity(Forgetful(graph, what), files, probes, 255.0, "video")


def test_the_self_test_is_a_sequence_whose_results_follow_each_other(bundle: Path, graph: VideoGraph) -> None:
    entry = load_bundle(bundle).model("video")
    given, expected = np.load(bundle / "test_input_video.npy"), np.load(bundle / "test_output_video.npy")
    np.testing.assert_array_equal(given, sequence_of(np.load(bundle / "test_input.npy")))
    assert given.shape == expected.shape == (3, 3, 93, 93)
    assert [check.passed for check in verify_bundle(bundle, "cpu")] == [True, True]
    session = Session(bundle / "video.onnx", "cpu")
    np.save(bundle / "test_output_video.npy", np.concatenate([session.run(frame[None]) for frame in given]))
    record = file_record(bundle / "test_output_video.npy").model_dump()
    edit_manifest(bundle, lambda content: content["models"][1].update(self_test=record))
    assert [check.passed for check in verify_bundle(bundle, "cpu")] == [True, False]  # each frame by itself: refused
    edit_manifest(bundle, lambda content: content["models"][1].update(state=None))
    with pytest.raises(BundleError, match="test_input_video"):  # several frames are for a model with a state
        read_test_input(load_bundle(bundle), load_bundle(bundle).model("video"))
    assert entry.self_test_input is not None


def test_a_denoiser_runs_it_by_frame_and_a_sequence_by_its_results(video: Path) -> None:
    denoiser = zsn2m.Denoiser(video, "video", "cpu", threads=1)
    pixels = [from_nchw(frame[None], "uint8") for frame in FRAMES]
    right = in_sequence(Session(video / "video.onnx", "cpu", 1).run, FRAMES)
    sequence = Sequence(denoiser)
    for frame, expected in zip(pixels, right, strict=True):
        np.testing.assert_array_equal(sequence(Frame(frame)).pixels, from_nchw(expected[None], "uint8"))
    assert (denoiser(pixels[1]) != sequence(Frame(pixels[1])).pixels).any()
    np.testing.assert_array_equal(denoiser(pixels[0]), from_nchw(right[:1], "uint8"))


def test_strips_with_their_state_are_the_whole_frame(video: Path) -> None:
    frames = [noisy_planes(3, 400, 50, 255.0, seed) for seed in range(3)]
    whole, strips = (
        [Sequence(denoiser)(Frame(from_nchw(frame, "float32").astype("uint8"))).pixels for frame in frames]
        for denoiser in (
            zsn2m.Denoiser(video, "video", "cpu", threads=1),
            zsn2m.Denoiser(video, "video", "cpu", threads=1, strip_pixels=1),
        )
    )
    np.testing.assert_array_equal(whole, strips)


def test_lower_precisions_and_twins_keep_the_state(variants: Path) -> None:
    manifest = load_bundle(variants).manifest
    made = {model.id: model for model in manifest.models if model.role == "video"}
    assert list(made) == ["video", "video.fp16", "video.int8", "video.u8", "video.unit", "video.int8.u8"]
    assert all((model.state, model.strength) == ("previous", "strength") for model in made.values())
    assert all(check.passed for check in verify_bundle(variants, "cpu"))
    eight_bit = onnx.load(variants / "video.int8.onnx").graph
    weights = {tensor.name for tensor in eight_bit.initializer}
    layers = [node for node in eight_bit.node if node.op_type == "Conv"]
    assert [node.input[1] in weights for node in layers] == [True, *[False] * (len(layers) - 2), True]


def test_the_twin_of_integers_takes_its_own_result_as_the_state(variants: Path) -> None:
    session, twin = (Session(variants / f"{name}.onnx", "cpu", 1) for name in ("video", "video.u8"))
    frames = FRAMES.transpose(0, 2, 3, 1).astype(np.uint8)
    previous, before = FRAMES[:1], frames[:1]
    for noisy, pixels in zip(FRAMES, frames, strict=True):
        expected, result = session.run(noisy[None], previous), twin.run(pixels[None], before)
        assert result.dtype == np.uint8
        np.testing.assert_array_equal(result, from_nchw(expected, "uint8")[None])
        previous, before = result.transpose(0, 3, 1, 2).astype(np.float32), result


def test_exported_again_it_is_the_same(variants: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(variants, tmp_path / "cam.zsn2m")
    before = Session(folder / "video.onnx", "cpu", 1).run(FRAMES[:1], FRAMES[1:2], 2.0)
    zsn2m.export(folder)
    assert load_bundle(folder).manifest.default == "mbd"
    np.testing.assert_array_equal(Session(folder / "video.onnx", "cpu", 1).run(FRAMES[:1], FRAMES[1:2], 2.0), before)
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
