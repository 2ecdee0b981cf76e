"""Speed of a bundle's models on this machine, on every provider that starts, beside OpenCV's non-local means."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np

from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError, Zsn2mError
from zsn2m_runtime.further_models import further_models
from zsn2m_runtime.image import from_nchw
from zsn2m_runtime.inference.providers import Threads, parse_provider, starting_providers
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.machine.memory import peak_memory
from zsn2m_runtime.sample_types import Pixels, is_whole
from zsn2m_runtime.self_test import read_test_input

SIZES = {"480p": (480, 854), "720p": (720, 1280), "1080p": (1080, 1920), "4k": (2160, 3840)}  # rows, columns
FEWEST = 3  # frames of one measurement
ALL = "all"  # every provider that starts here
NLM = "fastNlMeansDenoising"  # OpenCV's, at its defaults
_KILLED = "the system ended its process, probably for want of memory; take a smaller --size"


@dataclass(frozen=True)
class Contender:
    """One thing to time: a model of the bundle on a provider, or OpenCV's non-local means (no bundle)."""

    model: str
    precision: str
    provider: str
    bundle: Path | None
    threads: int = 0


@dataclass(frozen=True)
class Timing:
    """The time of a contender for frames of one size.

    milliseconds: median of a frame; memory_mb: the most that its process held
    error: why it was not timed; add_with: the command that adds the model to a bundle
    """

    model: str
    precision: str
    provider: str
    height: int
    width: int
    frames: int = 0
    milliseconds: float | None = None
    fps: float | None = None
    memory_mb: float | None = None
    error: str | None = None
    add_with: str | None = None


def parse_size(text: str) -> tuple[int, int]:
    """Rows and columns from 480p, 720p, 1080p, 4k or WIDTHxHEIGHT.

    Raises:
        UsageError: for anything else.
    """
    if text.lower() in SIZES:
        return SIZES[text.lower()]
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not found:
        raise UsageError(f"expected a size such as {', '.join(SIZES)} or 1920x1080, but got {text!r}")
    return int(found[2]), int(found[1])


def contenders(path: Path, providers: str, threads: int) -> list[Contender]:
    """Every model that takes sensor frames on every wanted provider, and non-local means.

    Args:
        providers: `all` that start here, or one as `--provider` takes it
    Raises:
        BundleError, UsageError, UnavailableError
    """
    Threads(threads)  # refuses what no machine has, which OpenCV has no words for
    bundle = load_bundle(path)
    bundle.model()  # refuses a bundle without exported models
    if providers == ALL:
        wanted = [name for name, reason in starting_providers(import_onnxruntime()).items() if reason is None]
    else:
        parse_provider(providers)
        wanted = [providers]
    found = [
        Contender(model.id, model.precision, provider, path, threads)
        for provider in wanted
        for model in bundle.manifest.models
        if model.io == "sensor" and "onnx" in model.files
    ]
    return [*found, Contender(NLM, "", "opencv", None, threads)]


def run_bench(
    path: Path, size: tuple[int, int], providers: str = ALL, threads: int = 0, seconds: float = 5.0
) -> Iterator[Timing]:
    """Time each contender for about `seconds`, in a process of its own, on the bundle's self-test frame repeated.

    One that cannot run, or whose process is killed, gives a Timing with its error.

    Shape:
        size: rows and columns
    Raises:
        BundleError, UsageError, UnavailableError
    """
    frame = frame_of(load_bundle(path), size)
    for contender in contenders(path, providers, threads):
        yield _measured_apart(contender, frame, seconds)


def not_in_bundle(path: Path, size: tuple[int, int]) -> list[Timing]:
    """Rows for the models that exist, but are not in the bundle, each with the command that adds it.

    Shape:
        size: rows and columns
    """
    return [
        replace(
            Timing(model.id, model.precision, "", *size),
            error=f"not in this bundle: {model.id}, {model.use}",
            add_with=model.command,
        )
        for model in further_models(load_bundle(path))
    ]


def frame_of(bundle: Bundle, size: tuple[int, int]) -> Pixels:
    """A frame of the bundle's sensor with its noise: the self-test's input repeated.

    Shape:
        size: rows and columns
        returns: (h, w) or (h, w, 3) in sensor units
    """
    sensor, planes = bundle.manifest.sensor, read_test_input(bundle)
    if is_whole(sensor.dtype):
        planes = planes.clip(*sensor.range)
    down, right = (-(-wanted // length) for wanted, length in zip(size, planes.shape[2:], strict=True))
    tiled = np.tile(planes, (1, 1, down, right))[:, :, : size[0], : size[1]]
    return from_nchw(tiled, sensor.dtype)


def measure(contender: Contender, frame: Pixels, seconds: float) -> Timing:
    """Time one contender in this process."""
    timing = _untimed(contender, frame)
    try:
        taken = times(_prepare(contender, frame), seconds)
    except (Zsn2mError, MemoryError, cv2.error) as error:
        return replace(timing, error=str(error) or "out of memory")
    middle = statistics.median(taken)
    return replace(
        timing,
        frames=len(taken),
        milliseconds=round(middle * 1000, 2),
        fps=round(1 / middle, 2),
        memory_mb=round(peak_memory() / 1e6),
    )


def times(run: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of each of several runs that take about `seconds` together, after one that allocates."""
    run()
    taken: list[float] = []
    while len(taken) < FEWEST or sum(taken) < seconds:
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return taken


def _measured_apart(contender: Contender, frame: Pixels, seconds: float) -> Timing:
    """`measure` in a process of its own, over a pipe: the queues of multiprocessing need a writable /dev/shm."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_measured, args=(sender, measure, contender, frame, seconds))
    with receiver:
        with sender:  # closed here, so that the end of the child is the end of the pipe
            process.start()
        try:
            timing: Timing = receiver.recv()
            return timing
        except EOFError:
            process.join()
            if process.exitcode and process.exitcode > 0:
                raise RuntimeError(f"{contender.model}: measuring it failed, see above") from None
            return replace(_untimed(contender, frame), error=_KILLED)
        finally:
            process.kill()  # after an interrupt
            process.join()


def _send_measured(
    sender: Connection,
    measure_one: Callable[[Contender, Pixels, float], Timing],
    contender: Contender,
    frame: Pixels,
    seconds: float,
) -> None:
    with sender:
        sender.send(measure_one(contender, frame, seconds))


def _untimed(contender: Contender, frame: Pixels) -> Timing:
    height, width = frame.shape[:2]
    return Timing(contender.model, contender.precision, contender.provider, height, width)


def _prepare(contender: Contender, frame: Pixels) -> Callable[[], object]:
    if contender.bundle is None:
        return _nlm(frame, contender.threads)
    denoiser = Denoiser(contender.bundle, contender.model, contender.provider, contender.threads)
    return lambda: denoiser(frame)


def _nlm(frame: Pixels, threads: int) -> Callable[[], object]:
    """Non-local means at its defaults, on 8 bit."""
    cv2.setNumThreads(threads or -1)
    span = float(np.ptp(frame)) or 1.0
    eight_bit = ((frame - frame.min()) * (255 / span)).astype(np.uint8)
    method = cv2.fastNlMeansDenoising if frame.ndim == 2 else cv2.fastNlMeansDenoisingColored
    return lambda: method(eight_bit)
