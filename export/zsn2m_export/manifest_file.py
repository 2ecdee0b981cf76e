"""The last file of a bundle. Without torch: a C++ project is written where none is installed."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.manifest import MANIFEST_NAME, Manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json; to be the last file of a bundle."""
    with atomic_file(folder / MANIFEST_NAME) as path:
        path.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
