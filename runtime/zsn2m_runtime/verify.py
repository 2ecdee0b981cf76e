"""Whether a bundle's models give the pixels on this machine that they gave when they were exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.commands import export_command
from zsn2m_runtime.errors import BundleError, UnavailableError
from zsn2m_runtime.inference.providers import starting_providers
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.machine.installation import import_onnxruntime
from zsn2m_runtime.manifest import CARD_KEY, ModelCard
from zsn2m_runtime.model_record import ModelEntry
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.self_test import read_expected_output, read_test_input

ALL = "all"  # every provider that starts on this machine

# Largest difference allowed between runtimes, as a fraction of the normalisation's scale; a fortieth of an 8-bit grey
# level. Correct float32 runtimes differ by less than 1e-6: docs/decisions/parity-tolerance.md.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Tolerance:
    """Allowed difference of two runtimes, of one sample and as root mean square; fractions of the scale."""

    largest: float
    rms: float


# By `role.precision`, else by `precision`, else the first: docs/decisions/self-test-tolerances.md, which has what was
# measured. runtime/cpp/src/abi.cpp and docs/bundle.md have the same.
TOLERANCES = {
    "fp32": Tolerance(TOLERANCE, TOLERANCE),
    "fp16": Tolerance(2e-3, 5e-4),
    "int8": Tolerance(2e-2, 1e-3),
    "sensor.int8": Tolerance(2e-2, 3e-3),
}
_NOTHING = float("nan")  # the difference where nothing was compared


@dataclass(frozen=True)
class ModelCheck:
    """One model's self-test on one provider.

    difference, rms: from the expected output, largest and root mean square, as fractions of the normalisation's
        scale; inf if shapes differ, NaN if nothing was compared
    card_agrees: whether the card inside the model file is the manifest's
    refusal: why the provider does not take the model; failure: why it took the model and gave no result
    """

    model: str
    provider: str
    difference: float
    rms: float
    tolerance: Tolerance
    card_agrees: bool
    refusal: str | None = None
    failure: str | None = None

    @property
    def passed(self) -> bool:
        """Whether card and pixels are as expected."""
        return self.card_agrees and self.difference <= self.tolerance.largest and self.rms <= self.tolerance.rms


def verify_bundle(path: str | Path, provider: str = ALL) -> list[ModelCheck]:
    """Check every file's hash, then run every model on the self-test vectors.

    Args:
        provider: `all` that start on this machine, or one, as `--provider` takes it
    Returns:
        one check for each provider and model; with `all` a provider that refuses a model has `refusal` set
    Raises:
        BundleError: a file is missing or damaged, or there is no exported model.
        UnavailableError: the provider that was asked for does not start, or with `all` none does.
    """
    bundle = load_bundle(path)
    bundle.model()  # refuses a bundle without exported models
    models = bundle.manifest.models
    without = [model.id for model in models if "onnx" not in model.files]
    if without:
        raise BundleError(
            f"{path}: expected an ONNX file of each model, but {', '.join(without)} has none; "
            f"run: {export_command(path)}"
        )
    if provider != ALL:
        return [_check(bundle, model, _open(bundle, model, provider)) for model in models]
    reasons = starting_providers(import_onnxruntime())
    starting = [name for name, reason in reasons.items() if reason is None]
    if not starting:
        listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise UnavailableError(f"expected a provider that starts, but none does ({listed}); see: zsn2m-deploy doctor")
    return [_check_or_refusal(bundle, model, name) for name in starting for model in models]


def tolerance_of(role: str, precision: str) -> Tolerance:
    """The tolerance of a model by its role and precision; fp32's for a precision that this version does not know."""
    by_precision = TOLERANCES.get(precision, TOLERANCES["fp32"])
    return TOLERANCES.get(f"{role}.{precision}", by_precision)


def largest_difference(expected: Pixels, result: Pixels) -> float:
    """Largest absolute difference of two arrays; inf if shapes differ, NaN if a value is NaN."""
    if expected.shape != result.shape:
        return float("inf")
    return float(np.max(np.abs(expected.astype(np.float64) - result)))


def rms_difference(expected: Pixels, result: Pixels) -> float:
    """Root mean square difference of two arrays; inf if shapes differ, NaN if a value is NaN."""
    if expected.shape != result.shape:
        return float("inf")
    return float(np.sqrt(np.mean((expected.astype(np.float64) - result) ** 2)))


def _open(bundle: Bundle, model: ModelEntry, provider: str) -> Session:
    record = model.files["onnx"]
    return Session(bundle.file(record), provider, sha256=record.sha256)


def _check(bundle: Bundle, model: ModelEntry, session: Session) -> ModelCheck:
    step = _step(bundle, model)
    tolerance, card_agrees = _tolerance(model, step), _card(session) == bundle.manifest.card(model)
    given, expected = read_test_input(bundle, model), read_expected_output(bundle, model)
    try:
        result = session.run(given)
    except UnavailableError as error:
        return ModelCheck(model.id, session.provider, _NOTHING, _NOTHING, tolerance, card_agrees, failure=str(error))
    largest, rms = largest_difference(expected, result) * step, rms_difference(expected, result) * step
    return ModelCheck(model.id, session.provider, largest, rms, tolerance, card_agrees)


def _check_or_refusal(bundle: Bundle, model: ModelEntry, provider: str) -> ModelCheck:
    try:
        session = _open(bundle, model, provider)
    except UnavailableError as error:
        tolerance = _tolerance(model, _step(bundle, model))
        return ModelCheck(model.id, provider, _NOTHING, _NOTHING, tolerance, False, refusal=str(error))
    return _check(bundle, model, session)


def _step(bundle: Bundle, model: ModelEntry) -> float:
    """One unit of a model's output as a fraction of the normalisation's scale."""
    low, high = bundle.manifest.sensor.range
    return (high - low if model.io == "unit" else 1.0) / bundle.manifest.normalisation.scale


def _tolerance(model: ModelEntry, step: float) -> Tolerance:
    tolerance = tolerance_of(model.role, model.precision)
    if model.io in ("u8", "u16"):  # a value halfway between two levels may round to either
        return Tolerance(max(tolerance.largest, step), max(tolerance.rms, step))
    return tolerance


def _card(session: Session) -> ModelCard | None:
    try:
        return ModelCard.model_validate_json(session.metadata.get(CARD_KEY, ""))
    except ValidationError:
        return None
