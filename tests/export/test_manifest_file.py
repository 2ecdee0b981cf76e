"""What an older version did not say stays unsaid where its manifest is written again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from support.bundles import BundleMaker

from zsn2m_export.manifest_file import write_manifest
from zsn2m_runtime.bundle import read_manifest


def test_missing_fields_do_not_become_todays_defaults(make_bundle: BundleMaker, tmp_path: Path) -> None:
    path = shutil.copytree(make_bundle(), tmp_path / "old.zsn2m") / "manifest.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["method"] = {"preset": "fast", "stage": "mbd", "of_a_later_version": [1, "\u00e9"]}
    content["training"] = {"warnings": ["look"], "something": {"else": 2.5}}
    path.write_text(json.dumps(content), encoding="utf-8")
    write_manifest(tmp_path, read_manifest(path.parent))
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert written["method"] == content["method"]
    assert written["training"] == content["training"]
    assert read_manifest(tmp_path) == read_manifest(path.parent)
