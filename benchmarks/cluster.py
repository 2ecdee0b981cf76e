"""What does a run on a cluster cost: planning, workers against one, memory over many frames?

Planning is that of `denoise --cluster` without a worker. Frames are drawn; weights do not matter for speed.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.results import table, write_section
from zsn2m_runtime.batch import plan_outputs
from zsn2m_runtime.cluster.outputs import results_of
from zsn2m_runtime.cluster.plan import FRAMES_A_TASK, Setup, files_tasks
from zsn2m_runtime.cluster.running import NO_FIXED_PORT, TASKS_A_THREAD, connected, run
from zsn2m_runtime.files import list_inputs, save_image
from zsn2m_runtime.image import Frame

MILLION = 10**6
LARGE, SMALL = (512, 512), (48, 48)
ROUNDS = 2
SAMPLES = 20  # of the memory over a run

PLANS = {
    "a list of a million files": "files",
    "OME-Zarr of a million planes, a chunk each": "planes",
}


def plan_files(folder: Path) -> int:
    """Make the tasks of a million files that a list names; returns how many."""
    names = folder / "frames.txt"
    names.write_text("".join(f"/data/run_{n // 10_000:03d}/f{n:07d}.tif\n" for n in range(MILLION)), encoding="utf-8")
    jobs = plan_outputs(list_inputs([f"@{names}"]), folder / "out")
    return sum(1 for _ in files_tasks(jobs, 100))


def plan_planes(folder: Path) -> int:
    """Make the tasks of an image that has a million planes and no chunk yet."""
    import zarr

    group = zarr.open_group(folder / "a.zarr", mode="w", zarr_format=3)
    group.create_array("0", shape=(MILLION, *SMALL), chunks=(1, *SMALL), dtype="uint16")
    axes = [{"name": name, "type": kind} for name, kind in (("t", "time"), ("y", "space"), ("x", "space"))]
    levels = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}]
    group.attrs.update({"ome": {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}})
    (folder / "any.onnx").touch()  # only its hash is asked for
    setup = Setup(folder / "any.onnx", None, "cpu", False, None, None)
    jobs = plan_outputs([folder / "a.zarr"], folder / "b.zarr")
    with results_of(jobs, setup) as results:
        return sum(1 for _ in results.tasks(100))


def planning() -> str:
    """Time and memory of each plan, in a process of its own."""
    rows: list[list[object]] = []
    for name, kind in PLANS.items():
        command = [sys.executable, "-m", "benchmarks.cluster", "--plan", kind]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append([name, f"{found['tasks']:,}", f"{found['seconds']:.0f}", f"{found['megabytes']:,.0f}"])
    return table(["frames", "tasks", "seconds of a core", "memory, MB"], rows)


def one_plan(kind: str) -> dict[str, float]:
    """Make one plan here."""
    import resource

    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, process_time()
    with tempfile.TemporaryDirectory() as name:
        tasks = {"files": plan_files, "planes": plan_planes}[kind](Path(name))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"tasks": tasks, "seconds": process_time() - started, "megabytes": (after - before) / 1024}


def draw_frames(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """Frames with noise, 12 bits in uint16."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    ramp = np.linspace(800, 3000, size[1]) * np.ones((size[0], 1))
    for number in range(count):
        noisy = np.clip(np.rint(ramp + generator.normal(0, 120, size)), 0, 4095).astype(np.uint16)
        save_image(folder / f"f{number:05d}.tif", Frame(noisy))
    return folder


def make_bundle(folder: Path) -> Path:
    """A bundle for such frames, not trained."""
    draw_frames(folder / "training", 1, (128, 128))
    bundle = folder / "cam.zsn2m"
    command = [sys.executable, "-m", "zsn2m_deploy", "train-and-export", str(folder / "training" / "f00000.tif")]
    options = ["--preset", "instant", "--bit-depth", "12", "--no-video", "-o", str(bundle)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return bundle


def seconds_of(client: Any, bundle: Path, frames: Path, out: Path, on_frames: Any = None) -> float:
    """One run."""
    setup = Setup(bundle, None, "cpu", False, None, None)
    with results_of(plan_outputs(list_inputs([str(frames)]), out), setup) as results:
        report = run(client, results, on_frames)
    assert not report.failed and report.done == report.frames, report.failed[:1]
    return report.seconds


@contextlib.contextmanager
def separate_workers(count: int) -> Iterator[Any]:
    """A client of `dask worker` programs of one thread, each in a session of its own, as on machines of their own.

    Linux shares a busy machine's cores between sessions, so workers of one session would share what one gets.
    """
    import distributed

    program = [sys.executable, "-m", "distributed.cli.dask_worker"]
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
    with distributed.LocalCluster(n_workers=0, dashboard_address=NO_FIXED_PORT) as scheduler:
        command = [*program, scheduler.scheduler_address, *options]
        quiet = subprocess.DEVNULL
        started = [subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet) for _ in range(count)]
        try:
            with connected(scheduler.scheduler_address) as client:
                client.wait_for_workers(count)
                yield client
        finally:
            for worker in started:
                worker.terminate()
                worker.wait()


class Throughput(NamedTuple):
    """Seconds of each run by the number of workers; of a core, those of the workers and those of this process."""

    seconds: dict[int, list[float]]
    worked: dict[int, list[float]]
    planned: dict[int, list[float]]

    @property
    def ratios(self) -> list[float]:
        """How much faster two workers were, each time."""
        return [one / two for one, two in zip(self.seconds[1], self.seconds[2], strict=True)]


def throughput(bundle: Path, folder: Path, count: int) -> Throughput:
    """Two workers against one, in turns; the workers are there and warm before the time begins."""
    frames, warm = draw_frames(folder / "large", count, LARGE), draw_frames(folder / "warm", 8, SMALL)
    found = Throughput({1: [], 2: []}, {1: [], 2: []}, {1: [], 2: []})
    for turn, workers in itertools.product(range(ROUNDS), found.seconds):
        with separate_workers(workers) as client:
            seconds_of(client, bundle, warm, folder / f"w{turn}{workers}")
            worked, planned = sum(client.run(process_time).values()), process_time()
            found.seconds[workers].append(seconds_of(client, bundle, frames, folder / f"o{turn}{workers}"))
            found.worked[workers].append(sum(client.run(process_time).values()) - worked)
            found.planned[workers].append(process_time() - planned)
    return found


def resident(pid: int) -> float:
    """Megabytes that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


class Memory(NamedTuple):
    """Frames done, megabytes of this process and of the larger worker, on the way; and all seconds."""

    seen: list[tuple[int, float, float]]
    seconds: float


def memory(bundle: Path, folder: Path, count: int) -> Memory:
    """Memory of this process, which is the scheduler's too, and of a worker, over a run of small frames."""
    frames = draw_frames(folder / "small", count, SMALL)
    seen: list[tuple[int, float, float]] = []
    with connected("local", 2) as client:
        pids = list(client.run(os.getpid).values())

        def look(handled: int) -> None:
            if handled >= len(seen) * count // SAMPLES:
                seen.append((handled, resident(os.getpid()), max(map(resident, pids))))

        seconds = seconds_of(client, bundle, frames, folder / "small_out", look)
    return Memory(seen, seconds)


def workers_in_words(found: Throughput, count: int) -> str:
    """A table, and the ratios."""
    rows: list[list[object]] = []
    for workers in found.seconds:
        times = [statistics.median(kind[workers]) for kind in (found.seconds, found.worked, found.planned)]
        rows.append([workers, f"{times[0]:.1f}", *(f"{1000 * time / count:.1f}" for time in times[1:])])
    said = ", ".join(f"{ratio:.2f}" for ratio in found.ratios)
    header = ["workers", "seconds", "a frame: ms of a core, workers", "the same, client and scheduler"]
    busy = f"load of the machine afterwards {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    return f"{table(header, rows)}\n\nTwo workers against one, each time: {said}; {busy}."


def memory_in_words(found: Memory, count: int) -> str:
    """A table of some of the samples, and the rate."""
    chosen = [found.seen[place] for place in (0, len(found.seen) // 10, len(found.seen) // 2, -1)]
    rows: list[list[object]] = [[f"{n:,}", f"{here:.0f}", f"{worker:.0f}"] for n, here, worker in chosen]
    shown = table(["frames", "client and scheduler, MB", "the larger worker, MB"], rows)
    return f"{shown}\n\n{count / found.seconds:.0f} frames/s."


def section(plans: str, workers: Throughput, large: int, small: Memory, count: int) -> str:
    """What docs/results say."""
    return (
        f"Planned, not run. The scheduler is told of {TASKS_A_THREAD} tasks a thread at a time, whatever the number of "
        f"frames; a task is {FRAMES_A_TASK} frames.\n\n{plans}\n\n"
        f"{large} frames of {LARGE[1]} x {LARGE[0]}, uint16, workers of one thread, each a program of its own on this "
        f"machine, medians of {ROUNDS} runs in turns:\n\n{workers_in_words(workers, large)}\n\n"
        f"{count:,} frames of {SMALL[1]} x {SMALL[0]}, two workers, resident memory on the way:\n\n"
        f"{memory_in_words(small, count)}"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--plan", choices=PLANS.values(), help="one plan, as JSON")
    arguments.add_argument("--large", type=int, default=24, help=f"frames of {LARGE[0]} x {LARGE[1]}")
    arguments.add_argument("--small", type=int, default=20_000, help=f"frames of {SMALL[0]} x {SMALL[1]}")
    chosen = arguments.parse_args()
    if chosen.plan:
        print(json.dumps(one_plan(chosen.plan)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = make_bundle(folder)
        workers = throughput(bundle, folder, chosen.large)
        small = memory(bundle, folder, chosen.small)
        body = section(planning(), workers, chosen.large, small, chosen.small)
    write_section("Clusters", "python -m benchmarks.cluster", body)


if __name__ == "__main__":
    main()
