"""The gate: files that equal the eager network pass, a single wrong weight is refused and nothing stays behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from support.bundles import noisy_planes
from support.tolerances import PARITY
from torch import nn

from zsn2m_deploy.config.networks import MbdConfig
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_export import writer
from zsn2m_export.graph import SensorGraph
from zsn2m_export.onnx_model import export_onnx
from zsn2m_export.parity import NASTY_SIZES, check_parity, probe_frames
from zsn2m_export.torchscript import export_torchscript
from zsn2m_export.writer import ExportableModel, read_weights, write_models, write_test_input, write_weights
from zsn2m_runtime.errors import CheckFailedError
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.model_record import ModelFacts

SENSOR = Sensor(dtype="uint8", channels=1, range=(0.0, 255.0), noise_sigma=20.0)
NORMALISATION = Normalisation(offset=10.0, scale=200.0)
FRAME = noisy_planes(1, 50, 40, 255.0)


@pytest.fixture(scope="module")
def network() -> MbdNet:
    """A small grey MBD-Net."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MbdNet(1, MbdConfig(hidden_channels=6))


@pytest.fixture(scope="module")
def graph(network: MbdNet) -> SensorGraph:
    """Its graph."""
    return SensorGraph(network, 1, SENSOR, NORMALISATION)


@pytest.fixture(scope="module")
def files(graph: SensorGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Its two files."""
    folder = tmp_path_factory.mktemp("files")
    paths = {"torchscript": folder / "mbd.ts", "onnx": folder / "mbd.onnx"}
    facts = ModelFacts(id="mbd", role="mbd", precision="fp32", stride=1, receptive_radius=2, parameters=1)
    export_torchscript(graph, paths["torchscript"], "{}")
    export_onnx(graph, paths["onnx"], facts, 1, "{}")
    return paths


def corrupted_onnx(source: Path, target: Path, add: float) -> Path:
    """A copy in which the largest weight tensor has one value changed."""
    model = onnx.load(source)
    tensor = max(model.graph.initializer, key=lambda tensor: int(np.prod(tensor.dims)))
    values = numpy_helper.to_array(tensor).copy()
    values.flat[values.size // 2] += np.float32(add)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, target)
    return target


def corrupted_script(graph: SensorGraph, target: Path, add: float) -> Path:
    """TorchScript of the graph with one weight changed."""
    network = graph.network
    changed = SensorGraph(network, 1, SENSOR, NORMALISATION)
    weight = changed.network.get_parameter("layers.2.weight")
    weight.data.view(-1)[weight.numel() // 2] += add
    export_torchscript(changed, target, "{}")
    return target


def test_equal_files_pass_on_the_frame_and_every_nasty_size(graph: SensorGraph, files: dict[str, Path]) -> None:
    parity = check_parity(graph, files, probe_frames(FRAME, (0.0, 255.0)), 200.0, "mbd")
    assert parity.tolerance == PARITY
    assert 0 <= parity.torchscript <= PARITY / 10
    assert 0 <= parity.onnxruntime <= PARITY / 10
    assert parity.probes == ((50, 40), *(size for size in NASTY_SIZES for _ in range(2)))


def test_a_wrong_weight_is_refused_though_the_frame_is_black(
    graph: SensorGraph, files: dict[str, Path], tmp_path: Path
) -> None:
    """On a black frame every network's output is clamped to black: the noise among the probes must tell."""
    wrong = files | {"onnx": corrupted_onnx(files["onnx"], tmp_path / "wrong.onnx", 0.5)}
    with pytest.raises(CheckFailedError, match="onnxruntime"):
        check_parity(graph, wrong, probe_frames(np.zeros_like(FRAME), (0.0, 255.0)), 200.0, "mbd")


@pytest.mark.parametrize("add", [0.05, float("nan")])
def test_a_wrong_weight_in_onnx_is_refused(
    graph: SensorGraph, files: dict[str, Path], tmp_path: Path, add: float
) -> None:
    wrong = files | {"onnx": corrupted_onnx(files["onnx"], tmp_path / "mbd.onnx", add)}
    with pytest.raises(CheckFailedError, match=r"mbd: .*onnxruntime"):
        check_parity(graph, wrong, probe_frames(FRAME, (0.0, 255.0)), 200.0, "mbd")


@pytest.mark.parametrize("add", [0.05, float("nan")])
def test_a_wrong_weight_in_torchscript_is_refused(
    graph: SensorGraph, files: dict[str, Path], tmp_path: Path, add: float
) -> None:
    wrong = files | {"torchscript": corrupted_script(graph, tmp_path / "mbd.ts", add)}
    with pytest.raises(CheckFailedError, match=r"mbd: .*torchscript"):
        check_parity(graph, wrong, probe_frames(FRAME, (0.0, 255.0)), 200.0, "mbd")


def test_a_difference_in_one_corner_of_one_size_is_enough(graph: SensorGraph, files: dict[str, Path]) -> None:
    class WrongAt37(nn.Module):
        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = graph(noisy).clone()
            if noisy.shape[2] == 37:
                result[0, 0, -1, -1] += 200 * 2 * PARITY
            return result

    with pytest.raises(CheckFailedError, match="37 x 53"):
        check_parity(WrongAt37(), files, probe_frames(FRAME, (0.0, 255.0)), 200.0, "mbd")


def test_probes_are_cuts_of_the_frame_and_noise_at_each_size() -> None:
    first, *others = probe_frames(FRAME, (10.0, 200.0))
    np.testing.assert_array_equal(first, FRAME)
    cuts, noises = others[::2], others[1::2]
    for cut, noise, size in zip(cuts, noises, NASTY_SIZES, strict=True):
        assert cut.shape == noise.shape == (1, 1, *size)
        height, width = min(50, size[0]), min(40, size[1])
        np.testing.assert_array_equal(cut[:, :, :height, :width], FRAME[:, :, :height, :width])
        assert noise.min() >= 10.0
        assert noise.max() <= 200.0
    np.testing.assert_array_equal(cuts[-1][0, 0, 50:, :24], FRAME[0, 0, :11, :24])  # repeated where it is smaller
    assert len(np.unique(noises[-1])) > 1000


def wrong_onnx(graph: SensorGraph, path: Path, *rest: object) -> None:
    """In the place of export_onnx."""
    export_onnx(graph, path, *rest)
    corrupted_onnx(path, path, 0.05)


def wrong_script(graph: SensorGraph, path: Path, card: str) -> None:
    """In the place of export_torchscript."""
    corrupted_script(graph, path, 0.05)


@pytest.mark.parametrize(
    ("exporter", "replacement"), [("export_onnx", wrong_onnx), ("export_torchscript", wrong_script), (None, None)]
)
def test_a_refused_export_leaves_no_file(
    network: MbdNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exporter: str | None,
    replacement: Callable[..., None] | None,
) -> None:
    write_test_input(tmp_path, FRAME)
    models = [ExportableModel("mbd", "mbd", network, 1)]
    if exporter is None:  # the control: without damage the same call writes them
        write_models(tmp_path, models, SENSOR, NORMALISATION, FRAME)
        written = ["mbd.onnx", "mbd.ts", "test_input.npy", "test_output_mbd.npy"]
        assert sorted(path.name for path in tmp_path.iterdir()) == written
        return
    monkeypatch.setattr(writer, exporter, replacement)
    with pytest.raises(CheckFailedError, match="nothing was written"):
        write_models(tmp_path, models, SENSOR, NORMALISATION, FRAME)
    assert [path.name for path in tmp_path.iterdir()] == ["test_input.npy"]


def test_weights_come_back_by_network(network: MbdNet, tmp_path: Path) -> None:
    record = write_weights(tmp_path, {"mbd": network, "other": nn.Conv2d(1, 1, 1)})
    states = read_weights((tmp_path / record.name).read_bytes(), record.name)
    assert sorted(states) == ["mbd", "other"]
    assert states["mbd"].keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(states["mbd"][name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(300, 200), (97, 96), (30, 96), (1, 1)])
def test_the_self_test_input_is_the_frames_centre(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = np.arange(size[0] * size[1], dtype=np.float32).reshape(1, 1, *size)
    write_test_input(tmp_path, frame)
    crop = np.load(tmp_path / "test_input.npy")
    assert crop.shape == (1, 1, min(writer.TEST_SIDE, size[0]), min(writer.TEST_SIDE, size[1]))
    assert crop.dtype == np.float32
    assert abs(crop.mean() - frame.mean()) <= size[1]
