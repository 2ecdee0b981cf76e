"""Configurations of trainings that take a second."""

from __future__ import annotations

from zsn2m_deploy.config.training import TrainConfig

STILLS = TrainConfig(video=False)  # without the model for videos, which has tests of its own
INSTANT = TrainConfig.from_preset("instant").updated({"video": False})


def small(iterations: int = 20, method: str = "mbd", **fields: object) -> TrainConfig:
    """A few steps on small crops, with a narrow GRD-Net."""
    schedule = {"iterations": iterations, "crop_side": 48}
    values = {
        "method": method,
        "video": False,
        "mbd": {"schedule": schedule},
        "grd": {"widths": (8, 16, 16), "schedule": schedule},
    }
    return TrainConfig().updated(values | fields)
