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


def test_opencv_captures_and_records(make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = make_bundle(method="mbd", video=True)
    frames = [noisy_planes(3, 48, 64, 255.0, seed)[0].transpose(1, 2, 0).astype(np.uint8) for seed in range(4)]
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"noisy_{number:03d}.png"), frame[:, :, ::-1])
    program = [sys.executable, EXAMPLES / "opencv_capture.py", bundle, "noisy_%03d.png"]
    subprocess.run([*program, "clean_%03d.png"], cwd=tmp_path, check=True)
    for number, expected in enumerate(Denoiser(bundle, "video").stream(frames)):
        result = cv2.imread(str(tmp_path / f"clean_{number:03d}.png"))[:, :, ::-1]
        np.testing.assert_array_equal(result, expected)
    program[-1] = "missing.mp4"
    ended = subprocess.run([*program, "no.mp4"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (ended.returncode, "missing.mp4: expected" in ended.stderr) == (1, True)
    assert not (tmp_path / "no.mp4").exists()


def test_denoising_between_two_ffmpegs(make_bundle: BundleMaker, tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")

    def ffmpeg(*arguments: str) -> bytes:
        command = ["ffmpeg", "-v", "error", "-nostdin", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout

    bundle = make_bundle(method="mbd", video=True)
    sources = [part for source in ("testsrc=size=64x48:duration=0.2", "sine=duration=0.2") for part in ("-i", source)]
    ffmpeg("-f", "lavfi", *sources[:2], "-f", "lavfi", *sources[2:], "-c:v", "ffv1", "-pix_fmt", "yuv420p", "in.mkv")
    program = tmp_path / "zsn2m-deploy"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m zsn2m_deploy "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    by_pipe = [EXAMPLES / "ffmpeg_pipe.sh", bundle, "in.mkv", "pipe.mkv", "-c:v", "ffv1"]
    subprocess.run(by_pipe, cwd=tmp_path, check=True, env={**os.environ, "PATH": path})
    from_file = subprocess.run([program, "stream", bundle, "in.mkv", "-o", "-"], cwd=tmp_path, capture_output=True)
    (tmp_path / "file.y4m").write_bytes(from_file.stdout)
    names = ("pipe.mkv", "file.y4m", "in.mkv")
    pixels = [ffmpeg("-i", name, "-map", "0:v", "-f", "rawvideo", "-") for name in names]
    assert pixels[0] == pixels[1] != pixels[2]
    assert len(pixels[0]) == 5 * 64 * 48 * 3 // 2
    sound = [ffmpeg("-i", f"{name}.mkv", "-map", "0:a", "-c", "copy", "-f", "md5", "-") for name in ("pipe", "in")]
    assert sound[0] == sound[1]


def test_denoising_that_fails_midway_is_no_success_of_the_pipe(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg")
    program = tmp_path / "zsn2m-deploy"
    program.write_text("#!/bin/sh\nhead -c 10000\nexit 3\n")  # two of the frames
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    draw = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:duration=0.2", "in.mkv"]
    subprocess.run(draw, cwd=tmp_path, check=True)
    by_pipe = [EXAMPLES / "ffmpeg_pipe.sh", "any.zsn2m", "in.mkv", "pipe.mkv"]
    ended = subprocess.run(by_pipe, cwd=tmp_path, check=False, capture_output=True, env={**os.environ, "PATH": path})
    assert ended.returncode != 0


def test_the_unit_of_systemd_is_sound(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    ended = subprocess.run(
        ["systemd-analyze", "verify", EXAMPLES / "zsn2m-camera.service"], check=False, capture_output=True, text=True
    )
    said = [line for line in ended.stderr.splitlines() if "zsn2m-camera" in line]
    assert (ended.returncode, said) == (0, [])
