"""What the shell offers for a value; where it is nothing, the shell offers file names."""

from __future__ import annotations

from pathlib import Path

PRESETS = ("instant", "fast", "default", "best")
PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino", "directml", "coreml")


def presets(incomplete: str) -> list[str]:
    """The presets there are; former names are understood and not offered."""
    return [name for name in PRESETS if name.startswith(incomplete)]


def providers(incomplete: str) -> list[str]:
    """Providers by their short names."""
    return [name for name in PROVIDERS if name.startswith(incomplete)]


def bundles(incomplete: str) -> list[str]:
    """Bundle folders whose path begins so."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".zsn2m")
    except OSError:
        return []
    return [str(path) for path in found if str(path).startswith(incomplete)]
