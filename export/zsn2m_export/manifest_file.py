"""The last file of a bundle. Without torch: a C++ project is written where none is installed."""

from __future__ import annotations

import json
from pathlib import Path

from zsn2m_runtime.atomic import atomic_file
from zsn2m_runtime.manifest import MANIFEST_NAME, Manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json; to be the last file of a bundle."""
    content = manifest.model_dump(mode="json")
    for name in ("method", "training"):  # what an older version did not say stays unsaid
        content[name] = getattr(manifest, name).model_dump(mode="json", exclude_unset=True)
    with atomic_file(folder / MANIFEST_NAME) as path:
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
