"""doctor: what is installed, and which commands work."""

from __future__ import annotations

from dataclasses import asdict

import typer

from zsn2m_deploy.cli.terminal import JsonOption, show, show_json, show_lines, table


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("doctor")(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Show which commands work here, and what is missing."""
    from zsn2m_runtime.doctor import diagnose
    from zsn2m_runtime.errors import UnavailableError

    found = diagnose()
    if as_json:
        show_json(asdict(found))
    else:
        rows: list[tuple[str, object]] = [("python", f"{found.python}, {found.platform}")]
        rows += [(name, version or "not installed") for name, version in found.packages.items()]
        rows.append(("NVIDIA driver", found.nvidia_driver or "none"))
        rows += [(f"provider {name}", reason or "starts") for name, reason in found.providers.items()]
        rows += [(f"command {name}", lacking or "works") for name, lacking in found.commands.items()]
        show_lines(table(rows))
        for text in found.remarks:
            show(f"note: {text}")
        if not found.problems:
            show("ready to denoise")
    if found.problems:
        raise UnavailableError("; ".join(found.problems))
