"""Writes the pages that are made from the code: `python -m scripts.docs`, or with `--check` only says which are old."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from scripts.docs import api, cli, decisions, manifest, results

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "api.md": api.page,
    "cli.md": cli.page,
    "manifest.md": manifest.page,
    "decisions/README.md": lambda: decisions.index(DOCS / "decisions"),
    "results/README.md": lambda: results.index(DOCS / "results"),
}


def old_pages() -> list[str]:
    """The generated pages whose text is not what the code says now."""
    return [name for name, text in PAGES.items() if not _is(DOCS / name, text())]


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main() -> int:
    """Write the pages that are old, or with --check only name them; returns the exit code."""
    old = old_pages()
    if "--check" in sys.argv[1:]:
        for name in old:
            print(f"docs/{name} is old; run: python -m scripts.docs", file=sys.stderr)
        return bool(old)
    for name in old:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
