"""What to do next: commands that fit the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zsn2m_deploy.config import REAL_STRENGTH, SYNTHETIC_STRENGTH

NETWORKS = {"sensor": "SensorNet", "mbd": "MBD-Net", "full": "MBD-Net and GRD-Net", "grd": "GRD-Net"}
GENTLER, STRONGER = 0.3, 100.0  # strengths at which SensorNet takes noise for 0.7 and 2 times as strong


def gentler(method: Mapping[str, Any]) -> str:
    """The option of training that keeps more detail than it did."""
    strength = float(method["strength"])
    if method["stage"] == "sensor" and strength <= REAL_STRENGTH:  # from 1 to 10 it is the same
        return f"--strength {min(strength, SYNTHETIC_STRENGTH) * GENTLER:.2g}"
    return f"--strength {SYNTHETIC_STRENGTH if strength > SYNTHETIC_STRENGTH else strength * GENTLER:.2g}"


def stronger(method: Mapping[str, Any]) -> str:
    """The option of training that removes more than it did."""
    strength = float(method["strength"])
    if method["stage"] == "sensor" and strength <= REAL_STRENGTH:
        return f"--strength {STRONGER if strength >= SYNTHETIC_STRENGTH else SYNTHETIC_STRENGTH:.3g}"
    return f"--strength {strength * REAL_STRENGTH:.3g}"


def next_steps(verdict_is_good: bool, noisy: bool, remedy: str | None, frame: str, bundle: str) -> tuple[str, ...]:
    """What to do next, sentences with commands in backquotes.

    Args:
        remedy: options of training that may help, if anything is wrong that they help against
    """
    use = f"`zsn2m-deploy denoise {bundle} FRAME... -o OUT`"
    if not noisy:
        return ("Use the frame as it is. To see what a camera's noise is like: `zsn2m-deploy sample OUT.png`",)
    if remedy is not None:
        again = f"`zsn2m-deploy train-and-export {frame} -o {bundle} {remedy}".rstrip() + " --overwrite`"
        return (
            f"Look at the pictures above. If detail is missing or noise is left, train again, with what other options "
            f"you gave: {again}",
            f"If they are right, use the bundle: {use}",
        )
    if verdict_is_good:
        return (f"Use the bundle on frames of the same camera: {use}",)
    return (f"Look at the pictures above. If they are right, use the bundle: {use}",)
