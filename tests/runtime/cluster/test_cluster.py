"""`denoise --cluster` on real processes: what a killed worker, a corrupt frame and a restart change."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.commands import run_command
from support.known_noise import bundle_knowing
from support.refusals import mounted
from support.zarr_files import WHY, levels_of, mean_of_areas, metadata_of, noisy_stack, write_ome_zarr

from zsn2m_runtime.batch import plan_outputs
from zsn2m_runtime.batch_report import Report
from zsn2m_runtime.cluster import running
from zsn2m_runtime.cluster.outputs import results_of
from zsn2m_runtime.cluster.plan import FilesTask, Setup, files_tasks
from zsn2m_runtime.cluster.running import connected, run
from zsn2m_runtime.cluster.work import DONE_AGAIN
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, OutputError, UnavailableError
from zsn2m_runtime.files import list_inputs, open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.self_ensemble import SelfEnsemble

distributed = pytest.importorskip("distributed", reason="--cluster needs Dask: pip install 'zsn2m-deploy[dask]'")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning:distributed")


@pytest.fixture(scope="module")
def bundle(make_bundle: BundleMaker) -> Path:
    return make_bundle("uint16", 1, (0.0, 4095.0), method="adapt")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two processes, each with one thread; a killed one is started again."""
    with connected("local", 2) as client:
        yield client


def frames_in(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, plane in enumerate(noisy_stack((count, 32, 40))):
        save_image(folder / f"f{number:03d}.tif", Frame(plane))
    return folder


def go(client: Any, bundle: Path | Setup, source: Path, out: Path, on_frames: Any = None) -> Report:
    setup = bundle if isinstance(bundle, Setup) else setup_of(bundle)
    with results_of(plan_outputs(list_inputs([str(source)]), out), setup) as results:
        return run(client, results, on_frames)


def setup_of(bundle: Path) -> Setup:
    return Setup(bundle, None, "cpu", False, None, None)


def test_workers_take_the_mean_over_orientations(tmp_path: Path, bundle: Path, client: Any) -> None:
    source, out = frames_in(tmp_path / "in", 1), tmp_path / "out"
    knowing = bundle_knowing(bundle, tmp_path, noisy_stack((1, 64, 80))[0])
    go(client, knowing, source, out)
    report = go(client, replace(setup_of(knowing), self_ensemble=True), source, out)
    assert (report.done, report.skipped) == (1, 0)  # results of another kind are no results
    with open_image(source / "f000.tif") as noisy, open_image(out / "f000.tif") as clean:
        assert np.array_equal(clean.read().pixels, SelfEnsemble(knowing, threads=1)(noisy.read().pixels))


def test_a_corrupt_frame_is_listed_and_a_restart_does_the_rest(tmp_path: Path, bundle: Path, client: Any) -> None:
    source, out = frames_in(tmp_path / "in", 20), tmp_path / "out"
    whole = (source / "f007.tif").read_bytes()
    (source / "f007.tif").write_bytes(whole[:100])
    report = go(client, bundle, source, out)
    assert (report.done, report.skipped, report.retried) == (19, 0, 1)
    ((frame, error),) = report.failed
    assert frame == str(source / "f007.tif") and isinstance(error, InputError)
    said = json.loads((out / "zsn2m-run.json").read_text())["report"]
    assert said["done"] == 19 and said["failed"][0]["frame"] == frame
    denoiser = Denoiser(bundle, threads=1)
    for number in (0, 19):
        with open_image(source / f"f{number:03d}.tif") as noisy, open_image(out / f"f{number:03d}.tif") as clean:
            assert np.array_equal(clean.read().pixels, denoiser(noisy.read().pixels))

    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tif")}
    (source / "f007.tif").write_bytes(whole)
    again = go(client, bundle, source, out)
    assert (again.done, again.skipped, again.failed) == (1, 19, [])
    assert {name: (out / name).stat().st_mtime_ns for name in times} == times  # the others were not written again


def test_results_of_another_bundle_are_made_again(
    tmp_path: Path, bundle: Path, client: Any, make_bundle: BundleMaker
) -> None:
    source, out = frames_in(tmp_path / "in", 3), tmp_path / "out"
    assert go(client, bundle, source, out).done == 3
    other = make_bundle("uint16", 1, (0.0, 4095.0), method="mbd")
    assert go(client, other, source, out).done == 3


def test_a_bundle_and_an_image_that_are_replaced_are_opened_again(
    tmp_path: Path, bundle: Path, client: Any, make_bundle: BundleMaker
) -> None:
    pytest.importorskip("zarr", reason=WHY)
    for number, kind in enumerate(("adapt", "mbd")):
        used = shutil.copytree(make_bundle("uint16", 1, (0.0, 4095.0), method=kind), tmp_path / "cam.zsn2m")
        array = noisy_stack((2, 32, 40)) if number else noisy_stack((3, 48, 40))
        source = write_ome_zarr(tmp_path / "a.zarr", array, "tyx", chunks=(1, 16, 40))
        assert go(client, used, source, tmp_path / "b.zarr").failed == []
        full = levels_of(tmp_path / "b.zarr")[0]
        assert np.array_equal(full, np.stack([Denoiser(used, threads=1)(plane) for plane in array]))
        shutil.rmtree(used)
        shutil.rmtree(source)


def test_two_runs_do_not_write_to_one_place(tmp_path: Path, bundle: Path) -> None:
    jobs = plan_outputs([frames_in(tmp_path / "in", 1) / "f000.tif"], tmp_path / "out/")
    with (
        results_of(jobs, setup_of(bundle)),
        pytest.raises(OutputError, match="other program"),
        results_of(jobs, setup_of(bundle)),
    ):
        pass
    with results_of(jobs, setup_of(bundle)) as results:
        assert results.frames == 1


def test_a_killed_worker_loses_nothing(tmp_path: Path, bundle: Path, client: Any) -> None:
    source, out = frames_in(tmp_path / "in", 40), tmp_path / "out"
    pids = list(client.run(os.getpid).values())

    def kill_one(handled: int) -> None:
        if pids and handled >= 4:
            os.kill(pids.pop(), signal.SIGKILL)
            pids.clear()

    report = go(client, bundle, source, out, kill_one)
    assert not pids and report.failed == []
    assert report.done + report.skipped == 40  # what the killed one had written before counts as finished
    assert len(list(out.glob("f*.tif"))) == 40
    client.wait_for_workers(2, timeout=60)


def test_an_ome_zarr_image_is_done_block_by_block(tmp_path: Path, bundle: Path, client: Any) -> None:
    pytest.importorskip("zarr", reason=WHY)
    array = noisy_stack((40, 32, 40))
    source = write_ome_zarr(tmp_path / "a.zarr", array, "tyx", chunks=(4, 16, 40), shards=(4, 32, 40))
    broken = source / "0" / "c" / "5" / "0" / "0"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-4] + b"junk")
    report = go(client, bundle, source, tmp_path / "b.zarr")
    assert {frame for frame, _ in report.failed} == {f"{source} page {page}" for page in range(21, 25)}
    assert report.where == str(tmp_path / "b.zarr.unfinished") and not (tmp_path / "b.zarr").exists()
    broken.write_bytes(whole)
    again = go(client, bundle, source, tmp_path / "b.zarr")
    assert again.failed == [] and again.skipped == 24 and again.done == 16  # the task with the broken shard
    full, smaller = levels_of(tmp_path / "b.zarr")
    denoiser = Denoiser(bundle, threads=1)
    for page in (0, 23, 39):
        assert np.array_equal(full[page], denoiser(array[page]))
    assert np.abs(smaller - mean_of_areas(full)).max() <= 0.5
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)
    assert not (tmp_path / "b.zarr.unfinished").exists()


@pytest.mark.parametrize(
    ("options", "last"), [({}, "c/11/1/0"), ({"version": "0.4"}, "11.1.0"), ({"shards": (4, 32, 40)}, "c/11/0/0")]
)
def test_what_changes_in_the_source_between_two_starts_is_done_again(
    tmp_path: Path, bundle: Path, client: Any, options: dict[str, Any], last: str
) -> None:
    """Three tasks; a chunk of the last one is broken, so that the run goes on with a second start."""
    zarr = pytest.importorskip("zarr", reason=WHY)
    array = noisy_stack((48, 32, 40))
    source = write_ome_zarr(tmp_path / "a.zarr", array, "tyx", chunks=(4, 16, 40), levels=1, **options)
    broken = source / "0" / last
    whole = broken.read_bytes()
    broken.write_bytes(b"junk")
    first = go(client, bundle, source, tmp_path / "b.zarr")
    assert first.failed and first.done >= 32
    zarr.open_group(source)["0"][5] = array[40]
    broken.write_bytes(whole)
    again = go(client, bundle, source, tmp_path / "b.zarr")
    assert (again.done, again.skipped, again.failed) == (32, 16, [])
    assert again.notes == [DONE_AGAIN]
    (full,) = levels_of(tmp_path / "b.zarr")
    array[5] = array[40]
    denoiser = Denoiser(bundle, threads=1)
    for page in (5, 20, 47):
        assert np.array_equal(full[page], denoiser(array[page]))


def test_other_metadata_of_the_source_begin_a_new_run(tmp_path: Path, bundle: Path, client: Any) -> None:
    zarr = pytest.importorskip("zarr", reason=WHY)
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((4, 32, 40)), "tyx", chunks=(1, 32, 40), levels=1)
    broken = source / "0" / "c" / "3" / "0" / "0"
    whole = broken.read_bytes()
    broken.write_bytes(b"junk")
    assert go(client, bundle, source, tmp_path / "b.zarr").failed
    broken.write_bytes(whole)
    zarr.open_group(source).attrs["mine"] = {"objective": "20x"}
    assert go(client, bundle, source, tmp_path / "b.zarr").done == 4
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)


def test_a_full_disk_is_said_of_the_results_and_of_temporary_files(
    tmp_path: Path, bundle: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("zarr", reason=WHY)
    array = noisy_stack((16, 100, 100))  # 320 kB without compression, on 200 kB
    source = write_ome_zarr(tmp_path / "a.zarr", array, "tyx", chunks=(1, 100, 100), levels=1)
    with mounted(tmp_path / "disk", "size=200k") as disk:
        report = go(client, bundle, source, disk / "b.zarr")
        assert report.failed and all(isinstance(error, OutputError) for _, error in report.failed)
        assert "b.zarr.unfinished" in str(report.failed[0][1]) and "disk is full" in str(report.failed[0][1])
    with mounted(tmp_path / "small", "size=1m,nr_inodes=2") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        with pytest.raises(OutputError, match=rf"{disk}: .*its disk is full.*TMPDIR"), connected("local", 1):
            pass


def test_the_command_reports_and_its_exit_code_is_of_the_first_failure(
    tmp_path: Path, bundle: Path, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    source = frames_in(tmp_path / "in", 4)
    (source / "f002.tif").write_bytes(b"II*\0")
    names = tmp_path / "frames.txt"
    names.write_text("".join(f"{path}\n" for path in sorted(source.iterdir())))
    address = client.scheduler.address
    options = ["-o", f"{tmp_path}/out/", "--cluster", address, "--json"]
    ended = run_command(capsys, "denoise", bundle, f"@{names}", *options)
    said = json.loads(ended.out)
    assert ended.code == InputError.exit_code
    assert (said["frames"], said["done"], [each["frame"] for each in said["failed"]]) == (4, 3, [f"{source}/f002.tif"])
    assert "f002.tif" in ended.err and "1 of 4" in ended.err
    alone = run_command(capsys, "denoise", bundle, f"@{names}", "-o", tmp_path / "alone", "--json").json
    assert set(alone) - set(said) == {"provider", "files"}  # the same object, and a row for each file
    assert {key: type(value) for key, value in said.items()}.items() <= {
        key: type(value) for key, value in alone.items()
    }.items()
    for key in ("frames", "done", "skipped", "failed", "unlike", "notes"):
        assert said[key] == alone[key]


@pytest.mark.parametrize(
    ("output", "more", "code"),
    [
        ("out.tif", ["--cluster", "local"], 2),
        ("out/", ["--workers", "2"], 2),
        ("out/", ["--workers", "2", "--cluster", "tcp://127.0.0.1:9"], 2),
        ("out/", ["--cluster", "tcp://127.0.0.1:9"], UnavailableError.exit_code),
    ],
)
def test_what_cannot_be_run_is_refused(
    tmp_path: Path,
    bundle: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    more: list[str],
    code: int,
) -> None:
    monkeypatch.setattr(running, "PATIENCE", 1)
    source = frames_in(tmp_path / "in", 1)
    ended = run_command(capsys, "denoise", bundle, source / "f000.tif", "-o", f"{tmp_path}/{output}", *more)
    assert ended.code == code and ended.err.count("expected") == 1
    assert not (tmp_path / "out.tif").exists() and not (tmp_path / "out").exists()


def test_what_of_an_image_is_left_out_is_said(tmp_path: Path) -> None:
    pytest.importorskip("zarr", reason=WHY)
    bundle = tmp_path / "bundle.onnx"
    bundle.write_bytes(b"not opened here")
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 32, 40)), "tyx")
    (source / "labels" / "link").symlink_to(tmp_path)
    with results_of(plan_outputs([source], tmp_path / "b.zarr"), Setup(bundle, None, "cpu", False, None, None)) as made:
        assert [note.split()[0] for note in made.notes] == ["labels/link"]


def test_tasks_are_made_one_after_another() -> None:
    jobs = plan_outputs([Path(f"/in/{number}.tif") for number in range(1000)], Path("/tmp/none/"))
    tasks = files_tasks(jobs, 2)
    assert isinstance(next(tasks), FilesTask)
    assert sum(task.frames for task in tasks) == 1000 - 16
    assert max(task.frames for task in files_tasks(jobs[:20], 4)) == 1  # each worker gets some
