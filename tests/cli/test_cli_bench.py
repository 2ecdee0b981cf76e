"""bench as a user calls it: what ran is timed, what could not run is said, and neither takes the other's row away."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command

from zsn2m_runtime import benching
from zsn2m_runtime.benching import FEWEST, NLM, Contender, Timing, measure, run_bench
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.errors import UnavailableError, UsageError
from zsn2m_runtime.further_models import PRECISIONS, further_models
from zsn2m_runtime.sample_types import Pixels

QUICK = ("--size", "64x48", "--threads", 1, "--seconds", 0)
Capture = pytest.CaptureFixture[str]


def test_every_model_is_timed_and_the_fastest_is_named(capsys: Capture, make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "bench", make_bundle(), *QUICK, "--providers", "cpu", "--json")
    assert ended.code == 0, ended.err
    timed = [row for row in ended.json if row["add_with"] is None]
    assert [(row["model"], row["provider"]) for row in timed] == [("mbd", "cpu"), ("grd", "cpu"), (NLM, "opencv")]
    for row in timed:
        assert row["fps"] == pytest.approx(1000 / row["milliseconds"], rel=0.05)
        assert row["frames"] >= FEWEST and row["memory_mb"] > 10 and row["error"] is None


def test_a_table_for_people_says_how_to_select_the_fastest(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Timing("mbd", "fp32", "cpu", 48, 64, 3, 10.0, 100.0, 90.0),
        Timing("grd", "fp32", "cpu", 48, 64, error="no"),
    ]
    monkeypatch.setattr(benching, "run_bench", lambda *_: iter(rows))
    missing = Timing("video.fp16", "fp16", "", 48, 64, error="not in this bundle: mbd.int8, faster", add_with="DO THIS")
    monkeypatch.setattr(benching, "not_in_bundle", lambda *_: [missing])
    ended = run_command(capsys, "bench", "B", *QUICK)
    assert ended.code == 0
    assert "mbd.int8, faster; add it with: DO THIS" in ended.out
    assert "fastest: zsn2m-deploy denoise B FRAME... -o OUT --model mbd --provider cpu" in ended.out
    assert "grd on cpu: no" in ended.out


def test_the_fastest_is_used_on_videos_where_it_is_the_model_for_them(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Timing("video.fp16", "fp16", "cpu", 48, 64, 3, 10.0, 100.0, 90.0)
    monkeypatch.setattr(benching, "run_bench", lambda *_: iter([row]))
    monkeypatch.setattr(benching, "not_in_bundle", lambda *_: [])
    ended = run_command(capsys, "bench", "my cam.zsn2m", *QUICK)
    assert "stream 'my cam.zsn2m' VIDEO -o OUT --model video.fp16 --provider cpu" in ended.out


def test_more_threads_than_any_machine_has_are_refused(capsys: Capture, make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "bench", make_bundle(), "--threads", 10**30)
    assert (ended.code, "expected threads" in ended.err) == (UsageError.exit_code, True)


def test_a_provider_that_is_not_here_ends_with_its_exit_code(capsys: Capture, make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "bench", make_bundle(), *QUICK, "--providers", "cuda")
    assert ended.code == UnavailableError.exit_code
    assert "mbd on cuda: " in ended.out and NLM in ended.out and "fastest" not in ended.out
    assert "--providers cuda" in ended.err


def test_an_unknown_provider_is_refused_before_anything_runs(capsys: Capture, make_bundle: BundleMaker) -> None:
    ended = run_command(capsys, "bench", make_bundle(), *QUICK, "--providers", "nonsense")
    assert (ended.code, ended.out) == (2, "")
    assert "expected provider auto, cpu," in ended.err


def test_a_bundle_of_weights_has_nothing_to_time(capsys: Capture, make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    edit_manifest(bundle, lambda content: content.update(models=[], default=None))
    assert run_command(capsys, "bench", bundle, *QUICK).code == 5


def test_what_exists_and_is_not_in_the_bundle_is_named_with_its_command(make_bundle: BundleMaker) -> None:
    whole = load_bundle(make_bundle())
    path = whole.path
    assert [(model.id, model.command) for model in further_models(whole)] == [
        ("mbd.int8", f"zsn2m-deploy export {path} --precision int8 --model mbd"),
        ("grd.int8", f"zsn2m-deploy export {path} --precision int8 --model grd"),
        ("mbd.fp16", f"zsn2m-deploy export {path} --precision fp16 --model mbd"),
        ("grd.fp16", f"zsn2m-deploy export {path} --precision fp16 --model grd"),
        ("video", "zsn2m-deploy train-and-export FRAME... --method adapt -o OTHER.zsn2m"),
        ("sensor", "zsn2m-deploy train-and-export FRAME... --method adapt -o OTHER.zsn2m"),
    ]
    grd = whole.manifest.models[1]
    some = [grd.model_copy(update={"id": f"grd.{precision}", "precision": precision}) for precision in PRECISIONS]
    manifest = whole.manifest.model_copy(update={"models": (*whole.manifest.models, *some)})
    left = further_models(Bundle(Path("my cam.zsn2m"), manifest))
    assert [(model.id, model.command) for model in left[:2]] == [
        (f"mbd.{precision}", f"zsn2m-deploy export 'my cam.zsn2m' --precision {precision} --model mbd")
        for precision in PRECISIONS
    ]
    twin = grd.model_copy(update={"id": "grd.u8", "io": "u8"})  # for other programs: nothing that is timed here
    manifest = whole.manifest.model_copy(update={"models": (*whole.manifest.models, twin)})
    assert [model.id for model in further_models(Bundle(path, manifest))] == [m.id for m in further_models(whole)]


def failing(*_: object) -> Timing:
    """In the place of measure: a fault of ours, which is not the system's doing."""
    raise ZeroDivisionError("oops")


def test_a_fault_in_measuring_is_not_taken_for_short_memory(
    make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benching, "measure", failing)
    with pytest.raises(RuntimeError, match="mbd: "):
        next(run_bench(make_bundle(), (48, 64), "cpu", 1, 0))
    assert "ZeroDivisionError: oops" in capfd.readouterr().err


def killed_once(contender: Contender, frame: Pixels, seconds: float) -> Timing:
    """In the place of measure: one contender's process ends as where the system kills it."""
    if contender.model == "mbd":
        os.kill(os.getpid(), signal.SIGKILL)
    return Timing(contender.model, contender.precision, contender.provider, *frame.shape[:2], fps=1.0)


def test_a_contender_that_the_system_kills_takes_no_other_row_with_it(
    make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benching, "measure", killed_once)
    mbd, grd, nlm = run_bench(make_bundle(), (48, 64), "cpu", 1, 0)
    assert (mbd.model, mbd.fps, mbd.height, mbd.width) == ("mbd", None, 48, 64)
    assert mbd.error is not None and "take a smaller --size" in mbd.error
    assert (grd.fps, nlm.fps) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("raised", "said"), [(MemoryError(), "out of memory"), (cv2.error("Insufficient memory"), "Insufficient memory")]
)
def test_memory_that_runs_out_is_the_contenders_error(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(benching, "_prepare", fail)
    assert measure(Contender(NLM, "", "opencv", None), np.zeros((4, 5), np.uint8), 0).error == said


def test_peak_memory_is_not_that_of_the_program_that_started_this_one() -> None:
    child = "from zsn2m_runtime.machine.memory import peak_memory; print(peak_memory() / 1e6)"
    parent = "import subprocess, sys; held = b'1' * 500_000_000; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    said = subprocess.run([sys.executable, "-c", parent, child], capture_output=True, text=True, check=True).stdout
    assert 1 < float(said) < 250
