"""Reports of drawn scenes, written and read."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from support.scenes import Scene
from zsn2m_deploy.report.facts import Report
from zsn2m_deploy.report.writing import Subject, findings, write_report
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.sample_types import Nchw, Pixels

VOID = ("meta", "img", "wbr")


class Tags(HTMLParser):
    """Refuses tags that are not closed in order; keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> str:
    """The text of a page, its tags checked."""
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags.text


def blur(planes: Nchw) -> Nchw:
    return np.stack([[cv2.GaussianBlur(plane, (0, 0), 0.8) for plane in frame] for frame in planes])


def write(folder: Path, manifest: Manifest, made: Scene, denoised: Pixels) -> tuple[Report, str, Any]:
    subject = Subject("cam.zsn2m", "a <b>.png", made.noisy, made.noisy, made.noisy, denoised, made.model, blur)
    found = findings(subject, manifest.sensor.range, manifest.normalisation.in_use)
    report = write_report(folder, subject, found, manifest)
    page, facts = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "report.json"))
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.json"}
    return report, page, json.loads(facts, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
