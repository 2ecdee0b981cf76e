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

from zsn2m_deploy.bundle.export import export
from zsn2m_export.cpp_project import write_cpp_project
from zsn2m_runtime.bundle import load_bundle

BACK_ENDS = {"libtorch": ("torchscript", "ts", "onnx"), "onnxruntime": ("onnx", "onnx", "ts")}


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_the_project_holds_library_program_and_checked_models(
    bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, back_end: str
) -> None:
    project = tmp_path / "project"
    ended = run_command(capsys, "export", bundle, "--cpp", project, "--cpp-back-end", back_end)
    assert (ended.code, "README.md" in ended.out) == (0, True), ended.err
    assert ("programs" in ended.err) == (back_end == "libtorch")
    for name in ("CMakeLists.txt", "main.cpp", "pnm.h", "zsn2m/include/zsn2m/zsn2m.hpp", "zsn2m/src/exports.map"):
        assert (project / name).is_file(), name
    assert not (project / "zsn2m" / "tests").exists()
    kind, suffix, other = BACK_ENDS[back_end]
    written, given = (load_bundle(path).manifest for path in (project / "model.zsn2m", bundle))  # every hash is right
    assert [(model.id, list(model.files)) for model in written.models] == [(model.id, [kind]) for model in given.models]
    assert written.default == given.default
    assert list((project / "model.zsn2m").glob(f"*.{suffix}"))
    assert not list((project / "model.zsn2m").glob(f"*.{other}"))


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_the_project_asks_for_its_back_end_alone(bundle: Path, tmp_path: Path, back_end: str) -> None:
    project = tmp_path / "project"
    write_cpp_project(load_bundle(bundle), project, back_end)
    build, readme = ((project / name).read_text() for name in ("CMakeLists.txt", "README.md"))
    assert f"COMPONENTS {back_end})" in build
    assert re.findall(r"set\(ZSN2M_(\w+) (\w+)\)", build) == [
        ("LIBTORCH", "ON" if back_end == "libtorch" else "OFF"),
        ("ONNXRUNTIME", "ON" if back_end == "onnxruntime" else "OFF"),
    ]
    assert ("LibTorch" in readme, "onnxruntime" in readme) == (back_end == "libtorch", back_end == "onnxruntime")
    assert not re.search(r"@\w+@", build + readme)


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_it_needs_none_of_what_trains_and_runs_networks(bundle: Path, tmp_path: Path, back_end: str) -> None:
    blocked = ("torch", "onnx", "onnxscript", "safetensors", "onnxruntime", "cv2", "av", "PIL", "tifffile")
    arguments = ["", "export", str(bundle), "--cpp", str(tmp_path / "project"), "--cpp-back-end", back_end]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked})); sys.argv = {arguments}; "
        f"from zsn2m_deploy.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (0, back_end == "libtorch")  # its .ts files are programs
    assert load_bundle(tmp_path / "project" / "model.zsn2m").manifest.default == "grd"


def test_models_for_other_arrays_stay_behind(bundle: Path, tmp_path: Path) -> None:
    export(bundle, io="unit")
    write_cpp_project(load_bundle(bundle), tmp_path / "project", "onnxruntime")
    models = load_bundle(tmp_path / "project" / "model.zsn2m").manifest.models
    assert [model.id for model in models] == ["mbd", "grd"]


def test_other_options_do_not_go_with_it(bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path / "project", "--precision", "int8")
    assert (ended.code, "other options" in ended.err) == (2, True)


def test_a_back_end_without_a_project_is_refused(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "export", bundle, "--cpp-back-end", "onnxruntime")
    assert (ended.code, "--cpp FOLDER" in ended.err) == (2, True)


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("without", [(0, 1), (1,)], ids=["any", "the default"])
def test_a_bundle_without_files_for_the_back_end_is_refused(
    bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, back_end: str, without: tuple[int, ...]
) -> None:
    kind = BACK_ENDS[back_end][0]
    edit_manifest(bundle, lambda content: [content["models"][place]["files"].pop(kind) for place in without])
    ended = run_command(capsys, "export", bundle, "--cpp", tmp_path / "project", "--cpp-back-end", back_end)
    assert (ended.code, "zsn2m-deploy export" in ended.err) == (5, True)
    assert not (tmp_path / "project").exists()


def test_the_library_has_the_version_of_the_package() -> None:
    root = Path(__file__).resolve().parents[2]
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    header = (root / "runtime" / "cpp" / "include" / "zsn2m" / "zsn2m.h").read_text()
    assert ".".join(re.findall(r"ZSN2M_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)) == version
