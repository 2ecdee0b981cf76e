"""Bundles and frames that many tests share; every bundle here is exported from seeded, untrained networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from support.shared import SHARED_DATA

from zsn2m_runtime.machine.installation import refuse_telemetry

pytest_plugins = ["support.bundles", "support.browsers", "support.disks", "support.refusals"]

refuse_telemetry()  # of an onnxruntime that a test imports itself
torch.set_num_threads(1)  # frames here are small, and the machine may be busy: threads would wait for each other


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images; tests that need it are skipped where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real images at {SHARED_DATA}")
    return SHARED_DATA
