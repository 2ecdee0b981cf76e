"""What an installed package holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = {
    "runtime/cpp/include/zsn2m/zsn2m.h": r"#define ZSN2M_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)",
    "CITATION.cff": r"(?m)^version: (.*)$",
    "CHANGELOG.md": r"\A# Changelog\n\n## (\S*)",  # the newest
}


@pytest.mark.parametrize("path", VERSIONS)
def test_files_that_repeat_the_version_have_that_of_the_project(path: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert ".".join(re.findall(VERSIONS[path], (ROOT / path).read_text(encoding="utf-8"))) == version


def test_the_workflow_runs_the_scripts_on_every_python_that_is_promised() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert re.findall(r'"(3\.\d+)"', workflow)[0] == oldest.removeprefix(">=")
    for script in re.findall(r"run: (scripts/\S+)", workflow):
        assert (ROOT / script).stat().st_mode & 0o100


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
