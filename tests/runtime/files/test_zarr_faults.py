"""OME-Zarr that is damaged, elsewhere or in the way, and what is said of it."""

from __future__ import annotations

import asyncio
import errno
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np
import pytest
from support.zarr_files import WHY, halved, levels_of, metadata_of, noisy_stack, write_ome_zarr

from zsn2m_runtime.atomic import OutputError
from zsn2m_runtime.errors import InputError, UnavailableError, UsageError
from zsn2m_runtime.files import extras, list_inputs, open_image
from zsn2m_runtime.image import Frame

zarr = pytest.importorskip("zarr", reason=WHY)


def test_a_large_chunk_is_not_decoded_unasked(tmp_path: Path) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 16, 16)), "zyx", levels=1)
    file = path / "0" / "zarr.json"
    content = json.loads(file.read_text())
    content["chunk_grid"]["configuration"]["chunk_shape"] = [2, 1 << 20, 1 << 20]
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="max-pixels"):
        open_image(path)


@pytest.mark.parametrize("chunks", [(1, 8, 8), (2, 8, 8)])
def test_a_broken_chunk_leaves_no_output(tmp_path: Path, chunks: tuple[int, ...]) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((4, 16, 16)), "zyx", chunks=chunks, levels=1)
    last = max(file for file in (path / "0" / "c").rglob("*") if file.is_file())
    last.write_bytes(b"broken" * 5)
    with pytest.raises(InputError, match="damaged"):
        halved(path, tmp_path / "b.zarr")
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.zarr"}


def test_an_older_result_is_replaced_and_no_other_folder(tmp_path: Path) -> None:
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 16, 16)), "zyx", levels=1)
    write_ome_zarr(tmp_path / "b.zarr", noisy_stack((9, 16, 16)), "zyx", levels=1)
    halved(source, tmp_path / "b.zarr")
    assert levels_of(tmp_path / "b.zarr")[0].shape == (2, 16, 16)
    (tmp_path / "c.zarr").mkdir()
    (tmp_path / "c.zarr" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="other files"):
        halved(source, tmp_path / "c.zarr")
    assert (tmp_path / "c.zarr" / "thesis.txt").read_text() == "mine"


def test_where_a_result_cannot_go(tmp_path: Path) -> None:
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 16, 16)), "zyx", levels=1)
    with open_image(source) as image:
        for out in (source, source / "b.zarr", tmp_path, Path("s3://bucket/b.zarr")):
            with pytest.raises(UsageError):
                image.create(out if out != tmp_path else tmp_path / "x.zarr" / ".." / "a.zarr")
    with pytest.raises(UsageError, match="OME-Zarr"):
        zsn2m_save(tmp_path / "b.zarr")


def zsn2m_save(path: Path) -> None:
    from zsn2m_runtime.files import save_image

    save_image(path, Frame(noisy_stack((8, 8))))


def test_an_address_is_read_by_fsspec(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="addresses need fsspec")
    array = noisy_stack((3, 16, 16))
    source = write_ome_zarr(tmp_path / "a.zarr", array, "zyx", channels=("DAPI",))
    memory = fsspec.filesystem("memory")
    memory.put(str(source), "/bucket/a.zarr", recursive=True)
    try:
        (path,) = list_inputs(["memory://bucket/a.zarr"])
        halved(path, tmp_path / "b.zarr")
    finally:
        memory.rm("/bucket", recursive=True)
    assert np.array_equal(levels_of(tmp_path / "b.zarr")[0], array // 2)
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)
    with pytest.raises(InputError, match="check the path"):
        open_image(Path("memory://bucket/none.zarr"))


def test_a_web_server_lists_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[[Path], str]
) -> None:
    """As `python -m http.server` does: names of folders end with a slash, and their content is a page."""
    pytest.importorskip("aiohttp", reason="fsspec reads http with aiohttp")
    pytest.importorskip("requests", reason="fsspec asks for it too")
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((3, 16, 16)), "zyx", channels=("DAPI",))
    (path,) = list_inputs([f"{serve(tmp_path)}a.zarr"])
    halved(path, tmp_path / "b.zarr")
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)
    places = [{entry.relative_to(top) for entry in top.rglob("*")} for top in (source, tmp_path / "b.zarr")]
    assert places[0] == places[1]


def test_folders_that_a_server_gives_as_pages_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="addresses need fsspec")
    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((16, 16)), "yx", levels=1)
    get, list_dir = zarr.storage.FsspecStore.get, zarr.storage.FsspecStore.list_dir

    async def page_or_file(store: Any, key: str, prototype: Any, *rest: Any, **options: Any) -> Any:
        if (source / key).is_dir() or "evil" in key or "?" in key:
            return prototype.buffer.from_bytes(b"<html>")
        return await get(store, key, prototype, *rest, **options)

    async def links(store: Any, prefix: str) -> Any:
        for name in ("?C=N;O=D", "../../evil", "..", "/evil", "a/evil", "", "/"):
            yield name
        async for name in list_dir(store, prefix):
            yield f"{name}/" if (source / prefix / name).is_dir() else name

    monkeypatch.setattr(zarr.storage.FsspecStore, "get", page_or_file)
    monkeypatch.setattr(zarr.storage.FsspecStore, "list_dir", links)
    memory = fsspec.filesystem("memory")
    memory.put(str(source), "/bucket/a.zarr", recursive=True)
    try:
        halved(Path("memory://bucket/a.zarr"), tmp_path / "b.zarr")
    finally:
        memory.rm("/bucket", recursive=True)
    assert metadata_of(tmp_path / "b.zarr") == metadata_of(source)
    assert not [file for file in tmp_path.rglob("*") if "evil" in str(file) or "?" in str(file)]


def test_what_a_server_does_not_list_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_dir(*_: Any) -> Any:
        raise NotImplementedError

    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((16, 16)), "yx", levels=1)
    monkeypatch.setattr(zarr.storage.LocalStore, "list_dir", list_dir)
    with open_image(source) as image, image.create(tmp_path / "b.zarr") as writer:
        assert "labels" in writer.notes[0]
        writer.write(image.read(0))
    assert not (tmp_path / "b.zarr" / "labels").exists()


def test_a_full_disk_while_labels_are_copied_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = zarr.storage.LocalStore.set

    async def full(store: Any, key: str, value: Any) -> None:
        if "labels" in key:
            raise OSError(errno.ENOSPC, "full")
        await put(store, key, value)

    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((16, 16)), "yx", levels=1)
    monkeypatch.setattr(zarr.storage.LocalStore, "set", full)
    with (
        open_image(source) as image,
        pytest.raises(OutputError, match="disk is full"),
        image.create(tmp_path / "b.zarr"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_chunks_that_are_written_after_the_error_of_another_are_removed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = zarr.storage.LocalStore.set

    async def full_or_late(store: Any, key: str, value: Any) -> None:
        if key.endswith("c/1/0/0"):
            raise OSError(errno.ENOSPC, "full")
        if "/c/1/" in key:
            await asyncio.sleep(0.03)
        await put(store, key, value)

    source = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 32, 32)), "zyx", chunks=(1, 16, 16), levels=1)
    monkeypatch.setattr(zarr.storage.LocalStore, "set", full_or_late)
    with pytest.raises(OutputError, match="disk is full"):
        halved(source, tmp_path / "b.zarr")
    time.sleep(0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


@pytest.mark.parametrize("pages", [1, 8])
def test_a_full_disk_of_temporary_files_is_not_the_images_fault(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr("zsn2m_runtime.files.zarr_planes.MOST_IN_MEMORY", 1 << 10)
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    path = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((8, 200, 200)), "zyx", levels=1)  # 640 kB a chunk
    with open_image(path) as image:
        for _ in range(2):  # the second time likewise, and the file can be closed
            with pytest.raises(OutputError, match=rf"{small_disk}: .*its disk is full.*TMPDIR"):
                image.read(pages - 1)
    with pytest.raises(OutputError, match=rf"{small_disk}: "):
        halved(path, tmp_path / "b.zarr")
    assert [entry.name for entry in tmp_path.iterdir() if entry != small_disk] == ["a.zarr"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "your quota of its disk"),
        (OSError(errno.EFBIG, "File too large"), "too large for its file system"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "set TMPDIR to one"),
    ],
)
def test_other_faults_of_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    class Failing(SpooledTemporaryFile[bytes]):
        def rollover(self) -> None:
            raise error

    monkeypatch.setattr("zsn2m_runtime.files.zarr_planes.MOST_IN_MEMORY", 1 << 10)
    monkeypatch.setattr("zsn2m_runtime.files.zarr_planes.SpooledTemporaryFile", Failing)
    path = write_ome_zarr(tmp_path / "a.zarr", noisy_stack((2, 40, 40)), "zyx", levels=1)
    with open_image(path) as image, pytest.raises(OutputError, match=said):
        image.read(0)


def test_without_zarr_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(UnavailableError, match=r"zsn2m-deploy\[zarr\]"):
        open_image(tmp_path / "a.zarr")


def test_folders_hold_images_of_this_kind_too(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "in" / "a.zarr", noisy_stack((16, 16)), "yx", levels=1)
    assert list_inputs([str(tmp_path / "in")]) == [tmp_path / "in" / "a.zarr"]
    assert math.isfinite(levels_of(tmp_path / "in" / "a.zarr")[0].mean())
