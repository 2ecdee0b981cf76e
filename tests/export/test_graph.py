"""What is exported: the graph against its own recipe, the receptive radius against pixels, the files' promises."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.bundles import Model, noisy_planes
from support.tolerances import PARITY
from torch import nn

from zsn2m_deploy.config.networks import GrdConfig, MbdConfig
from zsn2m_deploy.noise.defects import DefectCorrection
from zsn2m_deploy.paper.networks import GrdNet, MbdNet
from zsn2m_deploy.pretrain.network import SensorNet
from zsn2m_export.errors import ExportError
from zsn2m_export.graph import SensorGraph, receptive_radius
from zsn2m_export.onnx_model import save_checked
from zsn2m_export.torchscript import export_torchscript, load_torchscript
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import Strip, plan_strips
from zsn2m_runtime.manifest import CARD_KEY, Normalisation, Sensor

SIZES = ((1, 1), (1, 7), (3, 5), (8, 8), (17, 31))
NORMALISATION = Normalisation(offset=100.0, scale=2000.0)


def sensor(dtype: str = "uint16") -> Sensor:
    """A 12-bit grey sensor."""
    return Sensor(dtype=dtype, channels=1, range=(64.0, 4095.0), noise_sigma=9.0)


def lively_grd(widths: tuple[int, ...] = (4, 6, 8)) -> GrdNet:
    """A GRD-Net in float64 of which every weight is positive: whatever it reads changes the result."""
    network = GrdNet(1, GrdConfig(widths=widths)).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1.0, generator=generator)
    return network


def scaled_network(gain: float) -> nn.Module:
    """A 1 x 1 convolution that multiplies."""
    network = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(network.weight, gain)
    return network


@pytest.mark.parametrize("size", SIZES)
def test_the_graph_is_normalise_network_denormalise(size: tuple[int, int]) -> None:
    network = MbdNet(1, MbdConfig())
    noisy = torch.from_numpy(noisy_planes(1, *size, 3000.0))
    expected = network((noisy - 100) / 2000) * 2000 + 100
    result = SensorGraph(network, 1, sensor("float32"), NORMALISATION)(noisy)
    torch.testing.assert_close(result, expected, rtol=0, atol=PARITY * 2000 / 100)


@pytest.mark.parametrize("size", SIZES)
def test_a_strided_network_sees_the_frame_mirrored_to_its_stride(size: tuple[int, int]) -> None:
    network = GrdNet(1, GrdConfig(widths=(4, 6, 8, 8)))
    noisy = noisy_planes(1, *size, 3000.0)
    rows, columns = ([*range(side), *(max(side - 1 - more, 0) for more in range(-side % 8))] for side in size)
    padded = torch.from_numpy(noisy[:, :, rows][:, :, :, columns])
    expected = (network((padded - 100) / 2000) * 2000 + 100)[:, :, : size[0], : size[1]]
    result = SensorGraph(network, 8, sensor("float32"), NORMALISATION)(torch.from_numpy(noisy))
    torch.testing.assert_close(result, expected, rtol=0, atol=PARITY * 2000 / 100)


def test_integers_are_clamped_to_the_sensors_range_and_floats_are_not() -> None:
    noisy = torch.tensor([[[[64.0, 1000.0, 4095.0]]]])
    strong = (noisy - 100) * 5 + 100
    clamped = SensorGraph(scaled_network(5.0), 1, sensor("uint16"), NORMALISATION)(noisy)
    free = SensorGraph(scaled_network(5.0), 1, sensor("float32"), NORMALISATION)(noisy)
    torch.testing.assert_close(free, strong)
    assert clamped.flatten().tolist() == [64.0, 4095.0, 4095.0]


def test_the_graph_keeps_a_copy_and_leaves_the_network_alone() -> None:
    network = scaled_network(1.0).double().train()
    graph = SensorGraph(network, 1, sensor("float32"), NORMALISATION)
    nn.init.constant_(network.weight, 9.0)
    assert network.training and network.weight.requires_grad and network.weight.dtype == torch.float64
    torch.testing.assert_close(graph(torch.full((1, 1, 2, 2), 500.0)), torch.full((1, 1, 2, 2), 500.0))


def test_radius_of_mbd_is_that_of_its_two_3x3_convolutions() -> None:
    assert receptive_radius(MbdNet(3, MbdConfig()), 3, 1) == 2


def test_radius_of_grd_is_where_its_results_end() -> None:
    network, stride, length = lively_grd(), 4, 160
    radius = receptive_radius(network, 1, stride)
    noisy = torch.rand((1, 1, length, 16), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    reached = []
    for position in range(length // 2, length // 2 + stride):
        changed = noisy.clone()
        changed[:, :, position].add_(1e3)  # the largest of its pool: maxima hide no change
        rows = (network(changed) != network(noisy))[0, 0].any(dim=1).nonzero()
        reached.append(int((rows - position).abs().max()))
    assert max(reached) == radius
    assert min(reached) >= radius - stride  # and no phase of the stride ends much earlier


def test_a_network_that_is_not_local_gets_a_radius_with_which_no_frame_is_cut() -> None:
    class WholeFrame(nn.Module):
        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            return noisy - noisy.mean()

    radius = receptive_radius(WholeFrame(), 1, 1)
    assert plan_strips((10_000, 10_000), 1, radius, 1) == [Strip(0, 10_000, 0, 10_000)]


def test_whole_rows_are_no_part_of_the_radius() -> None:
    class WholeRows(nn.Module):
        def forward(self, noisy: torch.Tensor) -> torch.Tensor:
            return noisy - noisy.mean(dim=3, keepdim=True)

    assert receptive_radius(WholeRows(), 1, 1) == 0


def test_the_onnx_file_is_what_runtimes_were_promised(each_model: Model) -> None:
    path = each_model.onnx
    model = onnx.load(path, load_external_data=False)
    assert model.ir_version == 8
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 17
    for port, port_name in ((model.graph.input, "noisy"), (model.graph.output, "denoised")):
        assert [value.name for value in port] == [port_name]
        assert port[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        count, channels, height, width = port[0].type.tensor_type.shape.dim
        assert (count.dim_param, channels.dim_value) == ("n", 3)
        assert height.dim_param and width.dim_param  # dynamic; of a strided network's output a formula in h or w
    height, width = model.graph.input[0].type.tensor_type.shape.dim[2:]
    assert (height.dim_param, width.dim_param) == ("h", "w")
    assert all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
    assert not list(path.parent.glob("*.data"))


@pytest.mark.parametrize("suffix", [".onnx", ".ts"])
def test_no_file_tells_of_the_machine_it_was_made_on(each_model: Model, suffix: str) -> None:
    content = each_model.onnx.with_suffix(suffix).read_bytes()
    assert re.findall(rb"/(?:home|root|usr|tmp|Users)/[\w./-]+|site-packages|Traceback", content) == []
    for folder in (Path(__file__).parents[2], Path(torch.__file__).parent):
        assert str(folder).encode() not in content


def test_both_files_carry_the_same_card(each_model: Model) -> None:
    folder, name = each_model
    manifest = load_bundle(folder).manifest
    expected = manifest.card(next(model for model in manifest.models if model.id == name)).model_dump_json()
    extra = {CARD_KEY: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch 2.13 deprecates TorchScript
        torch.jit.load(str(folder / f"{name}.ts"), _extra_files=extra)
    card = extra[CARD_KEY]
    assert (card.decode() if isinstance(card, bytes) else card) == expected
    assert {prop.key: prop.value for prop in onnx.load(folder / f"{name}.onnx").metadata_props}[CARD_KEY] == expected


def test_a_batch_is_its_frames_one_by_one(each_model: Model) -> None:
    batch = np.concatenate([noisy_planes(3, 19, 23, 255.0, seed) for seed in range(3)])
    session = Session(each_model.onnx, "cpu", 1)
    script = load_torchscript(each_model.onnx.with_suffix(".ts"))
    with torch.no_grad():
        scripted = script(torch.from_numpy(batch)).numpy()
    together = session.run(batch)
    for number in range(3):
        alone = session.run(batch[number : number + 1])
        np.testing.assert_allclose(together[number : number + 1], alone, rtol=0, atol=PARITY * 255)
        np.testing.assert_allclose(scripted[number : number + 1], alone, rtol=0, atol=PARITY * 255)


def test_what_comes_before_the_padding_is_in_the_file_once(tmp_path: Path) -> None:
    network = SensorNet(1)
    network.correction = DefectCorrection(1, least=1e-4)
    graph = SensorGraph(network, network.stride, sensor(), NORMALISATION, network.before_padding())
    export_torchscript(graph, tmp_path / "sensor.ts", "{}")
    kept = load_torchscript(tmp_path / "sensor.ts").state_dict()
    [found] = [name for name in kept if name.endswith("slope")]
    assert found.startswith("before_padding.")


@pytest.mark.parametrize("opset", [17, 18])
def test_a_graph_of_the_exporter_is_written_in_the_older_opset(opset: int, tmp_path: Path) -> None:
    """Pad, Resize and a mean, which are the operators that changed between the two."""
    mean = "ReduceMean <axes = [2]> (twice)" if opset == 17 else "ReduceMean <noop_with_empty_axes = 0> (twice, axes)"
    text = f"""<ir_version: 10, opset_import: ["" : {opset}]>
        g (float[1, 1, h, w] noisy) => (float[1, 1, a, b] denoised)
        <int64[1] axes = {{2}}, int64[8] pads = {{0, 0, 1, 1, 0, 0, 1, 1}}, float[4] scales = {{1, 1, 2, 2}}> {{
            padded = Pad <mode = "reflect"> (noisy, pads)
            twice = Resize <mode = "nearest"{", antialias = 0" if opset == 18 else ""}> (padded, , scales)
            level = {mean}
            denoised = Sub (twice, level)
        }}"""
    model = onnx.parser.parse_model(text)
    noisy = noisy_planes(1, 9, 12, 255.0)
    onnx.save(model, tmp_path / "before.onnx")
    save_checked(model, tmp_path / "after.onnx", "{}")
    after = onnx.load(tmp_path / "after.onnx")
    assert (after.opset_import[0].version, after.ir_version) == (17, 8)
    assert {tensor.name for tensor in after.graph.initializer} == {"pads", "scales"}
    before, now = (
        onnxruntime.InferenceSession(tmp_path / f"{name}.onnx").run(None, {"noisy": noisy})[0]
        for name in ("before", "after")
    )
    np.testing.assert_array_equal(now, before)


def test_what_the_older_opset_cannot_do_is_refused(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 18]> g (float[1, 1, 4, 4] noisy, float[4] scales) '
        '=> (float[1, 1, n, m] denoised) {denoised = Resize <mode = "linear", antialias = 1> (noisy, , scales)}'
    )
    with pytest.raises(ExportError, match="antialias"):
        save_checked(model, tmp_path / "model.onnx", "{}")
    assert not list(tmp_path.iterdir())


def test_a_graph_of_a_newer_opset_is_refused(tmp_path: Path) -> None:
    text = (
        '<ir_version: 10, opset_import: ["" : 19]> g (float[1] noisy) => (float[1] denoised) {denoised = Abs (noisy)}'
    )
    with pytest.raises(ExportError, match="opset"):
        save_checked(onnx.parser.parse_model(text), tmp_path / "model.onnx", "{}")
    assert not (tmp_path / "model.onnx").exists()
