"""What all parts of a manifest have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Record(BaseModel):
    """A part of a manifest: frozen, with finite numbers only, as JSON has no others."""

    # Unknown fields are ignored, so that a later version may add some.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class SparseRecord(Record):
    """A part that writes only the fields that were given: what an older version did not say stays unsaid."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if name in self.model_fields_set}
