"""The record of a colour filter array: what it refuses, and what it leaves unsaid."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, MosaicRecord

GREY = {"dtype": "uint16", "channels": 1, "range": (0, 4095), "noise_sigma": 3.0}


@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_a_record_is_read_as_it_was_written(pattern: str) -> None:
    record = MosaicRecord(pattern=pattern, black=(64, 64, 65, 64), white=4095)
    sensor = Sensor(**GREY, mosaic=record)
    assert Sensor.model_validate_json(sensor.model_dump_json()) == sensor
    assert sensor.mosaic == record


def test_what_is_not_known_is_not_written() -> None:
    assert MosaicRecord(pattern="RGGB").model_dump() == {"pattern": "RGGB"}
    older = Sensor(**GREY)
    assert older.model_dump() == GREY and older.mosaic is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"pattern": "RGBG"},
        {"pattern": "RGGB", "black": (64, 64)},
        {"pattern": "RGGB", "black": (0, 0, 0, 255), "white": 255},
        {"pattern": "RGGB", "white": float("inf")},
    ],
)
def test_wrong_records_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MosaicRecord.model_validate(wrong)


def test_a_mosaic_has_one_channel() -> None:
    with pytest.raises(ValidationError, match="1 channel"):
        Sensor.model_validate(GREY | {"channels": 3, "mosaic": {"pattern": "RGGB"}})
