"""Does a bundle still give the pixels that it gave when it was made?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.image import Pixels
from zsn2m_runtime.manifest import CARD_KEY, FileRecord, ModelCard, ModelEntry
from zsn2m_runtime.session import Session

# Largest difference allowed between runtimes, as a fraction of the normalisation's scale. Correct float32 runtimes
# differ by less than 1e-6 (docs/decisions.md); 1e-4 of an 8-bit range is a fortieth of a grey level.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ModelCheck:
    """One model's self-test; `difference` is a fraction of the normalisation's scale, inf where shapes differ."""

    model: str
    provider: str
    difference: float
    card_agrees: bool

    @property
    def passed(self) -> bool:
        """Whether the model is what the manifest says."""
        return self.card_agrees and self.difference <= TOLERANCE


def verify_bundle(path: str | Path, provider: str = "cpu") -> list[ModelCheck]:
    """Check every file's hash, then run every model on the self-test vectors.

    Raises:
        BundleError: a file is missing or damaged, or there is no exported model.
        UnavailableError: the provider does not run here.
    """
    bundle = load_bundle(path)
    bundle.model()  # refuses a bundle without exported models
    noisy = _vector(bundle, bundle.manifest.self_test_input)
    return [_check(bundle, model, provider, noisy) for model in bundle.manifest.models if "onnx" in model.files]


def largest_difference(expected: Pixels, result: Pixels) -> float:
    """Largest absolute difference of two arrays; infinite where shapes differ, NaN where values are."""
    if expected.shape != result.shape:
        return float("inf")
    return float(np.max(np.abs(expected.astype(np.float64) - result)))


def _vector(bundle: Bundle, record: FileRecord) -> Pixels:
    path = bundle.file(record)
    try:
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    except ValueError as error:
        raise BundleError(f"{path}: expected a NumPy array, but {error}; export again") from error


def _check(bundle: Bundle, model: ModelEntry, provider: str, noisy: Pixels) -> ModelCheck:
    session = Session(bundle.file(model.files["onnx"]), provider)
    expected = _vector(bundle, model.self_test)
    difference = largest_difference(expected, session.run(noisy)) / bundle.manifest.normalisation.scale
    return ModelCheck(model.id, session.provider, difference, _card(session) == bundle.manifest.card(model))


def _card(session: Session) -> ModelCard | None:
    try:
        return ModelCard.model_validate_json(session.metadata.get(CARD_KEY, ""))
    except ValidationError:
        return None
