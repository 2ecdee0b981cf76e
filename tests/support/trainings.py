"""Shared by tests: parts of training."""

from __future__ import annotations

from zsn2m_deploy.config import TrainConfig


def small(iterations: int = 20, stage: str = "mbd", **fields: object) -> TrainConfig:
    schedule = {"iterations": iterations, "crop_side": 48}
    values = {"stage": stage, "mbd": {"schedule": schedule}, "grd": {"widths": (8, 16, 16), "schedule": schedule}}
    return TrainConfig().updated(values | fields)
