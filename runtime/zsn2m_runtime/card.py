"""The card of an ONNX file: read, and compared with the manifest."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import CARD_KEY, SCHEMA_VERSION, ModelCard
from zsn2m_runtime.validation import fault_in_words


def check_card(path: Path, session: Session, card: ModelCard) -> None:
    """Refuse a manifest that contradicts the model file; with a wrong receptive radius, seams would go unnoticed.

    Raises:
        BundleError: as `card_inside`, or a card with other facts.
    """
    inside = card_inside(path, session)
    differing = [name for name in ModelCard.model_fields if getattr(inside, name) != getattr(card, name)]
    if differing:
        raise BundleError(
            f"{path}: expected the facts that the manifest gives, but its own card has another "
            f"{', '.join(differing)}; one of them was changed: copy the bundle again, or export again"
        )


def card_inside(path: Path, session: Session) -> ModelCard:
    """The card in the metadata of an ONNX file that a session has open.

    Raises:
        BundleError: no card, a damaged one, one of a newer version, or a network for other channels.
        UsageError: a model that takes other arrays than frames.
    """
    text = session.metadata.get(CARD_KEY)
    if text is None:
        raise BundleError(
            f"{path}: expected an ONNX file exported by zsn2m-deploy (metadata {CARD_KEY}), but got another"
        )
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        raise BundleError(
            f"{path}: its metadata {CARD_KEY} is damaged ({fault_in_words(error)}); export again"
        ) from error
    if card.schema_version > SCHEMA_VERSION:
        raise BundleError(
            f"{path}: expected schema version {SCHEMA_VERSION} or older, but got {card.schema_version}; "
            f"upgrade with: pip install --upgrade zsn2m-deploy"
        )
    if card.io != "sensor":
        raise UsageError(
            f"{path}: expected a model that takes frames in sensor units, but {card.id} is for programs that bring "
            f"arrays of their own; load its file there"
        )
    channels = session.limits.input.shape[1]
    if channels not in (None, card.sensor.channels):
        raise BundleError(
            f"{path}: expected a network for the {card.sensor.channels} channel(s) that its card says, but got one for "
            f"{channels}; export again"
        )
    return card
