"""The programs of examples/ give the pixels of `Denoiser`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes
from support.documents import ROOT

from zsn2m_runtime.denoiser import Denoiser

EXAMPLES = ROOT / "examples"


def frame_and_result(bundle: Path, noisy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A frame as OpenCV writes it (colours as B, G, R), and what `Denoiser` makes of it."""
    clean = Denoiser(bundle, provider="cpu")(noisy)
    return (noisy, clean) if noisy.ndim == 2 else (noisy[:, :, ::-1], clean[:, :, ::-1])


@pytest.mark.parametrize("channels", [1, 3])
def test_onnxruntime_in_python(make_bundle: BundleMaker, channels: int, tmp_path: Path) -> None:
    high = 4095.0 if channels == 1 else 255.0
    dtype = "uint16" if channels == 1 else "uint8"
    bundle = make_bundle(dtype, channels, (64.0, high) if channels == 1 else (0.0, high), "adapt")
    planes = noisy_planes(channels, 41, 50, high).clip(64 if channels == 1 else 0)[0].astype(dtype)
    given, expected = frame_and_result(bundle, planes[0] if channels == 1 else planes.transpose(1, 2, 0))
    cv2.imwrite(str(tmp_path / "noisy.png"), given)
    program = [sys.executable, EXAMPLES / "onnxruntime_denoise.py", bundle / "sensor.onnx", "noisy.png", "clean.png"]
    subprocess.run(program, cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": ""})
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "clean.png"), cv2.IMREAD_UNCHANGED), expected)


@pytest.mark.slow
def test_onnxruntime_in_cpp(make_bundle: BundleMaker, tmp_path: Path) -> None:
    root, compiler = os.environ.get("ONNXRUNTIME_ROOT"), shutil.which("c++")
    if root is None or compiler is None:
        pytest.skip("needs a C++ compiler, and onnxruntime's headers and library in ONNXRUNTIME_ROOT")
    build = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", EXAMPLES / "onnxruntime_denoise.cpp"]
    where = [f"-I{root}/include", f"-L{root}/lib", f"-Wl,-rpath,{root}/lib", "-lonnxruntime", "-o", "denoise"]
    subprocess.run([*build, *where], cwd=tmp_path, check=True)
    for channels, name in ((1, "noisy.pgm"), (3, "noisy.ppm")):
        bundle = make_bundle("uint8", channels, (0.0, 255.0), "adapt")
        planes = noisy_planes(channels, 41, 50, 255.0)[0].astype(np.uint8)
        given, expected = frame_and_result(bundle, planes[0] if channels == 1 else planes.transpose(1, 2, 0))
        cv2.imwrite(str(tmp_path / name), given)
        subprocess.run([tmp_path / "denoise", bundle / "sensor.onnx", name, f"clean_{name}"], cwd=tmp_path, check=True)
        result = cv2.imread(str(tmp_path / f"clean_{name}"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(result, expected)
    ended = subprocess.run([tmp_path / "denoise", bundle / "sensor.onnx", "no.ppm", "no"], cwd=tmp_path, check=False)
    assert ended.returncode == 2 and not (tmp_path / "no").exists()
