"""The gate of lower precisions: near enough to the fp32 model on the frame and on noise, or nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zsn2m_export.parity import at_strengths
from zsn2m_runtime.errors import CheckFailedError
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import ModelCard
from zsn2m_runtime.model_record import Fidelity
from zsn2m_runtime.sample_types import Nchw

Doubles = npt.NDArray[np.float64]
_EQUAL = 1e-20  # mean squared error that counts as none: 200 dB

# Decibels to fp32. Six trained networks have 51.4 to 55.8 in int8, 79.7 to 91.6 in fp16;
# docs/decisions/int8-calibration.md.
GATES = {"int8": 45.0, "fp16": 60.0}
_ADVICE = {
    "int8": "calibrate on another frame (--calibrate FRAME), export another model alone (--model), or use fp16 or fp32",
    "fp16": "export another model alone (--model), or use fp32",
}


def check_fidelity(reference: Path, candidate: Path, card: ModelCard, probes: Sequence[Nchw]) -> Fidelity:
    """Compare a model of lower precision with the fp32 one, both run by onnxruntime on the CPU.

    Args:
        card: of the candidate
        probes: as `probe_frames` makes them: the frame, then a cut of it and noise at each size; each is run at every
            strength of `at_strengths`
    Raises:
        CheckFailedError: if either PSNR is below the gate, or anything is not finite.
    """
    gate = GATES[card.precision]
    sessions = Session(reference, provider="cpu"), Session(candidate, provider="cpu")
    frames, noises = [probes[0], *probes[1::2]], probes[2::2]
    probed = {"its frame": frames, "noise": noises}
    found = {name: _psnr(sessions, given, card) for name, given in probed.items()}
    for probe, psnr in found.items():
        if not psnr >= gate:
            raise CheckFailedError(
                f"{card.id}: expected at least {gate:g} dB to the fp32 model, but on {probe} it has "
                f"{psnr:.1f} dB; it was not written; {_ADVICE[card.precision]}"
            )
    return Fidelity(psnr_frame=found["its frame"], psnr_noise=found["noise"], gate=gate)


def _psnr(sessions: tuple[Session, Session], probes: Sequence[Nchw], card: ModelCard) -> float:
    """Over all samples of all probes together; NaN where anything is not finite."""
    reference, candidate = sessions
    errors: list[Doubles] = []
    for probe, strength in at_strengths(probes, bool(card.strength)):
        expected, result = reference.run(probe, strength), candidate.run(probe, strength)
        errors.append((result.astype(np.float64) - expected).ravel() / card.normalisation.scale)
    mean_squared = np.mean(np.concatenate(errors) ** 2)
    return float(-10 * np.log10(np.maximum(mean_squared, _EQUAL)))
