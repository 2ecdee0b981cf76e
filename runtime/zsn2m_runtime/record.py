"""What all parts of a manifest have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A part of a manifest: frozen, with finite numbers only, as JSON has no others."""

    # Unknown fields are ignored, so that a later version may add some.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)
