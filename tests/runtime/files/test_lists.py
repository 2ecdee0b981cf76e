"""Lists of files: every line is one path, whatever letters are in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import list_inputs

ODD = ("a b.png", "100%.png", "-o.png", "a\x0bb.png", "a\x85b.png", "a\u2028b.png", " é .png", "a\x1cb.png", "[x].png")


def write_list(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "list.txt").write_bytes(content)
    return f"@{tmp_path}/list.txt"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_each_line_is_a_path(tmp_path: Path, end: str, mark: bytes) -> None:
    names = write_list(tmp_path, mark + end.join((*ODD, "", ODD[0])).encode())
    assert list_inputs([names]) == [Path(name) for name in ODD]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a.txt\n", b"folder\n", b"\xff\xfe.png\n", b"a.png\0b.png\n"])
def test_what_names_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"list\.txt"):
        list_inputs([write_list(tmp_path, content)])
