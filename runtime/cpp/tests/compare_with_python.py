"""Compares the installed example programs with Python, pixel by pixel.

python compare_with_python.py BUNDLES EXAMPLES SUFFIX...

BUNDLES is a folder written by make_bundles.py, EXAMPLES that of the built examples; a SUFFIX is that of the model files
that they run: .onnx, which Python runs by onnxruntime, or .ts, by torch. Exit code 1 where they differ.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples import compare, noisy_frame, run_pnm, run_raw
from zsn2m_runtime.blank.areas import blank_areas, filled, with_blank_kept
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.image import Frame, from_nchw, to_nchw
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.mosaic_planes import without_blank
from zsn2m_runtime.sample_types import Mask, Nchw, Pixels

Network = Callable[[Nchw], Nchw]

SIZES = ((1, 1), (1, 7), (13, 17), (61, 97), (512, 512), (1021, 769))  # the last one in two strips of libzsn2m
STRENGTH = 1.5  # of the noise, for models that take one
BLANK_SIZE = (97, 113)  # of frames with bars and the like, for the first model of each bundle


def main() -> int:
    """Compare every model of every bundle at every size, one PNM file each, and frames with blank areas."""
    bundles, examples = (Path(argument) for argument in sys.argv[1:3])
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    agree = True
    for path in sorted(bundles.glob("*.zsn2m")):
        bundle = load_bundle(path)
        for suffix in sys.argv[3:]:
            for entry in bundle.manifest.models:
                model = path / f"{entry.id}{suffix}"
                agree &= model_agrees(f"{path.stem} {model.name}", examples, model, bundle.manifest.sensor)
                if entry.strength:
                    agree &= strengths_agree(f"{path.stem} {model.name}", examples, model, bundle.manifest.sensor)
            first = path / f"{bundle.manifest.models[0].id}{suffix}"
            agree &= blank_areas_agree(f"{path.stem} {first.name}", examples, first, bundle.manifest.sensor)
    return 0 if agree else 1


def network_in(model: Path, strength: float | None = None) -> Network:
    """What runs a model file in Python, on one thread; strength: of the noise, for a model that takes it."""
    if model.suffix == ".onnx":
        session = Session(model, "cpu", 1)
        return lambda planes: session.run(planes, strength)
    script = torch.jit.load(str(model))  # type: ignore[no-untyped-call]
    told = () if strength is None else (torch.full((1, 1, 1, 1), strength),)
    return lambda planes: script(torch.from_numpy(planes), *told).numpy()


def model_agrees(name: str, examples: Path, model: Path, sensor: Sensor) -> bool:
    """Compare noisy frames of every size."""
    network = network_in(model)
    agree = True
    for size in SIZES:
        frame = noisy_frame(sensor, size)
        agree &= compare(f"{name} {size}", denoised_by(network, frame, sensor), run_raw(examples, model, frame), sensor)
    if frame.dtype.kind == "u":  # PNM has no signed samples
        agree &= compare(f"{name} PNM", denoised_by(network, frame, sensor), run_pnm(examples, model, frame), sensor)
    return agree


def strengths_agree(name: str, examples: Path, model: Path, sensor: Sensor) -> bool:
    """Compare a frame at a strength other than 1."""
    frame = noisy_frame(sensor, SIZES[-1])
    expected = denoised_by(network_in(model, STRENGTH), frame, sensor)
    return compare(f"{name} at {STRENGTH}", expected, run_raw(examples, model, frame, 1, STRENGTH), sensor)


def denoised_by(network: Network, frame: Pixels, sensor: Sensor) -> Pixels:
    """What Python makes of a frame; blank areas are hidden from the network, and kept."""
    noisy, blank = hidden(frame, sensor)
    return with_blank_kept(from_nchw(network(to_nchw(noisy)), frame.dtype), frame, blank)


def hidden(frame: Pixels, sensor: Sensor) -> tuple[Pixels, Mask | None]:
    """A frame with its blank areas filled, and where they are."""
    if sensor.mosaic:
        return without_blank(Frame(frame))
    blank = blank_areas(frame)
    return filled(frame, blank), blank


def blank_areas_agree(name: str, examples: Path, model: Path, sensor: Sensor) -> bool:
    """Compare frames with blank areas, which must be the same samples, bit for bit."""
    network = network_in(model)
    height, width = BLANK_SIZE
    size = (2 * height, 2 * width) if sensor.mosaic else BLANK_SIZE  # of a mosaic, areas are looked for in cells
    frames = frames_with_blank_areas(sensor, size)
    frames["all, in strips"] = frames_with_blank_areas(sensor, SIZES[-1])["all"]
    agree = True
    for kind, frame in frames.items():
        _, blank = hidden(frame, sensor)
        if blank is None:
            raise AssertionError(f"{name}: expected blank areas in the frame {kind}")
        result = run_raw(examples, model, frame)
        agree &= compare(f"{name} {kind}", denoised_by(network, frame, sensor)[~blank], result[~blank], sensor)
        if result[blank].tobytes() != frame[blank].tobytes():
            print(f"{name} {kind}: blank samples were changed")
            agree = False
    return agree


def frames_with_blank_areas(sensor: Sensor, size: tuple[int, int]) -> dict[str, Pixels]:
    """Noisy frames with bars, around a disc, beside a wedge, all of them; with samples that are not finite."""
    (height, width), (low, high) = size, sensor.range
    down, along = np.mgrid[:height, :width]
    bars = (down < height // 5) | (along >= width - 3)
    outside = np.hypot(down - height / 2, along - width / 2) > 0.48 * min(size)
    wedge = 3 * along + down < height // 2
    areas = {"bars": [(bars, low)], "disc": [(outside, high)], "wedge": [(wedge, (low + high) / 2)]}
    areas["all"] = [*areas["disc"], *areas["wedge"], *areas["bars"]]
    frames = {kind: noisy_frame(sensor, size) for kind in areas}
    for kind, parts in areas.items():
        for where, value in parts:
            frames[kind][where] = value
    if frames["all"].dtype.kind == "f":
        frames["NaN"] = frames["bars"].copy()
        frames["NaN"][height // 2 :: 7, 3::5] = np.nan
        frames["NaN"][height // 3, width // 2 :] = -np.inf
    return frames


if __name__ == "__main__":
    sys.exit(main())
