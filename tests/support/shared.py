"""Where real images are, beside the project; tests that need them are skipped elsewhere."""

from __future__ import annotations

from pathlib import Path

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
