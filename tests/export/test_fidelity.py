"""The gate of lower precisions: what is too far from fp32 is refused, and the bundle stays as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.bundles import BundleMaker, content
from support.commands import run_command

import zsn2m_deploy as zsn2m
from zsn2m_export import variants
from zsn2m_export.half import halved
from zsn2m_export.quantising import quantised
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.errors import CheckFailedError, UsageError
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame


def wrecked_int8(*arguments: object) -> onnx.ModelProto:
    """In the place of `quantised`: one layer's weights are a tenth too strong."""
    model = quantised(*arguments)
    scales = next(tensor for tensor in model.graph.initializer if tensor.name.endswith("weight_scale"))
    scales.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scales) * np.float32(1.1), scales.name))
    return model


def test_a_wrecked_int8_model_is_refused_and_the_bundle_stays_as_it_was(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(bundle)
    monkeypatch.setattr(variants, "quantised", wrecked_int8)
    ended = run_command(capsys, "export", bundle, "--precision", "int8", "--model", "mbd")
    assert (ended.code, ended.out) == (1, "")
    assert "mbd.int8: expected at least 45 dB to the fp32 model" in ended.err
    assert "it was not written; calibrate on another frame" in ended.err
    assert content(bundle) == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_the_model_that_passes_is_exported_alone(
    make_bundle: BundleMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    before = load_bundle(bundle).manifest.models
    ended = run_command(capsys, "export", bundle, "--precision", "int8")
    assert "grd.int8: expected at least 45 dB" in ended.err and "export another model alone (--model)" in ended.err
    ended = run_command(capsys, "export", bundle, "--precision", "int8", "--model", "mbd")
    assert ended.code == 0
    assert f"denoise {bundle} FRAME... -o OUT --model mbd.int8" in ended.out
    zsn2m.export(bundle, "int8", "u8", model="mbd")
    after = load_bundle(bundle).manifest.models
    assert (after[:2], [model.id for model in after[2:]]) == (before, ["mbd.int8", "mbd.int8.u8"])


def test_a_model_to_export_alone_must_be_there_and_need_it(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"--model .*mbd\.int8"):
        zsn2m.export(bundle, "int8", model="mbd.int8")
    with pytest.raises(UsageError, match="--model mbd alone"):
        zsn2m.export(bundle, model="mbd")


@pytest.mark.parametrize("factor", [1.02, float("nan")])
def test_a_wrecked_fp16_model_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    def wrecked(model: onnx.ModelProto, scale: float) -> onnx.ModelProto:
        half = halved(model, scale)
        weights = next(tensor for tensor in half.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16)
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * np.float16(factor), weights.name))
        return half

    monkeypatch.setattr(variants, "halved", wrecked)
    with pytest.raises(CheckFailedError, match=r"mbd\.fp16: .*60 dB"):
        zsn2m.export(bundle, "fp16")


def test_ranges_of_a_flat_frame_alone_would_saturate(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Why noise is among the calibration frames: without it, a flat one gives ranges that no other frame fits."""
    save_image(tmp_path / "flat.png", Frame(np.full((40, 40, 3), 90, np.uint8)))
    zsn2m.export(bundle, "int8", calibrate=tmp_path / "flat.png")
    monkeypatch.setattr(variants, "calibration_frames", lambda frame, in_use: [frame])
    with pytest.raises(CheckFailedError, match="on noise it has"):
        zsn2m.export(bundle, "int8", calibrate=tmp_path / "flat.png")


def test_an_interrupted_export_leaves_the_bundle_as_it_was(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, seen = content(bundle), []

    def interrupt(*arguments: object) -> onnx.ModelProto:
        seen.append(sorted(path.name for path in bundle.parent.glob(".partial-*/mbd.int8.onnx")))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return quantised(*arguments)

    monkeypatch.setattr(variants, "quantised", interrupt)
    with pytest.raises(KeyboardInterrupt):
        zsn2m.export(bundle, "int8")
    assert seen == [[], ["mbd.int8.onnx"]]  # half of the work was done
    assert content(bundle) == before
    assert list(bundle.parent.iterdir()) == [bundle]
