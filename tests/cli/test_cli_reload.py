"""`stream --reload` in a process of its own: the bundle is replaced between frames of a pipe."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import HEIGHT, WIDTH
from support.streams import ONE_THREAD, STREAM

FRAME = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 3), np.uint8).tobytes()
MOST = 400  # frames, of a tenth of a second: time enough on a busy machine


@pytest.mark.parametrize("whole", [True, False])
def test_a_replaced_bundle_is_taken_up_and_half_of_one_is_not(
    whole: bool, make_bundle: BundleMaker, tmp_path: Path
) -> None:
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    new, out = shutil.copytree(bundle, tmp_path / "new"), tmp_path / "out.raw"
    if not whole:
        (new / "mbd.onnx").write_bytes((new / "mbd.onnx").read_bytes()[:1000])
    source = ("-", "--raw", f"{WIDTH}x{HEIGHT}:rgb24")
    command = [*map(str, [*STREAM, bundle, *source, "-o", "-", "--reload"]), *ONE_THREAD]
    told, said, given = threading.Event(), [], 0
    with (
        out.open("wb") as kept,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=kept, stderr=subprocess.PIPE, text=False) as running,
    ):
        assert running.stdin and running.stderr

        def listen() -> None:
            for line in running.stderr or ():
                said.append(line.decode())
                if "the bundle" in said[-1]:
                    told.set()

        listener = threading.Thread(target=listen)
        listener.start()
        while given < MOST and not told.is_set():
            running.stdin.write(FRAME)
            running.stdin.flush()
            given += 1
            if given == 30:  # more than the pipe holds: the stream runs
                bundle.rename(tmp_path / "old")
                new.rename(bundle)
            told.wait(0.1)
        running.stdin.write(FRAME)
        running.stdin.close()
        assert running.wait(60) == 0, said
        listener.join()
    assert told.is_set() and any(("was replaced" if whole else "not taken up") in line for line in said), said
    assert out.stat().st_size == len(FRAME) * (given + 1)
