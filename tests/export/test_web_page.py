"""A web page around a bundle: what is in it, and of what none can be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.bundles import BundleMaker
from support.commands import run_command

from zsn2m_export.web.web_page import RUNTIME_FILES
from zsn2m_runtime.bundle import load_bundle


def test_the_page_holds_the_models_that_it_runs_and_all_that_runs_them(
    make_bundle: BundleMaker, stand_in: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bundle, page = make_bundle(method="mbd", video=True), tmp_path / "page"
    ended = run_command(capsys, "export", bundle, "--web", page, "--onnxruntime-web", stand_in)
    assert (ended.code, "http.server" in ended.out) == (0, True), ended.err
    manifest = load_bundle(page / "model.zsn2m").manifest
    assert [(model.id, list(model.files)) for model in manifest.models] == [("mbd", ["onnx"]), ("video", ["onnx"])]
    named = {record.name for record in manifest.file_records()}
    assert {path.name for path in (page / "model.zsn2m").iterdir()} == {*named, "manifest.json"}
    assert {path.name for path in (page / "onnxruntime-web").iterdir()} == set(RUNTIME_FILES)
    text = "".join(path.read_text() for path in page.glob("*.*") if path.is_file())
    assert "https://" not in text  # all is local


@pytest.mark.parametrize(
    ("made", "options", "code", "words"),
    [
        ({"pattern": "RGGB", "channels": 1, "method": "adapt"}, [], 2, "mosaics"),
        ({"dtype": "float16", "channels": 1, "method": "mbd"}, [], 2, "float16"),
        ({"method": "mbd"}, ["--onnxruntime-web", "nowhere"], 4, "npm install onnxruntime-web"),
        ({"method": "mbd"}, ["--precision", "int8"], 2, "other options"),
        ({"method": "mbd"}, ["--cpp", "project"], 2, "other options"),
    ],
)
def test_what_no_page_can_be_made_of_is_refused_and_nothing_is_written(
    make_bundle: BundleMaker,
    stand_in: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    made: dict[str, Any],
    options: list[str],
    code: int,
    words: str,
) -> None:
    runtime = [] if "--onnxruntime-web" in options else ["--onnxruntime-web", stand_in]
    ended = run_command(capsys, "export", make_bundle(**made), "--web", tmp_path / "page", *runtime, *options)
    assert (ended.code, words in ended.err) == (code, True), ended.err
    assert not list(tmp_path.iterdir())


def test_a_runtime_needs_a_page(make_bundle: BundleMaker, stand_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = run_command(capsys, "export", make_bundle(method="mbd"), "--onnxruntime-web", stand_in)
    assert (ended.code, "--web FOLDER" in ended.err) == (2, True)
