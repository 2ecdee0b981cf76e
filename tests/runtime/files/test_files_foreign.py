"""Formats of other programs: refused in one line that names a package and a call that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from support.commands import run_command

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import list_inputs, open_image
from zsn2m_runtime.files.foreign import FOREIGN_SUFFIXES, refuse_foreign
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES


@pytest.mark.parametrize("suffix", FOREIGN_SUFFIXES)
def test_each_names_a_package_and_python_that_converts(tmp_path: Path, suffix: str) -> None:
    assert suffix not in IMAGE_SUFFIXES
    path = tmp_path / f"cells{suffix.upper()}"
    path.write_bytes(b"\0")
    for look in (open_image, lambda path: list_inputs([str(path)])):
        with pytest.raises(InputError, match=rf"\{suffix}, which is not read.*pip install") as caught:
            look(path)
    message = str(caught.value)
    assert "\n" not in message
    call = message.partition("): ")[2].partition("; of OME")[0]
    ast.parse(call)
    names = {node.value for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Constant)}
    assert path.name in names
    target = next(name for name in names if re.fullmatch(r"cells\.(ome\.tif|tif|png|npy|pfm)", str(name)))
    assert Path(target).suffix in IMAGE_SUFFIXES


@pytest.mark.parametrize("command", ["denoise", "stream", "train-and-export", "inspect"])
@pytest.mark.parametrize("name", ["cells.czi", "cells.n5", "scan.dcm"])
def test_every_command_says_so(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    path = tmp_path / name
    path.mkdir() if name.endswith(".n5") else path.write_bytes(b"\0")
    takes_bundle, output = command in ("denoise", "stream"), ["-o", tmp_path / "out.tif"]
    if command.startswith("train"):
        output = ["-o", tmp_path / "out.zsn2m"]
    arguments = [bundle] * takes_bundle + [path] + ([] if command == "inspect" else output)
    ended = run_command(capsys, command, *arguments)
    assert ended.code == 3
    assert "convert it (pip install" in ended.err


def test_other_names_pass() -> None:
    refuse_foreign(Path("cells.tif"))
    refuse_foreign(Path("cells"))
