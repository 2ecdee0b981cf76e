"""The documents say what is so: links lead somewhere, commands and options exist, names are where they are said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from support.documents import DOCS, PAGES, ROOT, anchors, commands, prose, read

from scripts.docs.__main__ import old_pages
from zsn2m_deploy.cli import app
from zsn2m_runtime.inference.providers import PROVIDERS
from zsn2m_runtime.streaming.containers import VIDEO_SUFFIXES
from zsn2m_runtime.streaming.places import LIVE_SCHEMES

LONGEST = 90  # lines of the README
WIDEST = 120  # characters of a line of prose
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
NOW = [name for name in PAGES if not name.startswith(("docs/decisions/", "docs/results/"))]  # those may name what was


def options(command: str) -> set[str]:
    return {name for part in COMMANDS[command].params for name in (*part.opts, *part.secondary_opts)}


def links(name: str) -> list[tuple[Path, str]]:
    """The file and the fragment of each link to another place here."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", read(name))
    return [((PAGES[name].parent / path).resolve() if path else PAGES[name], anchor) for path, anchor in found]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for path, anchor in links(name):
        assert path.exists(), path
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{path.name}#{anchor}"


def test_the_readme_is_short_and_leads_to_every_document() -> None:
    assert len(read("README.md").splitlines()) <= LONGEST
    names = {path.resolve(): name for name, path in PAGES.items()}
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [names[path] for path, _ in links(name) if path in names]
    assert set(PAGES) - reached == set()


def test_generated_pages_are_up_to_date() -> None:
    assert old_pages() == [], "run: python -m scripts.docs"


@pytest.mark.parametrize("name", PAGES)
def test_lines_of_prose_are_short(name: str) -> None:
    assert [line for line in prose(read(name)) if len(line) > WIDEST] == []


@pytest.mark.parametrize("name", NOW)
def test_commands_and_options_exist(name: str) -> None:
    text = read(name)
    written = [f"zsn2m-deploy {command.split(' # ')[0]}" for command in commands(text)]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    for line in (*written, *(span for span in spans if span.startswith("zsn2m-deploy "))):
        for command in re.findall(r"zsn2m-deploy ([a-z][a-z-]*)", line):
            assert command in COMMANDS, line
            named = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.split(f"zsn2m-deploy {command}")[1].split("|")[0])
            assert set(named) <= options(command), line
    everywhere = set().union(*map(options, COMMANDS), {"--help", "--version", "--install-completion"})
    starts = tuple(f"{command} " for command in COMMANDS)
    for span in spans:
        if span.startswith(("--", *starts)):
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)) <= everywhere, span


@pytest.mark.parametrize("name", ["docs/architecture.md", "docs/paper-map.md"])
def test_names_are_in_the_files_beside_them(name: str) -> None:
    rows = [line.split("|")[1:-1] for line in read(name).splitlines() if line.startswith("| ")]
    looked_up = 0
    for cells in rows:
        place = next((number for number, cell in enumerate(cells) if re.search(r"`[\w/]+\.py`|`[\w/]+/`", cell)), None)
        if place is None:
            continue
        paths = [ROOT / path for path in re.findall(r"`([\w/]+(?:\.py|/))`", cells[place])]
        assert all(path.exists() for path in paths), cells[place]
        files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
        source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        rest = cells[place] if name.endswith("paper-map.md") else cells[place + 1]
        for found in re.findall(r"`(\w+)`", rest):
            assert re.search(rf"(?m)^\s*(?:def|class) {found}\b|^\s*{found}\b[^=\n]*[=:]", source), f"{paths}: {found}"
            looked_up += 1
    assert looked_up >= 20


def test_pages_that_the_code_names_exist() -> None:
    folders = ("zsn2m_deploy", "export/zsn2m_export", "runtime/zsn2m_runtime", "runtime/cpp", "benchmarks", "tests")
    sources = [
        path for folder in folders for kind in ("py", "h", "hpp", "cpp") for path in (ROOT / folder).rglob(f"*.{kind}")
    ]
    named = set()
    for path in sources:
        named |= set(re.findall(r"(?<![\w/])docs/[\w/-]+\.md(?:#[\w-]+)?", path.read_text(encoding="utf-8")))
    missing = []
    for name in sorted(named):
        page, _, anchor = name.partition("#")
        if page not in PAGES or (anchor and anchor not in anchors(read(page))):
            missing.append(name)
    assert len(named) > 20 and missing == []


def test_the_tests_of_the_paper_map_exist() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", read("docs/paper-map.md"))
    assert len(named) > 10 and [name for name in named if f"def {name}(" not in source] == []


def test_every_option_of_stream_is_in_a_document() -> None:
    text = read("docs/streaming.md") + read("docs/providers.md")
    unnamed = {
        part.name
        for part in COMMANDS["stream"].params
        if not any(name in text for name in (*part.opts, *part.secondary_opts))
    }
    assert unnamed <= {"bundle", "source", "output", "model", "threads", "frames"}  # --help says all there is


def test_providers_containers_and_schemes_are_those_of_the_program() -> None:
    providers, streaming = read("docs/providers.md"), read("docs/streaming.md")
    assert [name for name in PROVIDERS if name not in providers] == []
    assert [suffix for suffix in VIDEO_SUFFIXES if suffix not in streaming] == []
    assert set(re.findall(r"`(\w+)://", streaming)) <= set(LIVE_SCHEMES)


def test_the_pictures_are_small() -> None:
    pictures = [path for path in DOCS.rglob("*") if path.suffix in (".png", ".jpg", ".svg")]
    assert pictures and [path.name for path in pictures if path.stat().st_size > 300_000] == []


def test_the_rooms_of_the_architecture_page_are_the_layers_that_are_checked() -> None:
    """Each bullet of a list of rooms is one layer of import-linter, in its order, with every room of it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contracts = settings["contracts"]
    layers = {one["containers"][0]: one["layers"] for one in contracts if "containers" in one}
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package, wanted in layers.items():
        start = page.index(f"`{package}`, from above to below:")
        bullets = page[start:].split("\n\n", 2)[1].split("\n- ")
        found = [sorted(re.findall(r"`(\w+)/?`", bullet)) for bullet in bullets]
        assert found == [sorted(layer.split(" : ")) for layer in wanted]
