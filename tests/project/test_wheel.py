"""The wheel and the sdist, installed where nothing else is: what a user of `pip install` gets."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker

from zsn2m_runtime.denoiser import Denoiser

ROOT = Path(__file__).parents[2]
PACKAGES = ("zsn2m_deploy", "zsn2m_export", "zsn2m_runtime")
BARE = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_CONSTRAINT"))}
NOT_FOR_DENOISING = {"torch", "onnx", "onnxscript", "safetensors", "av", "zarr", "dask", "distributed", "napari"}

pytestmark = pytest.mark.slow


def python_of(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], env=BARE, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    python = python_of(tmp_path_factory.mktemp("builder") / "venv")
    tried = subprocess.run([python, "-m", "pip", "install", "-q", "build"], env=BARE, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"pip cannot reach an index of packages: {tried.stderr[-300:]}")
    source = folder / "source"
    tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_symlink():
            (source / name).symlink_to((ROOT / name).readlink())
        elif (ROOT / name).is_file():
            (source / name).write_bytes((ROOT / name).read_bytes())
    run(python, "-m", "build", "-q", "--outdir", folder, source, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a bare environment in which the wheel is, with the extra cpu alone."""
    python = python_of(tmp_path_factory.mktemp("bare") / "venv")
    (wheel,) = built.glob("*.whl")
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}[cpu]", cwd=built)
    return python


def test_the_wheel_holds_every_file_of_the_packages(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for package, folder in zip(PACKAGES, (ROOT, ROOT / "export", ROOT / "runtime"), strict=True):
        assert f"{package}/py.typed" in names
        there = {str(path.relative_to(folder)) for path in (folder / package).rglob("*.py")}
        assert there <= names, sorted(there - names)
    assert "zsn2m_export/cpp_template/zsn2m/CMakeLists.txt" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]


def test_the_sdist_holds_what_the_wheel_is_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "zsn2m_deploy/video/video_3.safetensors"} <= names


def test_denoising_needs_neither_torch_nor_onnx(installed: Path, tmp_path: Path) -> None:
    there = {line.partition("==")[0].lower() for line in run(installed, "-m", "pip", "freeze", cwd=tmp_path).split()}
    assert not there & NOT_FOR_DENOISING
    assert {"zsn2m-deploy", "numpy", "onnxruntime", "opencv-python-headless"} <= there


def test_it_denoises_as_this_checkout_does(installed: Path, make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle, frame = make_bundle(method="adapt"), np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), frame[..., ::-1])
    command = installed.parent / "zsn2m-deploy"
    run(command, "denoise", bundle, "frame.png", "-o", "clean.png", cwd=tmp_path)
    expected = Denoiser(bundle, provider="cpu")(frame)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "clean.png"))[..., ::-1], expected)
    said = subprocess.run(
        [command, "train-and-export", "frame.png"], env=BARE, cwd=tmp_path, capture_output=True, text=True
    )
    assert said.returncode and "zsn2m-deploy[cpu,train]" in said.stderr


def test_its_types_are_found(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from zsn2m_runtime.denoiser import Denoiser\nreveal_type(Denoiser('a.zsn2m').provider)\n", encoding="utf-8"
    )
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", installed, "a.py"],
        cwd=tmp_path,
        env=BARE,
        capture_output=True,
        text=True,
    )
    if "No module named mypy" in said.stderr:
        pytest.skip("mypy is not installed")
    assert 'Revealed type is "str"' in said.stdout.replace("builtins.", ""), said.stdout
