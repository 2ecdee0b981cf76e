"""docs/cli.md, from the command line's own definition."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import typer

from benchmarks.results import WIDTH
from zsn2m_deploy.cli import app

BRACES = {ord("{"): None, ord("}"): None}  # that typer puts around what is needed
HEAD = """# Command line

Made by `python -m scripts.docs` from the program itself, which says the same by `zsn2m-deploy COMMAND --help`.
What the choices mean: [choices](choices.md). `zsn2m-deploy --install-completion` lets the shell complete commands,
options and their values.
"""


def page() -> str:
    """The text of the page."""
    root: Any = typer.main.get_command(app)
    commands = [
        "\n".join([f"## {name}\n", *_command(name, command)]) + "\n"
        for name, command in sorted(root.commands.items())
        if not command.hidden
    ]
    return "\n".join([HEAD, _wrapped(f"{root.epilog}") + "\n", *commands])


def _command(name: str, command: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=f"zsn2m-deploy {name}")
    yield f"    {' '.join([f'zsn2m-deploy {name}', *command.collect_usage_pieces(context)]).translate(BRACES)}\n"
    yield _wrapped(" ".join((command.help or "").split())) + "\n"
    yield "| argument or option | |"
    yield "| --- | --- |"
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record:
            name = record[0].split(" <")[0] if parameter.param_type_name == "argument" else record[0]
            yield f"| `{_cell(name)}` | {_cell(record[1])} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))
