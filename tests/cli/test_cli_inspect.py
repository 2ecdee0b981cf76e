"""inspect FRAME: the noise in words, a plot of plain characters and JSON, without torch; what training says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.commands import run_command, untrained, write_frame

from zsn2m_deploy import api
from zsn2m_deploy.sample import SampleConfig, write_sample
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame


def test_a_frame_s_noise_in_words_and_in_a_plot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frame = write_sample(tmp_path / "cam.png", SampleConfig(width=160, height=144))[0]
    ended = run_command(capsys, "inspect", frame)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.isascii()
    lines = ended.out.splitlines()
    rows = dict(line.split(None, 1) for line in lines[:9])
    assert rows["frame"].startswith("uint8, 160 x 144 (width x height), 3 channel(s), 1 page(s)")
    assert "depends on brightness" in rows["noise"]
    assert re.match(r"independent: correlation -?0\.0", rows["neighbours"])
    assert "% of samples at 0" in rows["extremes"]
    assert rows["channels"].startswith("correlation")
    assert rows["distribution"].startswith("skewness") and "kurtosis" in rows["distribution"]
    assert rows["measured"].startswith("in patches of the frame")
    assert lines[10] == "noise against brightness (sensor units)"
    assert sum("|#" in line for line in lines) == 8


def test_all_of_it_in_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = SampleConfig(
        width=160, height=144, channels=1, bit_depth=16, photons=0.0, read_noise=15.0, correlation=0.4
    )
    frame = write_sample(tmp_path / "cam.tif", config)[0]
    facts = run_command(capsys, "inspect", frame, "--json").json
    noise = facts["noise"]
    assert facts["noise_sigma"] == noise["sigma"] == pytest.approx(15 / 255 * config.peak, rel=0.1)
    assert noise["correlated"] is True
    assert (noise["beside"], noise["below"]) == pytest.approx((0.4, 0.4), abs=0.08)
    assert (noise["channels"], len(noise["slope"]), len(noise["floor"])) == (0, 1, 1)
    assert [len(point["channels"]) for point in noise["curve"]] == [1] * 8
    assert set(noise["clipping"]) == {"low", "high", "low_share", "high_share"}
    assert (len(noise["skew_error"]), len(noise["kurtosis"])) == (1, 2)
    assert set(noise["rounding"]) == {"values", "step", "sigma", "whole"}
    assert "correlated: correlation 0.4" in run_command(capsys, "inspect", frame).out


def test_noise_below_the_step_of_the_values_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((96, 96))
    ramp = np.linspace(20, 60, 96)
    np.save(tmp_path / "few.npy", np.rint(ramp + 0.4 * noise).astype(np.uint8))
    assert "\nrounding " in run_command(capsys, "inspect", tmp_path / "few.npy").out
    np.save(tmp_path / "many.npy", np.rint(ramp + 6 * noise).astype(np.uint8))
    assert "\nrounding " not in run_command(capsys, "inspect", tmp_path / "many.npy").out


def test_a_frame_too_small_for_an_estimate_is_still_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((4, 5), 7, np.uint8))
    ended = run_command(capsys, "inspect", tmp_path / "a.npy")
    assert ended.code == 0
    assert "at least 16 x 16 pixels" in ended.out
    facts = run_command(capsys, "inspect", tmp_path / "a.npy", "--json").json
    assert (facts["noise"], facts["noise_sigma"]) == (None, 0)


def test_a_frame_is_inspected_without_the_training_packages(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(100, 9, (40, 48, 3)).astype(np.float32))
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in ("torch", "onnx", "safetensors", "onnxruntime"))
    program = f"import sys; {blocked}from zsn2m_deploy.cli import main; sys.argv[0] = 'zsn2m-deploy'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "inspect", str(tmp_path / "a.npy"), "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["noise_sigma"] == pytest.approx(9, rel=0.1)


def test_training_says_in_one_line_what_it_found_and_chose(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(api, "train_networks", untrained)
    frame, bundle = write_frame(tmp_path / "a.png", side=40), tmp_path / "cam.zsn2m"
    ended = run_command(capsys, "train-and-export", frame, "-o", bundle, "--method", "mbd")
    assert ended.code == 0
    line = load_bundle(bundle).manifest.training.chosen
    assert line.startswith("noise of 9 (standard deviation), independent")
    assert f"chosen{' ' * (ended.out.index(line) - ended.out.index('chosen') - 6)}{line}\n" in ended.out
    inspected = run_command(capsys, "inspect", bundle).out
    assert line in inspected
    found = load_bundle(bundle).manifest.training
    for shown in (ended.out, inspected):
        for name in ("verdict", "self-check"):
            sentence = found.summary.get(name)
            assert (f"\n{name} " in shown) is (sentence is not None)
            assert (sentence or "") in shown
        assert shown.count("\nwarning ") == len(found.warnings)
    assert str(bundle / "report.html") in inspected
    assert str(bundle / "report.html") in ended.out
    assert "report.json" not in ended.out


def test_slow_bands_and_dead_lines_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frame = np.random.default_rng(0).normal(120, 8, (160, 160)) + 20 * np.sin(np.arange(160) / 2)[:, None]
    frame[:, 70] = 0
    save_image(tmp_path / "cam.png", Frame(np.rint(frame).astype(np.uint8)))
    lines = run_command(capsys, "inspect", tmp_path / "cam.png", "--json").json["lines"]
    assert lines["slow bands"].startswith("rows repeat with a period of 12.")
    assert "1 column (71, from 1)" in lines["dead lines"]
    rows = run_command(capsys, "inspect", tmp_path / "cam.png").out
    assert "slow bands    rows repeat" in rows


def test_dead_lines_have_the_numbers_of_the_file_and_are_no_noise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    frame = np.rint(np.random.default_rng(0).normal(120, 8, (160, 160))).astype(np.uint8)
    frame[:, 70:74:3], frame[90] = 255, 0
    frame[:25], frame[:, :33] = 0, 0
    save_image(tmp_path / "box.png", Frame(frame))
    told = run_command(capsys, "inspect", tmp_path / "box.png", "--json").json
    assert "2 columns (71, 74, from 1) and 1 row (91, from 1)" in told["lines"]["dead lines"]
    assert "leaves them where frames have blank areas" in told["lines"]["dead lines"]
    assert told["noise_sigma"] == pytest.approx(8, rel=0.1)
