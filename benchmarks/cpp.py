"""libzsn2m's two back ends beside Python's on the same frame: python -m benchmarks.cpp BUILD_FOLDER BUNDLE...

BUILD_FOLDER is that of `runtime/cpp/build_and_test` with both back ends, each BUNDLE one of an 8-bit colour sensor. The
calls take turns in one process, each from uint8 to uint8; opening and memory are those of a C++ program of its own.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.results import table, write_section
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.model_record import ModelEntry
from zsn2m_runtime.sample_types import Pixels

Call = Callable[[], Pixels]
SIDE = 512
WARM_UPS = 3
REPEATS = 21
THREADS = (1, 2)
COMMAND = "python -m benchmarks.cpp BUILD_FOLDER BUNDLE..."
REFERENCE = "onnxruntime, Python"
NOTES = f"""\
Milliseconds of a call on {SIDE} x {SIDE} RGB of 8 bits, medians of {REPEATS}, all in turns in one process, and the
ratio to {REFERENCE}. "tuned": after `zsn2m_tune_allocator()`, which acts on the whole process."""


class _Size(ctypes.Structure):
    _fields_ = (("height", ctypes.c_size_t), ("width", ctypes.c_size_t), ("channels", ctypes.c_size_t))


class _Options(ctypes.Structure):
    _fields_ = (("threads", ctypes.c_int), ("strip_pixels", ctypes.c_size_t), ("motion", ctypes.c_int))


def library_call(library: ctypes.CDLL, model: Path, threads: int, frame: Pixels) -> Call:
    """A call of zsn2m_denoise_u8 on the frame."""
    handle = ctypes.c_void_p()
    if library.zsn2m_open(str(model).encode(), None, ctypes.byref(_Options(threads, 0, 0)), ctypes.byref(handle)) != 0:
        raise SystemExit(library.zsn2m_last_error().decode())
    denoised, size = np.empty_like(frame), _Size(*frame.shape)
    noisy_address, denoised_address = ctypes.c_void_p(frame.ctypes.data), ctypes.c_void_p(denoised.ctypes.data)

    def call() -> Pixels:
        library.zsn2m_denoise_u8(handle, noisy_address, None, denoised_address, None, size)
        return denoised

    return call


def torch_call(script: Path, frame: Pixels) -> Call:
    """A call of a TorchScript file in Python."""
    network = torch.jit.load(str(script))

    def call() -> Pixels:
        with torch.inference_mode():
            return from_nchw(network(torch.from_numpy(to_nchw(frame))).numpy(), frame.dtype)

    return call


def calls(library: ctypes.CDLL, bundle: Bundle, entry: ModelEntry, threads: int, frame: Pixels) -> dict[str, Call]:
    """The ways to run one model."""
    onnx, script = (bundle.file(entry.files[kind]) for kind in ("onnx", "torchscript"))
    session = Session(onnx, "cpu", threads)
    return {
        "onnxruntime, libzsn2m": library_call(library, onnx, threads, frame),
        "LibTorch, libzsn2m": library_call(library, script, threads, frame),
        REFERENCE: lambda: from_nchw(session.run(to_nchw(frame)), frame.dtype),
        "TorchScript, Python": torch_call(script, frame),
    }


def time_in_turns(by_name: dict[str, Call]) -> dict[str, float]:
    """Median milliseconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in by_name}
    for repeat in range(-WARM_UPS, REPEATS):
        for name, call in by_name.items():
            started = time.perf_counter()
            call()
            if repeat >= 0:
                seconds[name].append(time.perf_counter() - started)
    return {name: 1e3 * statistics.median(values) for name, values in seconds.items()}


def models_of(bundles: list[Bundle]) -> list[tuple[Bundle, ModelEntry]]:
    """The models that both back ends run."""
    return [(bundle, entry) for bundle in bundles for entry in bundle.manifest.models if len(entry.files) == 2]


def speed(library: ctypes.CDLL, bundles: list[Bundle], frame: Pixels) -> str:
    """A table of all ways and settings."""
    rows: list[list[object]] = []
    for allocator in ("plain", "tuned"):
        if allocator == "tuned":
            library.zsn2m_tune_allocator()
        for bundle, entry in models_of(bundles):
            for threads in THREADS:
                torch.set_num_threads(threads)
                found = time_in_turns(calls(library, bundle, entry, threads, frame))
                cells = [f"{value:.0f} ({value / found[REFERENCE]:.2f})" for value in found.values()]
                rows.append([entry.id, allocator, threads, *cells])
                header = ["model", "malloc", "threads", *found]
    return table(header, rows)


def opening(program: Path, bundles: list[Bundle]) -> str:
    """What the C++ program says of opening, first call and memory, for each model and back end."""
    lines = []
    for bundle, entry in models_of(bundles):
        for record in entry.files.values():
            command = [str(program), str(bundle.file(record)), str(SIDE), "1", "5", "tune"]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            lines.append(f"- {record.name}, one thread, tuned: {said.strip()}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("bundle", type=Path, nargs="+")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # torch calls TorchScript deprecated
    library = ctypes.CDLL(str(arguments.build / "both" / "installed" / "lib" / "libzsn2m.so"))
    library.zsn2m_last_error.restype = ctypes.c_char_p
    bundles = [load_bundle(path) for path in arguments.bundle]
    frame = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    program = arguments.build / "both" / "library" / "tests" / "time_calls"
    write_section("C++", COMMAND, "\n\n".join([speed(library, bundles, frame), NOTES, opening(program, bundles)]))


if __name__ == "__main__":
    main()
