"""Does a bundle still give the pixels that it gave when it was made, on every provider of this machine?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.errors import BundleError, UnavailableError
from zsn2m_runtime.image import Pixels
from zsn2m_runtime.installation import import_onnxruntime
from zsn2m_runtime.manifest import CARD_KEY, FileRecord, ModelCard, ModelEntry
from zsn2m_runtime.providers import starting_providers
from zsn2m_runtime.session import Session

ALL = "all"  # every provider that starts here

# Largest difference allowed between runtimes, as a fraction of the normalisation's scale. Correct float32 runtimes
# differ by less than 1e-6 (docs/decisions.md); 1e-4 of an 8-bit range is a fortieth of a grey level.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Tolerance:
    """How far two correct runtimes may be apart: at one sample, and over all; fractions of the scale."""

    largest: float
    rms: float


# Measured on MBD-Net and GRD-Net, largest / rms: onnxruntime's CPU provider against itself without optimisation and
# against OpenVINO. fp32: 4e-7 / 6e-8. fp16: 6e-4 / 2e-4; some providers compute its products in float32. int8: 8e-3 /
# 2e-4; few values are near a tie and go to the next step of their layer, so that the rms is what finds a wrong graph.
TOLERANCES = {
    "fp32": Tolerance(TOLERANCE, TOLERANCE),
    "fp16": Tolerance(2e-3, 5e-4),
    "int8": Tolerance(2e-2, 1e-3),
}


@dataclass(frozen=True)
class ModelCheck:
    """One model's self-test on one provider.

    `difference` is the largest one and `rms` that of all samples, as fractions of the normalisation's scale: inf where
    shapes differ. `refusal` is why the provider does not run the model; nothing was compared then.
    """

    model: str
    provider: str
    difference: float
    rms: float
    tolerance: Tolerance
    card_agrees: bool
    refusal: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the model is what the manifest says."""
        near = self.difference <= self.tolerance.largest and self.rms <= self.tolerance.rms
        return self.refusal is None and self.card_agrees and near


def verify_bundle(path: str | Path, provider: str = ALL) -> list[ModelCheck]:
    """Check every file's hash, then run every model on the self-test vectors.

    Args:
        provider: `all` that start here, or one as `--provider` takes it
    Raises:
        BundleError: a file is missing or damaged, or there is no exported model.
        UnavailableError: the provider asked for does not run here; with `all`, a check says so instead.
    """
    bundle = load_bundle(path)
    bundle.model()  # refuses a bundle without exported models
    models = [model for model in bundle.manifest.models if "onnx" in model.files]
    if provider != ALL:
        return [_check(bundle, model, provider) for model in models]
    starting = [name for name, reason in starting_providers(import_onnxruntime()).items() if reason is None]
    return [_check_or_refusal(bundle, model, name) for name in starting for model in models]


def largest_difference(expected: Pixels, result: Pixels) -> float:
    """Largest absolute difference of two arrays; infinite where shapes differ, NaN where values are."""
    if expected.shape != result.shape:
        return float("inf")
    return float(np.max(np.abs(expected.astype(np.float64) - result)))


def rms_difference(expected: Pixels, result: Pixels) -> float:
    """Root of the mean squared difference of two arrays; infinite where shapes differ, NaN where values are."""
    if expected.shape != result.shape:
        return float("inf")
    return float(np.sqrt(np.mean((expected.astype(np.float64) - result) ** 2)))


def _vector(bundle: Bundle, record: FileRecord) -> Pixels:
    path = bundle.file(record)
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except ValueError as error:
        raise BundleError(f"{path}: expected a NumPy array, but {error}; export again") from error


def _check(bundle: Bundle, model: ModelEntry, provider: str) -> ModelCheck:
    session = Session(bundle.file(model.files["onnx"]), provider)
    result = session.run(_vector(bundle, model.self_test_input or bundle.manifest.self_test_input))
    expected = _vector(bundle, model.self_test)
    step = _step(bundle, model)
    return ModelCheck(
        model.id,
        session.provider,
        largest_difference(expected, result) * step,
        rms_difference(expected, result) * step,
        _tolerance(model, step),
        _card(session) == bundle.manifest.card(model),
    )


def _check_or_refusal(bundle: Bundle, model: ModelEntry, provider: str) -> ModelCheck:
    try:
        return _check(bundle, model, provider)
    except UnavailableError as error:
        nothing = float("nan")
        return ModelCheck(
            model.id, provider, nothing, nothing, _tolerance(model, _step(bundle, model)), False, str(error)
        )


def _step(bundle: Bundle, model: ModelEntry) -> float:
    """One unit of a model's output as a fraction of the scale."""
    low, high = bundle.manifest.sensor.range
    return (high - low if model.io == "unit" else 1.0) / bundle.manifest.normalisation.scale


def _tolerance(model: ModelEntry, step: float) -> Tolerance:
    tolerance = TOLERANCES.get(model.precision, TOLERANCES["fp32"])
    if model.io in ("u8", "u16"):  # where a value lies between two levels, either is right
        return Tolerance(max(tolerance.largest, step), max(tolerance.rms, step))
    return tolerance


def _card(session: Session) -> ModelCard | None:
    try:
        return ModelCard.model_validate_json(session.metadata.get(CARD_KEY, ""))
    except ValidationError:
        return None
