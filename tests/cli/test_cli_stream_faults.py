"""What goes wrong in mid-stream, from end to end: each ends or goes on as documented, nothing hangs, order is kept."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import HEIGHT, WIDTH, Clip, frames_of, pixels_of
from support.commands import run_command
from support.streams import ONE_THREAD, STREAM, Capture

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming import camera, opening, reconnecting

ENDS = 300  # seconds after which a command hangs, also on a machine that is busy with other things
RAW = ("-", "--raw", f"{WIDTH}x{HEIGHT}:rgb24")


def numbered(number: int) -> Pixels:
    """A frame that tells its number by its level."""
    noisy = np.random.default_rng(number).normal(20 + 5 * number, 2, (HEIGHT, WIDTH, 3))
    return noisy.clip(0, 255).round().astype(np.uint8)


def stream(*arguments: object, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The command, in a process of its own."""
    command = [*STREAM, *map(str, arguments), *ONE_THREAD]
    return subprocess.run(command, input=given, capture_output=True, timeout=ENDS, check=False)


def assert_first_frames(found: list[Pixels], bundle: Path, noisy: list[Pixels]) -> None:
    """The results of the first frames, in order, bit for bit."""
    denoise = Denoiser(bundle, "mbd", "cpu", 1)
    assert 0 < len(found) <= len(noisy)
    for clean, frame in zip(found, noisy, strict=False):
        np.testing.assert_array_equal(clean, denoise(frame))


def test_a_program_before_the_pipe_that_is_killed_costs_the_frame_in_its_hands(
    make_bundle: BundleMaker, tmp_path: Path
) -> None:
    frames = [numbered(number) for number in range(6)]
    data, out = tmp_path / "frames.rgb", tmp_path / "out.mkv"
    data.write_bytes(b"".join(frame.tobytes() for frame in frames)[:-100])
    program = "import os, sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()); sys.stdout.flush()"
    program += "; os.kill(os.getpid(), 9)"
    with subprocess.Popen([sys.executable, "-c", program, data], stdout=subprocess.PIPE) as killed:
        done = subprocess.run(
            [*STREAM, make_bundle(), *RAW, "-o", out, "--lossless", *ONE_THREAD],
            stdin=killed.stdout,
            capture_output=True,
            timeout=ENDS,
            check=False,
        )
    assert (killed.returncode, done.returncode) == (-signal.SIGKILL, 3), done.stderr
    assert b"stdin: frame 6: " in done.stderr and b"incomplete packet" in done.stderr
    assert b"what was finished is in" in done.stderr
    found = pixels_of(tmp_path / "out.partial.mkv")
    assert_first_frames(found, make_bundle(), frames)
    assert len(found) == 5 and not out.exists()


def test_a_truncated_file_gives_its_frames_and_an_error(make_bundle: BundleMaker, tmp_path: Path) -> None:
    whole = Clip(options={"bf": "0", "crf": "1"}, settings={"movflags": "faststart"}).write(tmp_path / "whole.mp4")
    cut, out = tmp_path / "cut.mp4", tmp_path / "out.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    done = stream(make_bundle(), cut, "-o", out, "--lossless")
    assert done.returncode == 3, done.stderr
    assert b"cut short; what was finished is in" in done.stderr
    assert_first_frames(pixels_of(tmp_path / "out.partial.mkv"), make_bundle(), pixels_of(whole))
    assert not out.exists()


@pytest.mark.parametrize("out", ["out.mkv", "out.tif", "frames/"])
def test_a_full_disk_keeps_what_was_finished(
    make_bundle: BundleMaker,
    small_disk: Path,
    out: str,
) -> None:
    frames = [numbered(number) for number in range(40)]
    lossless = ("--lossless",) if out == "out.mkv" else ()
    given = b"".join(frame.tobytes() for frame in frames)
    done = stream(make_bundle(), *RAW, "-o", f"{small_disk}/{out}", *lossless, given=given)
    assert done.returncode == 6, done.stderr
    assert b"the disk is full" in done.stderr and b"what was finished is in" in done.stderr
    if out == "out.mkv":
        found = pixels_of(small_disk / "out.partial.mkv", live=True)
    elif out == "out.tif":
        found = cv2.imreadmulti(str(small_disk / "out.partial.tif"), flags=cv2.IMREAD_UNCHANGED)[1]
        found = [cv2.cvtColor(page, cv2.COLOR_BGR2RGB) for page in found]
    else:
        paths = sorted((small_disk / "frames").iterdir())
        assert [path.name for path in paths] == [f"frame_{number:08d}.png" for number in range(1, len(paths) + 1)]
        found = [cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB) for path in paths]
    assert_first_frames(found, make_bundle(), frames)
    assert len(found) < len(frames)


@pytest.mark.parametrize(
    ("first", "other", "said"),
    [
        (Clip("mjpeg", "yuvj420p", range(6)), Clip("mjpeg", "yuvj420p", range(6), size=(32, 32)), "32x32 yuvj420p"),
        (
            Clip(options={"bf": "0"}, format="h264"),
            Clip(pixel_format="yuv420p10le", options={"bf": "0"}, format="h264"),
            "64x48 yuv420p10le",
        ),
    ],
    ids=["size", "depth"],
)
def test_a_frame_of_another_size_or_depth_ends_the_stream_after_those_before_it(
    make_bundle: BundleMaker, tmp_path: Path, first: Clip, other: Clip, said: str
) -> None:
    suffix = ".h264" if first.format else ".mjpeg"
    before = first.write(tmp_path / f"first{suffix}")
    joined, out = tmp_path / f"joined{suffix}", tmp_path / "out.mkv"
    joined.write_bytes(before.read_bytes() + other.write(tmp_path / f"other{suffix}").read_bytes())
    count = len(frames_of(before))
    done = stream(make_bundle(), joined, "-o", out, "--lossless")
    assert done.returncode == 3, done.stderr
    assert f"frame {count + 1}: expected" in done.stderr.decode() and f"but got {said}" in done.stderr.decode()
    found = pixels_of(tmp_path / "out.partial.mkv")
    assert_first_frames(found, make_bundle(), pixels_of(before))
    assert len(found) == count


class ShortCamera:
    """Three frames, from frame `number` on, and then nothing."""

    def __init__(self, number: int) -> None:
        self._left = [numbered(number)] + [numbered(number + index) for index in range(3)]  # the first is looked at

    def isOpened(self) -> bool:  # noqa: N802  (OpenCV's name)
        return True

    def get(self, wanted: int) -> float:
        return 25.0

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.01)  # the output counts milliseconds
        return (True, self._left.pop(0)[:, :, ::-1]) if self._left else (False, None)

    def release(self) -> None:
        self._left = []


class Gone(ShortCamera):
    """A camera that does not open."""

    def isOpened(self) -> bool:  # noqa: N802
        return False


def test_a_camera_that_vanishes_is_taken_up_again_and_ctrl_c_completes_the_recording(
    capsys: Capture,
    make_bundle: BundleMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened = iter([ShortCamera(0), Gone(0), ShortCamera(3)])

    def open_capture(device: int | str) -> Any:
        found = next(opened, None)
        if found is None:
            os.kill(os.getpid(), signal.SIGINT)
            return Gone(0)
        return found

    class Camera(camera.CameraSource):
        def __init__(self, device: int | str) -> None:
            super().__init__(device, opener=open_capture)

    monkeypatch.setattr(opening, "CameraSource", Camera)
    monkeypatch.setattr(reconnecting, "FIRST_PAUSE", 0.02)
    out = tmp_path / "out.mkv"
    with caplog.at_level(logging.INFO):
        ended = run_command(capsys, "stream", make_bundle(), 0, "-o", out, "--lossless", "--json", *ONE_THREAD)
    assert ended.code == 0, ended.err
    report = ended.json
    assert (report["frames_in"], report["frames_out"], report["reconnections"]) == (6, 6, 1)
    assert (report["complete"], report["output"]) == (True, str(out))
    assert_first_frames(pixels_of(out), make_bundle(), [numbered(number) for number in range(6)])
    times = [frame.time for frame in frames_of(out)]
    assert times[0] == 0 and times == sorted(set(times))
    said = [record.getMessage() for record in caplog.records]
    assert any(text.startswith("camera 0: ") and text.endswith("trying again in 0.02 s") for text in said)
    assert any("there is none" in text and "trying again in 0.04 s" in text for text in said)
    assert any(text.startswith("camera 0: back after ") for text in said)


@pytest.mark.parametrize("command", ["stream", "bench"])
def test_no_training_package_is_loaded(make_bundle: BundleMaker, tmp_path: Path, command: str) -> None:
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in ("torch", "onnx", "onnxscript", "safetensors"))
    program = f"import sys; {blocked}sys.argv = ['zsn2m-deploy', *sys.argv[1:]]\n"
    program += "if __name__ == '__main__':\n    from zsn2m_deploy.cli import main\n    main()"
    place = tmp_path / "program.py"  # a file, because bench starts processes that read it again
    place.write_text(program)
    arguments = [*RAW, "-o", tmp_path / "a.mkv", *ONE_THREAD] if command == "stream" else ["--size", "64x48"]
    arguments += ["--json"] if command == "stream" else ["--json", "--seconds", "0", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, place, command, make_bundle(), *arguments],
        input=numbered(1).tobytes(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=ENDS,
    )
    assert done.returncode == 0, done.stderr
    assert json.load(io.BytesIO(done.stdout))
