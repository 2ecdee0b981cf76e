"""OME-Zarr of strangers: nothing outside of a group is read, nothing is run, and metadata cost no memory."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.zarr_files import WHY, noisy_stack, write_ome_zarr

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import open_image

pytest.importorskip("zarr", reason=WHY)


def small(tmp_path: Path, **options: Any) -> Path:
    return write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 16, 16)), "zyx", **options)


def copied(source: Path, out: Path) -> tuple[str, ...]:
    """What is said of a copy."""
    with open_image(source) as image, image.create(out) as writer:
        for frame in image:
            writer.write(frame)
    return writer.notes


def change_json(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_links_and_pipes_beside_the_image_are_left_out(tmp_path: Path) -> None:
    source, secret = small(tmp_path), tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("mine")
    (source / "labels" / "out").symlink_to(secret)
    (source / "labels" / "key").symlink_to(secret / "key")
    (source / "labels" / "ring").symlink_to("..")
    os.mkfifo(source / "pipe")
    notes = copied(source, tmp_path / "b.zarr")
    assert sorted(note.split()[0] for note in notes) == ["labels/key", "labels/out", "labels/ring", "pipe"]
    assert {path.name for path in (tmp_path / "b.zarr" / "labels").iterdir()} == {"nuclei", "zarr.json"}


@pytest.fixture
def limit() -> Iterator[None]:
    """Ends a test that waits for a writer."""

    def end(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def replaced_by_a_pipe(file: Path) -> str:
    os.mkfifo(file)
    return "a pipe"


def replaced_by_a_folder(file: Path) -> str:
    file.mkdir()
    return "a folder"


def replaced_by_a_device(file: Path) -> str:
    file.symlink_to("/dev/zero")
    return "a device"


@pytest.mark.usefixtures("limit")
@pytest.mark.parametrize("replaced", [replaced_by_a_pipe, replaced_by_a_folder, replaced_by_a_device])
@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "0/c/1/0/0"),
        ({"version": "0.4"}, "0/1.0.0"),
        ({"chunks": (1, 8, 8), "shards": (1, 16, 16)}, "0/c/1/0/0"),
        ({"chunks": (2, 16, 16)}, "0/c/0/0/0"),
        ({}, "zarr.json"),
        ({}, "0/zarr.json"),
        ({"version": "0.4"}, "0/.zarray"),
        ({"version": "0.4"}, ".zattrs"),
    ],
)
def test_what_is_no_plain_file_is_not_read(
    tmp_path: Path, replaced: Callable[[Path], str], options: dict[str, Any], name: str
) -> None:
    source = small(tmp_path, **({"chunks": (1, 16, 16)} | options))
    file = source / name
    file.unlink()
    kind = replaced(file)
    with pytest.raises(InputError, match=rf"{name}: expected a plain file .* got {kind}"):
        copied(source, tmp_path / "b.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_a_chunk_below_a_file_is_not_taken_for_one_that_is_not_there(tmp_path: Path) -> None:
    source = small(tmp_path, chunks=(1, 16, 16))
    shutil.rmtree(source / "0" / "c" / "1")
    (source / "0" / "c" / "1").write_bytes(b"cut short")
    with pytest.raises(InputError, match=r"damaged.*Not a directory"):
        copied(source, tmp_path / "b.zarr")


def test_metadata_that_are_a_link_are_not_copied(tmp_path: Path) -> None:
    source = small(tmp_path, version="0.4")
    (tmp_path / "key").write_text("mine")
    (source / ".zmetadata").unlink(missing_ok=True)
    (source / ".zmetadata").symlink_to(tmp_path / "key")
    with pytest.raises(InputError, match=r"\.zmetadata is a link"):
        copied(source, tmp_path / "b.zarr")
    assert not (tmp_path / "b.zarr").exists()


@pytest.mark.parametrize("part", ["plate", "well"])
@pytest.mark.parametrize(
    "said", [5, None, {"wells": [1], "images": [1]}, {"wells": 5, "images": "ab"}, {"wells": [{}]}]
)
def test_collections_of_any_content_are_an_error_in_words(tmp_path: Path, part: str, said: object) -> None:
    source = small(tmp_path)
    change_json(source / "zarr.json", lambda content: content["attributes"]["ome"].update({part: said}))
    with pytest.raises(InputError, match=r"damaged|name the image"):
        open_image(source)


def test_a_broken_image_of_a_collection_is_an_error_in_words(tmp_path: Path) -> None:
    source = small(tmp_path, levels=1)
    change_json(source / "zarr.json", lambda content: content.update(attributes={"bioformats2raw.layout": 3}))
    (source / "0" / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        open_image(source)


@pytest.mark.parametrize("path", ["0", "0/", "../a.zarr/0", ""])
def test_levels_are_different_arrays_of_the_group(tmp_path: Path, path: str) -> None:
    source = small(tmp_path)
    levels = "datasets"
    change_json(
        source / "zarr.json",
        lambda content: content["attributes"]["ome"]["multiscales"][0][levels][1].update(path=path),
    )
    with pytest.raises(InputError, match="damaged"):
        open_image(source)


@pytest.mark.parametrize("filters", [[{"id": "pickle"}], [{"id": "delta", "dtype": "<u2"}, {"id": "pickle"}], None])
def test_no_chunk_is_run(tmp_path: Path, filters: Any) -> None:
    source = small(tmp_path, version="0.4", levels=1)
    compressor = None if filters else {"id": "pickle"}
    change_json(source / "0" / ".zarray", lambda content: content.update(filters=filters, compressor=compressor))
    proof = tmp_path / "run"
    for chunk in (path for path in (source / "0").rglob("[0-9]*") if path.is_file()):
        chunk.write_bytes(pickle.dumps(Evil(proof)))
    with pytest.raises(InputError, match="damaged"), open_image(source) as image:
        image.read()
    assert not proof.exists()


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.mkdir, (str(self.proof), 0o700)


def chunks_of(source: Path, level: str, shape: list[int], chunks: list[int]) -> None:
    def change(content: dict[str, Any]) -> None:
        content.update(shape=shape)
        content["chunk_grid"]["configuration"]["chunk_shape"] = chunks

    change_json(source / level / "zarr.json", change)


def test_a_row_of_chunks_is_not_read_unasked(tmp_path: Path) -> None:
    source = small(tmp_path, levels=1)
    chunks_of(source, "0", [1 << 20, 1, 1 << 26], [1 << 20, 1, 1])
    with pytest.raises(InputError, match="max-pixels"):
        open_image(source)


def test_a_large_chunk_of_a_smaller_level_is_not_decoded_unasked(tmp_path: Path) -> None:
    source = small(tmp_path)
    chunks_of(source, "1", [2, 8, 8], [2, 1 << 20, 1 << 20])
    with pytest.raises(InputError, match="max-pixels"):
        open_image(source)


def test_a_shard_of_endless_chunks_is_refused(tmp_path: Path) -> None:
    source = small(tmp_path, levels=1, chunks=(1, 1, 1), shards=(2, 16, 16))
    chunks_of(source, "0", [2, 16, 16], [1 << 20, 1 << 20, 1 << 20])
    with pytest.raises(InputError, match="shards"):
        open_image(source)


@pytest.mark.parametrize("scale", [["a", "b", "c"], "abc", [1], [10**400, 1, 1]])
def test_distances_that_are_no_numbers_are_refused(tmp_path: Path, scale: object) -> None:
    source = small(tmp_path, levels=1)
    transforms = [{"type": "scale", "scale": scale}]

    def change(content: dict[str, Any]) -> None:
        content["attributes"]["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"] = transforms

    change_json(source / "zarr.json", change)
    with pytest.raises(InputError, match="damaged"):
        open_image(source)


def test_chunks_that_are_missing_are_the_fill_value(tmp_path: Path) -> None:
    source = small(tmp_path, levels=1, chunks=(1, 16, 16))
    for chunk in (source / "0" / "c" / "1").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    with open_image(source) as image:
        assert np.array_equal(image.read(1).pixels, np.zeros((16, 16)))
