"""Axes of stacks: which page is which, as files written by tifffile say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import Channel, open_image
from zsn2m_runtime.files.axes import StackAxes, choose_pages, find_channel, pages_in_words

NAMED = {"Channel": {"Name": ["DAPI", "GFP"]}}
ORDERS = ["CTZYX", "CZTYX", "TCZYX", "TZCYX", "ZCTYX", "ZTCYX"]
LENGTHS = {"C": 2, "T": 3, "Z": 4}


def numbered(letters: str) -> np.ndarray[Any, Any]:
    """Pages that hold 100 times their channel, 10 times their time and once their plane, each from 1."""
    shape = tuple(LENGTHS[letter] for letter in letters)
    weight = {"C": 100, "T": 10, "Z": 1}
    places = np.indices(shape) + 1
    values = sum(weight[letter] * places[axis] for axis, letter in enumerate(letters))
    return np.asarray(values, np.uint16)[..., None, None] * np.ones((8, 9), np.uint16)


def axes_of(path: Path) -> StackAxes:
    with open_image(path) as image:
        return image.axes


def assert_as_numbered(path: Path) -> None:
    """Each page is of the channel, the time and the plane that its values say."""
    with open_image(path) as image:
        axes = image.axes
        assert image.page_count == len(axes.places) == 24
        for page, frame in enumerate(image):
            value = int(frame.pixels[0, 0])
            place = dict(zip(axes.letters, axes.places[page], strict=True))
            assert axes.channel_of(page).number == value // 100
            assert (place["T"] + 1, place["Z"] + 1) == (value // 10 % 10, value % 10)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"compression": "zlib", "tile": (16, 16)}])
def test_every_order_of_an_ome_tiff(tmp_path: Path, order: str, options: dict[str, Any]) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, numbered(order[:3]), metadata={"axes": order} | NAMED, photometric="minisblack", **options)
    assert_as_numbered(path)
    axes = axes_of(path)
    assert axes.channels == (Channel(1, "DAPI"), Channel(2, "GFP"))
    assert axes.origin == "OME-XML"
    assert "2 channels (DAPI, GFP)" in axes.in_words() and "3 times" in axes.in_words()


@pytest.mark.parametrize("single", [False, True])
def test_an_imagej_composite(tmp_path: Path, single: bool) -> None:
    path = tmp_path / "a.tif"
    facts = {"axes": "TZCYX", "mode": "composite", "unit": "um", "spacing": 0.3, "finterval": 2.0}
    tifffile.imwrite(path, numbered("TZC"), imagej=True, resolution=(5, 5), metadata=facts, truncate=single)
    assert_as_numbered(path)
    axes = axes_of(path)
    assert axes.channels == (Channel(1), Channel(2))
    said = "0.2 um wide, 0.2 um high, 0.3 um from plane to plane, 2 s from time to time"
    assert axes.steps_in_words() == said


def test_labels_of_imagej_that_are_the_same_all_over_a_channel_are_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    stack = np.zeros((2, 2, 8, 9), np.uint16)
    for labels, names in (
        (["c:1/2 z:1/2 - DAPI", "c:2/2 z:1/2 - GFP", "c:1/2 z:2/2 - DAPI", "c:2/2 z:2/2 - GFP"], ["DAPI", "GFP"]),
        (["c:1/2 z:1/2 - a.nd2", "c:2/2 z:1/2 - a.nd2"] * 2, ["", ""]),
        (["1", "2", "3", "4"], ["", ""]),
    ):
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZCYX", "Labels": labels})
        assert [channel.name for channel in axes_of(path).channels] == names


def test_tifffile_s_own_axes_and_none_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, numbered("TZC"), photometric="minisblack", metadata={"axes": "TZCYX"})
    assert_as_numbered(path)
    for metadata in ({}, None):
        tifffile.imwrite(path, numbered("TZC"), photometric="minisblack", metadata=metadata)
        axes = axes_of(path)
        assert axes.is_plain and axes.channels == (Channel(1),) and len(axes.places) == 24
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 9, 1), np.uint8))
    assert axes_of(tmp_path / "a.npy").is_plain


@pytest.mark.parametrize(("shape", "axes"), [((3, 8, 9, 3), "TYXS"), ((3, 3, 8, 9), "TCYX")])
def test_colours_within_a_page_are_no_channels_of_the_stack(tmp_path: Path, shape: tuple[int, ...], axes: str) -> None:
    path = tmp_path / "a.ome.tif"
    planar = "separate" if axes == "TCYX" else None
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="rgb", planarconfig=planar, metadata={"axes": axes})
    found = axes_of(path)
    assert (found.letters, len(found.channels), len(found.places)) == ("T", 1, 3)


def test_images_of_one_file_share_channels_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as file:
        for names in (["DAPI", "GFP"], ["GFP", "DAPI"]):
            metadata = {"axes": "CYX", "Channel": {"Name": names}}
            file.write(np.zeros((2, 8, 9), np.uint8), photometric="minisblack", metadata=metadata)
    axes = axes_of(path)
    assert [axes.channel_of(page).name for page in range(4)] == ["DAPI", "GFP", "GFP", "DAPI"]
    assert axes.in_words() == "2 positions x 2 channels (DAPI, GFP)"


def test_a_file_of_a_set_has_the_channels_of_its_own_pages(tmp_path: Path) -> None:
    names = [tmp_path / f"{name}.ome.tif" for name in ("a", "b")]
    for path in names:
        tifffile.imwrite(path, np.zeros((2, 8, 9), np.uint8), photometric="minisblack", metadata={"axes": "TYX"})
    blocks = "".join(
        f'<TiffData FirstC="{c}" FirstT="{t}" IFD="{t}" PlaneCount="1"><UUID FileName="{path.name}">urn:uuid:{c}</UUID>'
        f"</TiffData>"
        for c, path in enumerate(names)
        for t in range(2)
    )
    channels = "".join(f'<Channel ID="Channel:0:{c}" Name="{name}"/>' for c, name in enumerate(("DAPI", "GFP")))
    for c, path in enumerate(names):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{c}"><Image ID="Image:0">'
            f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="9" SizeY="8" SizeC="2" SizeZ="1" '
            f'SizeT="2">{channels}{blocks}</Pixels></Image></OME>'
        )
        tifffile.tiffcomment(path, xml.encode())
        axes = axes_of(path)
        assert axes.channels == (Channel(c + 1, ("DAPI", "GFP")[c]),)
        assert (axes.letters, len(axes.places)) == ("T", 2)


def test_metadata_that_is_no_xml_leaves_a_plain_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((3, 8, 9), np.uint8), photometric="minisblack", metadata={"axes": "CYX"})
    tifffile.tiffcomment(path, b'<?xml version="1.0"?><OME><Image><Pixels SizeC="x"></OME>')
    assert len(axes_of(path).places) == 3


TCZ = StackAxes(
    "TC", tuple((t, c) for t in range(3) for c in range(2)), (Channel(1, "DAPI"), Channel(2, "gfp")), origin="OME-XML"
)


def test_channels_are_found_by_name_or_number() -> None:
    for text, number in (("DAPI", 1), ("dapi", 1), ("GFP", 2), ("2", 2)):
        assert find_channel(text, TCZ.channels, "a").number == number
    with pytest.raises(UsageError, match=r"1 \(DAPI\), 2 \(gfp\).*RFP"):
        find_channel("RFP", TCZ.channels, "a")
    twice = (Channel(1, "GFP"), Channel(2, "GFP"), Channel(3, "1"))
    with pytest.raises(UsageError, match="say 1 or 2"):
        find_channel("GFP", twice, "a")
    assert find_channel("1", twice, "a").number == 3  # names come first


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", [1]), ("2-3", [3, 5]), ("all", [1, 3, 5]), ("t=2", [3]), ("t=1,3", [1, 5]), ("T=1-2", [1, 3])],
)
def test_pages_count_within_the_channel_or_name_places(text: str, expected: list[int]) -> None:
    assert choose_pages(text, TCZ.pages_of(TCZ.channels[1]), TCZ, "a") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4", "from 1 to 3"),
        ("t=4", "from 1 to 3"),
        ("z=1", r"axes of the stack \(t=\)"),
        ("c=1", "--channel says which"),
        ("t=", "such as 1 or 1,3-5"),
        ("=2", "axes of the stack"),
        ("1,t=2", "axes of the stack"),
    ],
)
def test_pages_that_are_not_there(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_pages(text, TCZ.pages_of(TCZ.channels[1]), TCZ, "a")


def test_pages_in_words() -> None:
    rows = {(1,): "1", (1, 2): "1, 2", (1, 2, 3): "1-3", (1, 3, 5, 7, 9): "1, 3, 5, ..., 9", (1, 2, 3, 7): "1-3, 7"}
    assert {pages: pages_in_words(pages) for pages in rows} == rows
