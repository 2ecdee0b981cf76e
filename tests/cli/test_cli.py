"""The commands as a user calls them: results on stdout, progress on stderr, --json for machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.bundles import BundleMaker
from support.commands import COMMANDS, run_command, untrained, write_frame
from support.known_noise import SIGMA, bundle_knowing, noise, scene, whole

from zsn2m_deploy import api
from zsn2m_deploy.cli import THREADS_AND_MEMORY
from zsn2m_runtime.bundle import file_record, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "--help")
    assert ended.code == 0
    for command in COMMANDS:
        assert command in ended.out
        assert run_command(capsys, command, "--help").code == 0
    for code in ("3 input", "5 bundle", "130 interrupted"):
        assert code in " ".join(ended.out.split())


def test_the_command_line_loads_nothing_heavy_before_it_is_asked_to() -> None:
    program = "import sys, zsn2m_deploy.cli; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["torch", "onnx", "onnxruntime", "cv2", "numpy", "PIL", "tifffile"]
    done = subprocess.run([sys.executable, "-c", program, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_denoise_one_file(capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path) -> None:
    frame, out = write_frame(tmp_path / "a.png"), tmp_path / "out" / "b.png"
    bundle = make_bundle(method="adapt")
    ended = run_command(capsys, "denoise", bundle, frame, "-o", out, "--threads", 1)
    assert ended.code == 0
    assert ended.out.startswith(f"{frame} -> {out} (cpu, ")
    assert len(ended.out.splitlines()) == 1  # the bar is on stderr
    with open_image(frame) as noisy, open_image(out) as clean:
        expected = Denoiser(bundle, threads=1)(noisy.read().pixels)
        np.testing.assert_array_equal(clean.read().pixels, expected)


def test_denoise_a_folder_as_json(capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    frames = [write_frame(tmp_path / "in" / name) for name in ("a2.png", "a10.tif")]
    out = tmp_path / "out"
    ended = run_command(capsys, "denoise", make_bundle(), tmp_path / "in", "-o", out, "--provider", "cpu", "--json")
    assert (ended.code, ended.err) == (0, "")
    said, rows = ended.json, ended.json["files"]
    assert (said["frames"], said["done"], said["failed"], said["provider"]) == (2, 2, [], "cpu")
    assert said["seconds"] == pytest.approx(sum(row["seconds"] for row in rows), abs=1e-2) and said["seconds"] > 0
    assert said["output"] == str(out)
    expected = [{"input": str(frame), "output": str(out / frame.name), "pages": 1, "error": None} for frame in frames]
    assert [{key: row[key] for key in expected[0]} for row in rows] == expected
    assert sorted(path.name for path in out.iterdir()) == ["a10.tif", "a2.png"]


def test_denoise_goes_on_after_a_bad_file_and_ends_with_its_code(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    good, deep = write_frame(tmp_path / "b.png"), write_frame(tmp_path / "a.png", dtype="uint16")
    ended = run_command(capsys, "denoise", make_bundle(), deep, good, "-o", tmp_path / "out", "--json")
    assert ended.code == 3
    said, rows = ended.json, ended.json["files"]
    assert [(row["output"] is None, row["error"] is None) for row in rows] == [(True, False), (False, True)]
    assert "a.png: expected uint8 samples" in rows[0]["error"]
    assert (said["frames"], said["done"]) == (2, 1)
    assert said["failed"] == [{"frame": str(deep), "error": rows[0]["error"]}]
    assert "1 of 2 files were not denoised" in ended.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]


def test_denoise_says_which_frames_are_unlike_those_trained_on(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path
) -> None:
    bundle = bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(0)))
    like, louder = tmp_path / "a.png", tmp_path / "b.png"
    save_image(like, Frame(whole(scene() + noise(1))))
    save_image(louder, Frame(whole(scene() + noise(1, 2 * SIGMA))))
    command = ("denoise", bundle, like, louder, "-o", tmp_path / "out", "--model", "mbd", "--threads", 1)
    ended = run_command(capsys, *command)
    assert ended.code == 0
    warnings = [line for line in ended.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"warning: {louder} is unlike the training frames: noise: ")
    ended = run_command(capsys, *command, "--json")
    assert (ended.code, [len(row["unlike"]) for row in ended.json["files"]]) == (0, [0, 1])
    unlike = ended.json["unlike"]
    assert list(unlike) == ["noise"] and unlike["noise"]["frames"] == 1 and str(louder) in unlike["noise"]["first"]
    assert len(ended.err.splitlines()) == 1
    assert "warning" not in run_command(capsys, *command, "--no-check").err


def test_verify(capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "verify", make_bundle())
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) == 3
    assert [line.split(",")[0] for line in lines[1:]] == ["mbd on cpu: ok", "grd on cpu: ok"]
    rows = run_command(capsys, "verify", make_bundle(), "--json").json
    assert [(row["model"], row["passed"], row["tolerance"]) for row in rows] == [
        ("mbd", True, 1e-4),
        ("grd", True, 1e-4),
    ]


@pytest.mark.parametrize("add", [0.5, float("nan")])
def test_verify_of_a_changed_model_fails(
    capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker, tmp_path: Path, add: float
) -> None:
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    model = onnx.load(bundle / "mbd.onnx")
    for tensor in model.graph.initializer:
        if list(tensor.dims) == [3]:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + np.float32(add), tensor.name))
    onnx.save(model, bundle / "mbd.onnx")
    content = json.loads((bundle / "manifest.json").read_text())
    content["models"][0]["files"]["onnx"] = file_record(bundle / "mbd.onnx").model_dump()
    (bundle / "manifest.json").write_text(json.dumps(content))
    ended = run_command(capsys, "verify", bundle, "--json")
    assert ended.code == 1
    assert [row["passed"] for row in ended.json] == [False, True]
    assert (ended.json[0]["difference"] is None) == (add != add)
    assert "self-test" in ended.err and "mbd on cpu" in ended.err
    assert "mbd on cpu: FAILED" in run_command(capsys, "verify", bundle).out


def test_inspect_a_bundle(capsys: pytest.CaptureFixture[str], make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "inspect", make_bundle())
    assert (ended.code, ended.err) == (0, "")
    for text in ("uint8, 3 channel(s), range 0 to 255", "grd (default)", "receptive radius 2", "mbd.onnx", "mbd.ts"):
        assert text in ended.out
    content = run_command(capsys, "inspect", make_bundle(), "--json").json
    assert content == load_bundle(make_bundle()).manifest.model_dump(mode="json")


def test_inspect_a_frame(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frame = write_frame(tmp_path / "a.tif", side=60, dtype="uint16")
    ended = run_command(capsys, "inspect", frame)
    assert (ended.code, ended.err) == (0, "")
    assert "uint16" in ended.out
    assert "--bit-depth 10" in ended.out
    facts = run_command(capsys, "inspect", frame, "--json").json
    expected = {"file": str(frame), "dtype": "uint16", "height": 60, "width": 64, "channels": 3, "alpha": False}
    assert {key: facts[key] for key in expected} == expected
    assert (facts["pages"], facts["minimum"] >= 0, facts["maximum"] <= 255) == (1, True, True)
    assert facts["noise_sigma"] == pytest.approx(0.08 * 255, rel=0.15)


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "doctor")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "ready to denoise"
    found = run_command(capsys, "doctor", "--json").json
    assert found["packages"]["numpy"] == np.__version__
    assert found["providers"]["cpu"] is None


def test_doctor_of_a_broken_installation(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    ended = run_command(capsys, "doctor", "--json")
    assert ended.code == 4
    assert ended.json["problems"]
    assert "pip install 'zsn2m-deploy[cpu]'" in ended.err
    assert "ready" not in run_command(capsys, "doctor").out


def test_sample(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, clean = tmp_path / "s.png", tmp_path / "s_clean.png"
    ended = run_command(capsys, "sample", out, "--size", 48, 32, "--grey", "--bits", 16)
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, [str(out), str(clean)], "")
    with open_image(out) as image:
        assert (image.width, image.height, image.channels, image.dtype) == (48, 32, 1, np.uint16)
    ended = run_command(capsys, "sample", out, "--size", 48, 32, "--json")
    assert ended.json == {"files": [str(out), str(clean)], "peak": 255}


def test_train_then_verify_then_denoise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(api, "train_networks", untrained)
    frame, bundle = write_frame(tmp_path / "a.png"), tmp_path / "cam.zsn2m"
    ended = run_command(capsys, "train-and-export", frame, "-o", bundle)
    assert ended.code == 0
    ended = run_command(capsys, "export", bundle, "--json")
    assert (ended.code, ended.json["default"], ended.json["bundle"]) == (0, "mbd", str(bundle))
    assert run_command(capsys, "verify", bundle).code == 0
    assert run_command(capsys, "denoise", bundle, frame, "-o", tmp_path / "b.png").code == 0


def test_the_module_is_the_command_and_its_stdout_is_the_result_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zsn2m_deploy", "sample", str(tmp_path / "s.npy"), "--size", "32", "32", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["files"]) == 2


@pytest.mark.parametrize("chosen", [None, "2"])
def test_threads_and_memory_are_as_commands_need_them_unless_told_otherwise(chosen: str | None) -> None:
    given = {name: value for name, value in os.environ.items() if name not in THREADS_AND_MEMORY}
    given |= dict.fromkeys(THREADS_AND_MEMORY, chosen) if chosen else {}
    program = "import atexit, os, sys; from zsn2m_deploy import cli; sys.argv = ['zsn2m-deploy', '--version']; "
    program += "atexit.register(lambda: print([os.environ[name] for name in cli.THREADS_AND_MEMORY])); cli.run()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=given)
    expected = [chosen or value for value in THREADS_AND_MEMORY.values()]
    assert done.stdout.splitlines()[-1] == str(expected)


def test_a_program_that_calls_main_keeps_its_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in THREADS_AND_MEMORY:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    assert run_command(capsys, "--version").code == 0
    assert dict(os.environ) == before


def test_what_threads_and_memory_are_is_set_before_numpy_loads() -> None:
    loaded = "import sys, zsn2m_deploy.cli; print('numpy' in sys.modules or 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
