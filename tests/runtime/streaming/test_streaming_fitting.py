"""Sources whose frames are not of the bundle's sensor are refused before the first one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.streaming.ends import StreamInfo
from zsn2m_runtime.streaming.running import check_source_fits

INFO = StreamInfo("clip.mov", 24, 32, "uint8", 3, (0, 255))


@pytest.fixture(scope="module")
def denoiser(make_bundle: Any) -> Denoiser:
    return Denoiser(make_bundle(), "mbd", "cpu", 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dtype": "uint16", "range": (0, 1023)}, "colour uint16, range 0 to 1023"),
        ({"channels": 1}, "grey uint8"),
        ({"range": (0, 127)}, "range 0 to 127"),
    ],
)
def test_a_source_of_another_sensor_is_refused_before_its_first_frame(
    denoiser: Denoiser, changes: dict[str, Any], expected: str
) -> None:
    info = StreamInfo(**(INFO.__dict__ | changes))
    with pytest.raises(InputError, match=expected):
        check_source_fits(denoiser, info)
    check_source_fits(denoiser, INFO)


@pytest.mark.parametrize("is_file", [False, True])
def test_a_refusal_names_a_command_only_where_it_would_work(denoiser: Denoiser, tmp_path: Path, is_file: bool) -> None:
    (tmp_path / "clip.mov").touch()
    name = str(tmp_path / "clip.mov") if is_file else "camera 0"
    with pytest.raises(InputError) as caught:
        check_source_fits(denoiser, replace(INFO, name=name, channels=1))
    assert ("train-and-export" in str(caught.value)) is is_file


def test_images_whose_range_is_unknown_are_checked_frame_by_frame(make_bundle: Any, tmp_path: Path) -> None:
    denoiser = Denoiser(make_bundle("uint16", 1, (0.0, 1023.0), "mbd"), "mbd", "cpu", 1)
    check_source_fits(denoiser, StreamInfo("stack.tif", 24, 32, "uint16", 1, None))
    with pytest.raises(InputError, match="range 0 to 65535"):
        check_source_fits(denoiser, StreamInfo("stack.mkv", 24, 32, "uint16", 1, (0, 65535)))
