"""What the documents on streams and providers name exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from zsn2m_deploy.cli import app
from zsn2m_runtime.providers import PROVIDERS
from zsn2m_runtime.streaming.opening import LIVE_SCHEMES
from zsn2m_runtime.streaming.video.containers import VIDEO_SUFFIXES

DOCS = Path(__file__).resolve().parents[1] / "docs"
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
OPTIONS = {
    option
    for command in COMMANDS.values()
    for parameter in command.params
    for option in (*parameter.opts, *parameter.secondary_opts)
}


@pytest.mark.parametrize("name", ["streaming.md", "providers.md"])
def test_commands_options_and_links_exist(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    commands = re.findall(r"zsn2m-deploy ([a-z][a-z-]*)", text)
    assert commands and set(commands) <= set(COMMANDS)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    assert named and named <= OPTIONS
    assert [link for link in re.findall(r"\]\((?!http)([^)#]+)", text) if not (DOCS / link).exists()] == []


def test_every_option_of_stream_is_in_a_document() -> None:
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("streaming.md", "providers.md"))
    parameters = COMMANDS["stream"].params
    unnamed = {
        found.name for found in parameters if not any(option in text for option in (*found.opts, *found.secondary_opts))
    }
    assert unnamed <= {"bundle", "source", "output", "model", "threads", "frames"}  # --help says all there is


def test_providers_containers_and_schemes_are_those_of_the_program() -> None:
    providers, streaming = ((DOCS / name).read_text(encoding="utf-8") for name in ("providers.md", "streaming.md"))
    assert [name for name in PROVIDERS if name not in providers] == []
    assert [suffix for suffix in VIDEO_SUFFIXES if suffix not in streaming] == []
    assert set(re.findall(r"`(\w+)://", streaming)) <= set(LIVE_SCHEMES)
