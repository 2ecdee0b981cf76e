"""Commands that messages advise, with paths quoted so that they can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path


def export_command(bundle: str | Path) -> str:
    """What exports a bundle's models again."""
    return f"zsn2m-deploy export {shlex.quote(str(bundle))}"


def denoise_command(bundle: str | Path) -> str:
    """What denoises frames with a bundle."""
    return f"zsn2m-deploy denoise {shlex.quote(str(bundle))} FRAME... -o OUT"


def stream_command(bundle: str | Path) -> str:
    """What denoises videos with a bundle."""
    return f"zsn2m-deploy stream {shlex.quote(str(bundle))} VIDEO -o OUT"
