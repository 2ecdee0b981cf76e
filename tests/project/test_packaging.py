"""What an installed package holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_packages_that_is_no_python_is_packed() -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    for name, folder in (
        ("zsn2m_deploy", ROOT),
        ("zsn2m_export", ROOT / "export"),
        ("zsn2m_runtime", ROOT / "runtime"),
    ):
        package = folder / name
        found = {path for pattern in packed[name] for path in package.glob(pattern)}
        there = {
            path
            for path in package.rglob("*")
            if path.is_file() and path.suffix not in (".py", ".pyc") and "cpp_template" not in path.parts
        }
        assert there <= found, f"{name}: not in package-data: {sorted(map(str, there - found))}"
