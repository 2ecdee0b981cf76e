"""A C++ project around a bundle: all that it needs is in the folder, and nothing else.

runtime/cpp/build_and_test builds one and runs its self-test.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.bundles import edit_manifest
from support.commands import run_command

from zsn2m_runtime.bundle import load_bundle


def test_the_project_holds_library_program_and_checked_models(
    bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    ended = run_command(capsys, "export", bundle, "--cpp", project)
    assert (ended.code, "README.md" in ended.out) == (0, True), ended.err
    assert ended.err.startswith("warning: the project's .ts files are programs")
    for name in ("CMakeLists.txt", "main.cpp", "pnm.h", "zsn2m/include/zsn2m/zsn2m.hpp", "zsn2m/src/exports.map"):
        assert (project / name).is_file(), name
    assert not (project / "zsn2m" / "tests").exists()
    written, given = (load_bundle(path).manifest for path in (project / "model.zsn2m", bundle))  # every hash is right
    assert [(model.id, list(model.files)) for model in written.models] == [
        (model.id, ["torchscript"]) for model in given.models
    ]
    assert written.default == given.default
    assert not list((project / "model.zsn2m").glob("*.onnx"))


def test_it_needs_none_of_what_trains_and_runs_networks(bundle: Path, tmp_path: Path) -> None:
    blocked = ("torch", "onnx", "onnxscript", "safetensors", "onnxruntime", "cv2", "av", "PIL", "tifffile")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked})); "
        f"sys.argv = ['', 'export', {str(bundle)!r}, '--cpp', {str(tmp_path / 'project')!r}]; "
        f"from zsn2m_deploy.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)  # the warning of .ts files
    assert load_bundle(tmp_path / "project" / "model.zsn2m").manifest.default == "grd"


def test_an_existing_folder_is_left_alone(bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path)
    assert (ended.code, "expected a new folder, but it exists" in ended.err) == (6, True)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_other_options_do_not_go_with_it(bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path / "project", "--precision", "int8")
    assert (ended.code, "expected --cpp without --precision" in ended.err) == (2, True)


def test_a_bundle_without_torchscript_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    edit_manifest(bundle, lambda content: [model["files"].pop("torchscript") for model in content["models"]])
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path / "project")
    assert (ended.code, "expected a TorchScript model, but there is none" in ended.err) == (5, True)
    assert not (tmp_path / "project").exists()


def test_a_default_model_without_torchscript_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    edit_manifest(bundle, lambda content: content["models"][1]["files"].pop("torchscript"))
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path / "project")
    assert (ended.code, "expected a TorchScript file of the default model grd" in ended.err) == (5, True)


def test_the_library_has_the_version_of_the_package() -> None:
    root = Path(__file__).resolve().parents[2]
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    header = (root / "runtime" / "cpp" / "include" / "zsn2m" / "zsn2m.h").read_text()
    assert ".".join(re.findall(r"ZSN2M_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)) == version
