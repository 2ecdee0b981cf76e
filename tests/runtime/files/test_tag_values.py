"""Numbers as ratios of a tag's 32 bits, and back."""

from __future__ import annotations

import pytest
from tifffile import DATATYPE, TIFF

from zsn2m_runtime.files.tag_values import ratios, values_of


@pytest.mark.parametrize("values", [
    (512.0, 512.25, 513.0, 512.5), (8192.0,) * 4, (65535.0,), (-3.0, 0.0, 8192.0, 0.5), (2.0**32 - 1,), (0.000001,),
])  # fmt: skip
def test_ratios_come_back(values: tuple[float, ...]) -> None:
    tag = ratios(50714, values, TIFF.CLASSIC_LE)
    assert values_of(tag, TIFF.CLASSIC_LE) == values
    assert tag.kind == (DATATYPE.SRATIONAL if min(values) < 0 else DATATYPE.RATIONAL)


def test_what_no_ratio_says_exactly_is_near() -> None:
    for value in (1 / 3, 8192 + 1 / 3, 1e6 / 7):
        (found,) = values_of(ratios(50714, (value,), TIFF.CLASSIC_BE), TIFF.CLASSIC_BE)
        assert found == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_some_tags_are_always_signed_and_none_holds_more_than_32_bits() -> None:
    assert ratios(50721, (0.5,), TIFF.CLASSIC_LE, signed=True).kind == DATATYPE.SRATIONAL
    with pytest.raises(ValueError, match="tag 50714"):
        ratios(50714, (2.0**33,), TIFF.CLASSIC_LE)
