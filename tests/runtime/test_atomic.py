"""Files and folders appear whole or not at all."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from zsn2m_runtime import atomic
from zsn2m_runtime.atomic import atomic_file, atomic_folder, check_folder_target
from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.unfinished_file import UnfinishedFile


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB that the test may fill or make read-only."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_file_appears_on_success_with_its_suffix(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "out.png"
    with atomic_file(target) as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == target.parent
        assert temporary.name.startswith(".")
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert contents(tmp_path) == ["a", "a/b", "a/b/out.png"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failed_file_leaves_the_old_one_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_file(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert contents(tmp_path) == ["out.png"]


def test_failed_file_takes_its_new_folders_with_it_but_no_other(tmp_path: Path) -> None:
    (tmp_path / "was").mkdir()
    with pytest.raises(ValueError, match="stop"), atomic_file(tmp_path / "was" / "made" / "deep" / "out.png"):
        raise ValueError("stop")
    assert contents(tmp_path) == ["was"]
    with pytest.raises(ValueError, match="stop"), atomic_file(tmp_path / "made" / "out.png"):
        (tmp_path / "made" / "of somebody else").write_bytes(b"")
        raise ValueError("stop")
    assert contents(tmp_path) == ["made", "made/of somebody else", "was"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_file_mode_obeys_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_file(tmp_path / "out.txt") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "out.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_file_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "file.txt")
    with atomic_file(tmp_path / "link.txt") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "x"


def test_file_refuses_folders_devices_and_files_as_parents(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    cases = [(tmp_path, "got a folder"), (tmp_path / "pipe", "device or pipe"), (tmp_path / "file" / "x", "not a")]
    for path, message in cases:
        with pytest.raises(OutputError, match=message), atomic_file(path):
            pytest.fail("must not come here")
    assert contents(tmp_path) == ["file", "pipe"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS])
def test_errors_of_writing_become_output_errors_that_name_the_file(tmp_path: Path, code: int) -> None:
    error = OSError(code, os.strerror(code))
    with (
        pytest.raises(OutputError, match=r"out\.png: expected .*, but .*; .*") as caught,
        atomic_file(tmp_path / "out.png"),
    ):
        raise error
    assert caught.value.__cause__ is error
    assert contents(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.EIO, None])
def test_errors_of_reading_another_file_pass_through(tmp_path: Path, code: int | None) -> None:
    error = OSError("cannot decode") if code is None else OSError(code, os.strerror(code), "/elsewhere/in.png")
    with pytest.raises(type(error)) as caught, atomic_file(tmp_path / "out.png"):
        raise error
    assert caught.value is error
    with pytest.raises(type(error)) as caught, atomic_folder(tmp_path / "out", overwrite=False):
        raise error
    assert caught.value is error
    assert contents(tmp_path) == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ENOENT, None])
@pytest.mark.parametrize("name", ["flush_to_disk", "_swap_in"])
def test_own_errors_of_every_kind_become_output_errors(
    tmp_path: Path, code: int | None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError("no reason") if code is None else OSError(code, os.strerror(code))

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(atomic, name, fail)
    opened = atomic_file(tmp_path / "out") if name == "flush_to_disk" else atomic_folder(tmp_path / "out", False)
    with pytest.raises(OutputError, match=r"out: expected .*, but .*; .*") as caught, opened:
        pass
    assert caught.value.__cause__ is error
    assert contents(tmp_path) == []


def test_full_disk_says_so_and_leaves_nothing(mounted: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), atomic_file(mounted / "made" / "out.bin") as temporary:
        temporary.write_bytes(bytes(1 << 20))
    assert contents(mounted) == []
    with pytest.raises(OutputError, match="disk is full"), atomic_folder(mounted / "out", overwrite=False) as folder:
        (folder / "manifest.json").write_bytes(bytes(1 << 20))
    assert contents(mounted) == []


def test_read_only_file_system_says_so(mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with pytest.raises(OutputError, match="read-only"), atomic_file(mounted / "out.png"):
        pytest.fail("must not come here")
    with pytest.raises(OutputError, match="read-only"):
        check_folder_target(mounted / "new" / "out", overwrite=False)
    with pytest.raises(OutputError, match="read-only"), atomic_folder(mounted / "out", overwrite=False):
        pytest.fail("must not come here")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_forbidden_folder_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="permission denied"), atomic_file(tmp_path / "out.png"):
        pytest.fail("must not come here")
    with pytest.raises(OutputError, match="permission denied"):
        check_folder_target(tmp_path / "out", overwrite=False)


def test_folder_appears_on_success(tmp_path: Path) -> None:
    target = tmp_path / "made" / "bundle"
    check_folder_target(target, overwrite=False)
    assert contents(tmp_path) == []
    with atomic_folder(target, overwrite=False) as folder:
        (folder / "manifest.json").write_text("new")
        assert not target.exists()
    assert contents(tmp_path) == ["made", "made/bundle", "made/bundle/manifest.json"]


def test_existing_folder_needs_overwrite_and_is_swapped_whole(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "manifest.json").write_text("old")
    (target / "left over").write_text("old")
    with pytest.raises(OutputError, match="--overwrite"):
        check_folder_target(target, overwrite=False)
    with pytest.raises(OutputError, match="--overwrite"), atomic_folder(target, overwrite=False):
        pytest.fail("must not come here")
    check_folder_target(target, overwrite=True)
    with atomic_folder(target, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new")
        assert (target / "manifest.json").read_text() == "old"
    assert (target / "manifest.json").read_text() == "new"
    assert contents(tmp_path) == ["bundle", "bundle/manifest.json"]


def test_unrelated_folders_and_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    for name, message in (("photos", "other files"), ("file", "got a file")):
        with pytest.raises(OutputError, match=message):
            check_folder_target(tmp_path / name, overwrite=True)
        with pytest.raises(OutputError, match=message), atomic_folder(tmp_path / name, overwrite=True):
            pytest.fail("must not come here")
    assert contents(tmp_path) == ["file", "photos", "photos/mine.jpg"]


def test_folder_filled_by_others_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    with pytest.raises(OutputError, match="other files"), atomic_folder(target, overwrite=True):
        (target / "mine.jpg").write_bytes(b"mine")
    assert contents(tmp_path) == ["bundle", "bundle/mine.jpg"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failed_folder_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "manifest.json").write_text("old")
    with pytest.raises(error), atomic_folder(target, overwrite=True) as folder:
        (folder / "manifest.json").write_text("half")
        raise error
    assert (target / "manifest.json").read_text() == "old"
    assert contents(tmp_path) == ["bundle", "bundle/manifest.json"]


def test_failed_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "manifest.json").write_text("old")
    rename, calls = Path.rename, []

    def second_fails(path: Path, to: Path) -> Path:
        calls.append(to)
        if len(calls) == 2:
            raise OSError(errno.EIO, "input/output error")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", second_fails)
    with pytest.raises(OutputError), atomic_folder(target, overwrite=True) as folder:
        (folder / "manifest.json").write_text("new")
    assert len(calls) == 3
    assert (target / "manifest.json").read_text() == "old"
    assert contents(tmp_path) == ["bundle", "bundle/manifest.json"]


def test_giving_up_never_raises(tmp_path: Path) -> None:
    unfinished = UnfinishedFile(tmp_path / "out.tif")
    assert unfinished.give_up(keep=False) is None
    assert list(tmp_path.iterdir()) == []
