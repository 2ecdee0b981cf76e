"""What tests of reports share."""

from __future__ import annotations

import pytest
from support.bundles import BundleMaker

from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.training_record import TrainedStage, TrainingRecord


@pytest.fixture
def manifest(make_bundle: BundleMaker) -> Manifest:
    found = load_bundle(make_bundle()).manifest
    training = TrainingRecord(
        chosen="noise of 12: MBD-Net <trained>",
        device="cpu",
        precision="fp32",
        stages=(TrainedStage(stage="mbd", iterations=300, seconds=12.3, losses=(3.0, 2.0, 1.0)),),
        export_seconds=1.5,
    )
    return found.model_copy(update={"training": training})
