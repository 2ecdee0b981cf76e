"""What `export` writes beside a bundle is kept, and replaced with --overwrite alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.bundles import BundleMaker
from support.commands import run_command
from support.refusals import Refused, mounted, snapshot

Export = Callable[..., list[object]]


@pytest.fixture(params=["cpp", "web", "bioimageio", "darktable"])
def export(request: pytest.FixtureRequest, stand_in: Path, make_bundle: BundleMaker, tmp_path: Path) -> Export:
    """Gives the arguments of a command that writes to a target."""
    shutil.copytree(make_bundle(method="adapt"), tmp_path / "cam.zsn2m")
    options = {
        "cpp": ["--cpp-back-end", "onnxruntime", "--cpp"],
        "web": ["--onnxruntime-web", stand_in, "--web"],
    }.get(request.param, ["--to", request.param, "-o"])
    return lambda target, *more: ["export", "cam.zsn2m", *options, target, *more]


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(
    export: Export, refused: Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(capsys, *export("out")).code == 0
    written = snapshot(Path("out")) or Path("out").read_bytes()
    assert "--overwrite" in refused(6, *export("out"))
    if Path("out").is_dir():
        Path("out", "stale.txt").write_text("of a former bundle")
    else:
        Path("out").write_text("of a former bundle")
    assert run_command(capsys, *export("out", "--overwrite")).code == 0
    assert (snapshot(Path("out")) or Path("out").read_bytes()) == written


def test_what_was_written_by_others_and_what_does_not_fit_stays(
    export: Export, refused: Refused, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "mine.txt").write_text("mine")
    assert "thesis" in refused(6, *export("thesis", "--overwrite"))
    with mounted(tmp_path / "disk", "size=4m") as disk:
        assert run_command(capsys, *export(disk / "out")).code == 0
        (disk / "full").write_bytes(bytes(shutil.disk_usage(disk).free - (64 << 10)))
        said = refused(6, *export(disk / "out", "--overwrite"))
        assert "the disk is full" in said and "disk/out" in said  # and not the file that is copied


def test_models_in_the_bundle_are_always_replaced(make_bundle: BundleMaker, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "export", make_bundle(method="mbd"), "--overwrite")
    assert (ended.code, "--cpp, --web or --to" in ended.err) == (2, True)
