"""OME-Zarr: what comes back of an image, by zarr itself, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.zarr_files import (
    WHY,
    every_second,
    halved,
    levels_of,
    mean_of_areas,
    mean_of_cubes,
    metadata_of,
    noisy_stack,
    write_ome_zarr,
)

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import list_inputs, open_image, zarr_planes

zarr = pytest.importorskip("zarr", reason=WHY)

STORED = {
    "0.4": ("0.4", "tczyx", (2, 2, 3, 64, 48), (1, 1, 1, 32, 32), None, mean_of_areas),
    "0.4 chunks over times and planes": ("0.4", "tzyx", (3, 5, 32, 24), (2, 2, 16, 24), None, mean_of_areas),
    "0.5 picked": ("0.5", "tczyx", (2, 2, 4, 64, 48), (1, 1, 2, 32, 24), None, every_second),
    "0.5 shards": ("0.5", "czyx", (2, 8, 64, 64), (1, 2, 16, 16), (1, 4, 32, 32), mean_of_cubes),
    "0.5 one plane": ("0.5", "yx", (64, 48), (32, 32), None, mean_of_areas),
}


@pytest.mark.parametrize("kind", STORED)
def test_all_of_an_image_comes_back(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    version, axes, shape, chunks, shards, shrink = STORED[kind]
    array = noisy_stack(shape)
    source = write_ome_zarr(tmp_path / "a.ome.zarr", array, axes, version, chunks, shards, 3, shrink, ("DAPI", "GFP"))
    written: Counter[str] = Counter()
    put = zarr.storage.LocalStore.set

    async def counting(store: Any, key: str, value: Any) -> None:
        written[f"{store.root}/{key}"] += 1
        await put(store, key, value)

    monkeypatch.setattr(zarr.storage.LocalStore, "set", counting)
    monkeypatch.setattr(zarr_planes, "MOST_IN_MEMORY", 1)  # planes of a chunk go through a file
    halved(source, tmp_path / "b.zarr")
    full, *smaller = levels_of(tmp_path / "b.zarr")
    assert np.array_equal(full, array // 2)
    for number, level in enumerate(smaller):
        wanted = (array // 2).astype(np.float64)
        for _ in range(number + 1):
            wanted = shrink(wanted)
        assert np.abs(level - wanted).max() <= (0 if shrink is every_second else 0.5)  # whole numbers are rounded
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)
    assert names(tmp_path / "b.zarr") == names(source)
    assert max(count for key, count in written.items() if "/c/" in key or key[-1].isdigit()) == 1


def names(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}


def test_pages_axes_and_distances(tmp_path: Path) -> None:
    array = noisy_stack((2, 2, 3, 16, 24))
    with open_image(write_ome_zarr(tmp_path / "a.zarr", array, channels=("DAPI", "GFP"))) as image:
        assert image.axes.in_words() == "2 times x 2 channels (DAPI, GFP) x 3 planes"
        assert image.axes.places[image.axes.pages_of(image.axes.channels[1])[0]] == (0, 1, 0)
        assert np.array_equal(image.read(5).pixels, array[0, 1, 2])
        assert {step.axis: (step.size, step.unit) for step in image.axes.steps} == {
            "X": (0.5, "micrometer"),
            "Y": (0.5, "micrometer"),
            "Z": (1.5, "micrometer"),
            "T": (1.5, "second"),
        }


def test_pages_of_chunks_over_two_axes_lie_chunk_by_chunk(tmp_path: Path) -> None:
    array = noisy_stack((2, 4, 8, 8))
    with open_image(write_ome_zarr(tmp_path / "a.zarr", array, "tzyx", chunks=(2, 2, 8, 8), levels=1)) as image:
        assert image.axes.places[:5] == ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2))
        assert np.array_equal(image.read(3).pixels, array[1, 1])


def test_levels_of_unchanged_channels_are_copied(tmp_path: Path) -> None:
    def strange(array: np.ndarray) -> np.ndarray:
        return mean_of_areas(array) + 7

    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 2, 16, 16)), "czyx", levels=2, shrink=strange)
    halved(source, tmp_path / "b.zarr", lambda page: page < 2)
    (before, small_before), (after, small_after) = levels_of(source), levels_of(tmp_path / "b.zarr")
    assert np.array_equal(after[0], before[0]) and np.array_equal(small_after[0], small_before[0])
    assert not np.array_equal(small_after[1], small_before[1])
    assert np.abs(small_after[1] - mean_of_areas(before[1] // 2)).max() <= 0.5


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "uint32", "float32", "float64"])
def test_sample_types_stay(tmp_path: Path, dtype: str) -> None:
    array = noisy_stack((2, 16, 16), high=100).astype(dtype)
    if array.dtype.kind == "f":
        array[0, :2] = np.nan
    source = write_ome_zarr(tmp_path / "a.zarr", array, "zyx", "0.4", levels=1)
    with open_image(source) as image, image.create(tmp_path / "b.zarr") as writer:
        for frame in image:
            assert frame.dtype == array.dtype.newbyteorder("=").name
            writer.write(frame)
    found = levels_of(tmp_path / "b.zarr")[0]
    assert found.dtype == levels_of(source)[0].dtype and np.array_equal(found, array, equal_nan=array.dtype.kind == "f")


def test_an_image_of_a_plate_and_the_one_of_a_collection(tmp_path: Path) -> None:
    plate = tmp_path / "plate.zarr"
    group = zarr.open_group(plate, mode="w", zarr_format=2)
    group.attrs.update({"plate": {"wells": [{"path": "A/1"}]}})
    array = noisy_stack((2, 16, 16))
    write_ome_zarr(plate / "A/1/0", array, "zyx", "0.4")
    with pytest.raises(InputError, match=r"plate.*plate\.zarr/A/1/0"):
        open_image(plate)
    assert list_inputs([str(plate / "A/1/0")]) == [plate / "A/1/0"]
    with open_image(plate / "A/1/0") as image:
        assert image.page_count == 2

    collection = tmp_path / "c.zarr"
    zarr.open_group(collection, mode="w", zarr_format=2).attrs.update({"bioformats2raw.layout": 3})
    write_ome_zarr(collection / "0", array, "zyx", "0.4")
    (collection / "OME").mkdir()
    (collection / "OME" / "METADATA.ome.xml").write_text("<OME/>")
    halved(collection, tmp_path / "d.zarr")
    assert np.array_equal(levels_of(tmp_path / "d.zarr" / "0")[0], array // 2)
    assert names(tmp_path / "d.zarr") == names(collection)
    write_ome_zarr(collection / "1", array, "zyx", "0.4")
    with pytest.raises(InputError, match="collection of 2"):
        open_image(collection)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = path / "zarr.json"
    content = json.loads(file.read_text())
    change(content["attributes"])
    file.write_text(json.dumps(content))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "labels": (lambda path: edit(path, lambda said: said["ome"].update({"image-label": {}})), "labels"),
    "no multiscales": (lambda path: edit(path, lambda said: said["ome"].pop("multiscales")), "without multiscales"),
    "version": (lambda path: edit(path, lambda said: said["ome"].update(version="0.9")), r"0\.4 or 0\.5.*0\.9"),
    "no axes": (lambda path: edit(path, lambda said: said["ome"]["multiscales"][0].pop("axes")), "axes"),
    "order": (lambda path: edit(path, lambda said: said["ome"]["multiscales"][0]["axes"].reverse()), "y and x"),
    "a level": (lambda path: (path / "1" / "zarr.json").unlink(), "damaged"),
    "no dataset": (lambda path: edit(path, lambda said: said["ome"]["multiscales"][0].pop("datasets")), "damaged"),
    "no JSON": (lambda path: (path / "zarr.json").write_text("{"), "opened as one"),
    "nothing": (lambda path: [(path / "zarr.json").unlink()], "opened as one"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_image_is_refused(tmp_path: Path, kind: str) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 16, 16)), "zyx")
    change, words = BROKEN[kind]
    change(path)
    with pytest.raises(InputError, match=words):
        open_image(path)


def test_other_nodes_and_samples_are_refused(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "array.zarr", data=np.zeros((4, 4)))
    with pytest.raises(InputError, match="plain Zarr array"):
        open_image(tmp_path / "array.zarr")
    write_ome_zarr(tmp_path / "bool.zarr", np.zeros((4, 4), bool), "yx", levels=1)
    with pytest.raises(InputError, match=r"bool.*astype"):
        open_image(tmp_path / "bool.zarr")
    (tmp_path / "file.zarr").write_bytes(b"PK")
    with pytest.raises(InputError, match="unpack"):
        open_image(tmp_path / "file.zarr")
