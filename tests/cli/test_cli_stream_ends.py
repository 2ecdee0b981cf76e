"""How a stream ends before its source does: Ctrl-C, a source that hangs, a reader that goes away."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import Clip
from support.commands import run_command
from support.sources import FakeSource
from support.streams import ONE_THREAD, STREAM, Capture, pictures

from zsn2m_deploy.cli.stream_report import report_stream
from zsn2m_deploy.cli.terminal import Interrupted
from zsn2m_runtime import pipeline
from zsn2m_runtime.streaming import opening
from zsn2m_runtime.streaming.running import StreamReport


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Clip(audio=True).write(tmp_path / "clip.mp4")


def test_a_source_that_is_still_inside_a_read_is_never_closed(
    capsys: Capture, make_bundle: BundleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "PATIENCE", 0.05)
    answers = threading.Event()

    def before(number: int) -> None:
        if number == 3:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            answers.wait(60)

    source = FakeSource(10, live=True, before=before)
    monkeypatch.setattr(opening, "open_source", lambda *_: source)
    ended = run_command(capsys, "stream", make_bundle(), "0", "-o", tmp_path / "a.mkv", *ONE_THREAD)
    assert ended.code == 0, ended.err
    assert not source.closed
    answers.set()


def test_an_interrupted_stream_names_frames_only_where_there_are_some(
    capsys: Capture, make_bundle: BundleMaker, clip: Path, tmp_path: Path
) -> None:
    for kept, said in ((None, "interrupted: nothing was kept\n"), ("a.partial.mkv", "what was finished is in a.p")):
        report = StreamReport("a", kept, "mbd", "cpu", 2, 2, 0, 0, False, 1.0, 2.0, {"read": {"p50": 1.0}}, 1.0)
        with pytest.raises(Interrupted):
            report_stream(report, as_json=False, output="a.mkv")
        assert said in capsys.readouterr().err


def test_ctrl_c_closes_a_film_so_that_it_plays(make_bundle: BundleMaker, tmp_path: Path) -> None:
    command = [*STREAM, make_bundle(), "-", "--raw", "24x20:rgb24@5", "-o", tmp_path / "a.mkv", "--lossless"]
    frames = np.random.default_rng(0).integers(0, 256, 100 * 24 * 20 * 3, np.uint8).tobytes()
    with subprocess.Popen([*command, *ONE_THREAD], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin and running.stderr
        running.stdin.write(frames)
        running.stdin.flush()
        until = time.monotonic() + 60
        while sum(path.stat().st_size for path in tmp_path.iterdir()) < 30 * 24 * 20 * 3 and time.monotonic() < until:
            time.sleep(0.05)  # until frames have been written; the header alone would be too early
        running.send_signal(signal.SIGINT)
        code = running.wait(60)
        message = running.stderr.read()
    assert (code, list(tmp_path.iterdir())) == (130, [tmp_path / "a.partial.mkv"]), message
    assert len(pictures(tmp_path / "a.partial.mkv")) >= 20


def test_a_reader_that_goes_away_ends_the_stream(make_bundle: BundleMaker) -> None:
    frames = bytes(24 * 20 * 3 * 4000)
    command = " ".join(map(str, [*STREAM, make_bundle(), "-", "--raw", "24x20:rgb24", "-o", "-", *ONE_THREAD]))
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -c 1000 >/dev/null; exit ${{PIPESTATUS[0]}}"],
        input=frames,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 6, done.stderr
    assert b"Traceback" not in done.stderr
