"""Writes bundles of seeded, untrained networks for the C++ tests: python make_bundles.py FOLDER."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY / part) for part in (".", "export", "runtime", "tests")]

from conftest import write_bundle  # noqa: E402  (the path above comes first)

BUNDLES = {
    "u8_colour": ("uint8", 3, (0.0, 255.0)),
    "u16_grey": ("uint16", 1, (0.0, 1023.0)),  # a 10-bit camera
    "f32_colour": ("float32", 3, (0.0, 1.0)),
}


def main() -> None:
    """Write every bundle that is not there yet."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    for name, (dtype, channels, value_range) in BUNDLES.items():
        bundle = folder / f"{name}.zsn2m"
        if not (bundle / "manifest.json").is_file():
            bundle.mkdir(parents=True, exist_ok=True)
            write_bundle(bundle, dtype, channels, value_range)
            print(bundle)


if __name__ == "__main__":
    main()
