"""The gate: eager, TorchScript and onnxruntime must give the same pixels, or nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from zsn2m_export.torchscript import load_torchscript
from zsn2m_export.twins import INTEGER_DTYPES, from_twin, to_twin
from zsn2m_runtime.errors import CheckFailedError
from zsn2m_runtime.inference.session import Session, strength_input
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.model_record import Parity
from zsn2m_runtime.sample_types import Nchw, Strength
from zsn2m_runtime.verify import TOLERANCE, largest_difference, tolerance_of

_UNIT_STEP = 2.0**-22  # of the range: four roundings to float32 of values from 0 to 1, two on each way
_RARE = 1e-3  # share of samples one level off; none was seen yet, and truncation for rounding would be every second one

STRENGTHS = (1.0, 4.0, 0.25)  # of the noise, for a model that takes it: a camera's gain changes by so much

# Heights and widths compared besides the frame's own crop: smallest, odd, prime, and no multiples of a stride.
NASTY_SIZES = ((1, 1), (1, 7), (3, 5), (16, 16), (37, 53), (61, 24))

Run = Callable[[Nchw, Strength | None], Nchw]  # of a frame, and of the strength of its noise or None, like Session.run


def probe_frames(frame: Nchw, value_range: tuple[float, float]) -> list[Nchw]:
    """The frame's crop, cuts of it in the nasty sizes, and noise over the whole range at each of those sizes.

    A dark crop alone would prove nothing: any network's output may be clamped to black there.

    Shape:
        frame: (1, c, h, w) sensor units
        returns: each (1, c, height, width)
    """
    generator = np.random.default_rng(0)
    probes = [frame]
    for height, width in NASTY_SIZES:
        down, right = -(-height // frame.shape[2]), -(-width // frame.shape[3])
        probes.append(np.ascontiguousarray(np.tile(frame, (1, 1, down, right))[:, :, :height, :width]))
        probes.append(generator.uniform(*value_range, (1, frame.shape[1], height, width)).astype(np.float32))
    return probes


def at_strengths(probes: Sequence[Nchw], told: bool) -> Iterator[tuple[Nchw, Strength | None]]:
    """Each probe with each strength of the noise that a model is told: numbers and a map; None where it takes none."""
    for probe in probes:
        if not told:
            yield probe, None
            continue
        for strength in STRENGTHS:
            yield probe, strength
        height, width = probe.shape[2:]
        yield probe, np.linspace(STRENGTHS[-1], 1, height * width, dtype=np.float32).reshape(height, width)


def check_parity(
    graph: nn.Module,
    files: dict[str, Path],
    probes: Sequence[Nchw],
    scale: float,
    name: str,
    told: bool = False,
) -> Parity:
    """Compare the exported files of a graph with the graph itself on every probe, at every strength.

    Args:
        files: "torchscript" and "onnx" of the same graph
        scale: sensor units that count as 1
        name: how messages call the model
        told: whether it takes the strength of the noise
    Raises:
        CheckFailedError: if they differ by more than the tolerance, or anything is not finite.
    """
    runs: dict[str, Run] = {
        "torchscript": run_of(load_torchscript(files["torchscript"])),
        "onnxruntime": Session(files["onnx"], provider="cpu", spinning=False).run,
    }
    worst = {"torchscript": 0.0, "onnxruntime": 0.0}
    eager = run_of(graph)
    for probe, strength in at_strengths(probes, told):
        expected = eager(probe, strength)
        for runtime, run in runs.items():
            difference = largest_difference(expected, run(probe, strength)) / scale
            worst[runtime] = max(worst[runtime], difference)
            if not difference <= TOLERANCE:
                raise CheckFailedError(
                    f"{name}: expected {runtime} to equal the eager network within {TOLERANCE:g} of the range in use, "
                    f"but on a {probe.shape[2]} x {probe.shape[3]} frame they differ by {difference:g}; "
                    f"nothing was written; check the versions of torch, onnx and onnxruntime with: zsn2m-deploy doctor"
                )
    sizes = tuple((probe.shape[2], probe.shape[3]) for probe in probes)
    return Parity(**worst, tolerance=TOLERANCE, probes=sizes)


def run_of(graph: nn.Module) -> Run:
    """A graph of torch as what runs on arrays; what is not given is left to the graph."""

    @torch.no_grad()
    def run(noisy: Nchw, strength: Strength | None) -> Nchw:
        given = [torch.from_numpy(noisy)]
        if strength is not None:
            given.append(torch.from_numpy(strength_input(strength)))
        return np.asarray(graph(*given).numpy())

    return run


def check_twin(reference: Path, twin: Path, card: ModelCard, probes: Sequence[Nchw]) -> Parity:
    """Compare a twin with the model in sensor units that it was made from, on every probe.

    Integer results may be one level apart where a value lies between two; that must be rare, and is counted.

    Args:
        card: of the twin
    Raises:
        CheckFailedError: if they differ by more than the step of the twin's arrays and the precision's tolerance.
    """
    sessions = Session(reference, provider="cpu"), Session(twin, provider="cpu")
    low, high = card.sensor.range
    integer, scale = card.io in INTEGER_DTYPES, card.normalisation.scale
    allowed = (
        1.0 if integer else max(tolerance_of(card.role, card.precision).largest * scale, (high - low) * _UNIT_STEP)
    )
    worst, others, samples = 0.0, 0, 0
    for probe, strength in at_strengths(probes, bool(card.strength)):
        expected, result = _both(sessions, probe, strength, card)
        worst = max(worst, largest_difference(expected, result))
        others += int(np.count_nonzero(expected != result))
        samples += expected.size
        if not worst <= allowed or (integer and others > max(1, _RARE * samples)):
            raise CheckFailedError(
                f"{card.id}: expected the pixels of the model that it is the twin of within {allowed:g}, but on a "
                f"{probe.shape[2]} x {probe.shape[3]} frame {others} samples differ, by {worst:g} at most; nothing "
                f"was written; report this with the output of: zsn2m-deploy doctor"
            )
    return Parity(
        onnxruntime=worst / scale,
        tolerance=allowed / scale,
        probes=tuple((probe.shape[2], probe.shape[3]) for probe in probes),
        levels_off=others if integer else None,
    )


def _both(
    sessions: tuple[Session, Session], probe: Nchw, strength: Strength | None, card: ModelCard
) -> tuple[Nchw, Nchw]:
    """What a model and its twin give for a probe, in sensor units."""
    reference, twin = sessions
    integer = card.io in INTEGER_DTYPES
    noisy = np.rint(probe.clip(*card.sensor.range)) if integer else probe
    expected = reference.run(noisy, strength)
    given = twin.run(to_twin(noisy, card.io, card.sensor), strength)
    return np.rint(expected) if integer else expected, from_twin(given, card.io, card.sensor)
