"""Shared by tests: parts of cli stream."""

from __future__ import annotations

import sys

import pytest

STREAM = [sys.executable, "-m", "zsn2m_deploy", "stream"]


ONE_THREAD = ("--model", "mbd", "--provider", "cpu", "--threads", "1")


Capture = pytest.CaptureFixture[str]
