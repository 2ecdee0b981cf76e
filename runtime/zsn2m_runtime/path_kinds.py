"""What a path really is, for messages: a bundle, a model, a picture, a video, in the place of one another."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from zsn2m_runtime.atomic import writing
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import MANIFEST_NAME, MOST_MANIFEST
from zsn2m_runtime.plain_file import read_plain
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES, VIDEO_SUFFIXES

BUNDLE_SUFFIX = ".zsn2m"
_ZIP = b"PK\x03\x04"  # TorchScript files are zip archives; a .ts may be a video, too
_MOST_LISTED = 3


def is_bundle(path: Path) -> bool:
    """Whether a folder is a bundle; a manifest.json alone may be of anything else."""
    manifest = path / MANIFEST_NAME
    if not _is_file(manifest):
        return False
    try:
        found: dict[str, object] = json.loads(read_plain(manifest, MOST_MANIFEST))
        return {"schema_version", "sensor"} <= found.keys()
    except (BundleError, ValueError, AttributeError, RecursionError):
        return path.suffix == BUNDLE_SUFFIX  # a damaged one


def is_model_file(path: Path) -> bool:
    """Whether a file is an exported network: ONNX or TorchScript."""
    suffix = path.suffix.lower()
    if suffix not in (".onnx", ".ts") or not _is_file(path):
        return False
    try:
        with path.open("rb") as stream:
            return suffix == ".onnx" or stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return suffix == ".onnx"


def no_bundle(path: Path) -> str:
    """What came in the place of a bundle, and what to do; `path` is none."""
    if not os.path.exists(path):  # noqa: PTH110 - unlike Path's, False for what is too long to be a path
        return "there is none; check the path"
    if path.is_dir():
        inside = _bundles_in(path)
        if inside:
            return f"got a folder that holds {_listed(inside)}; name the bundle itself"
        return "got a folder without one; name the folder that train-and-export wrote"
    if is_bundle(path.parent):
        return f"got a file of the bundle {path.parent}; name that folder"
    if is_model_file(path):
        takes = "that denoise and stream take" if path.suffix == ".onnx" else "for C++ and LibTorch"
        return f"got a single model, {takes}; name the folder that train-and-export wrote"
    return f"got {_file_kind(path)}; name the folder that train-and-export wrote (NAME{BUNDLE_SUFFIX})"


def no_frame(path: Path) -> str | None:
    """What came in the place of noisy frames, and what to do; None where nothing speaks against the path."""
    if is_bundle(path):
        return (
            f"{path}: expected noisy frames, but got a bundle; name the frames (a bundle to use comes first: "
            f"zsn2m-deploy denoise {_quoted(path)} FRAME... -o OUT)"
        )
    if is_model_file(path):
        return (
            f"{path}: expected noisy frames, but got a model; name the frames (a model to use comes first: "
            f"zsn2m-deploy denoise {_quoted(path.with_suffix('.onnx'))} FRAME... -o OUT)"
        )
    if _is_file(path) and is_bundle(path.parent):
        return f"{path}: expected noisy frames, but got a file of the bundle {path.parent}; name the frames themselves"
    if _bundles_in(path) and not any(_file_kind(each) == "an image" for each in path.iterdir()):
        return (
            f"{path}: expected a folder of noisy frames, but got one that holds {_listed(_bundles_in(path))} and no "
            f"images; name the frames"
        )
    return None


def check_bundle_first(command: str, first: Path, others: Sequence[str | Path]) -> None:
    """Refuse a bundle that stands behind what it is to be used on.

    Args:
        command: as it should be, with {bundle} and {rest}
    Raises:
        UsageError: with the right order.
    """
    if is_bundle(first) or is_model_file(first):
        return
    behind = next((path for path in map(Path, others) if is_bundle(path) or is_model_file(path)), None)
    if behind is not None:
        rest = " ".join(_quoted(path) for path in (first, *others) if Path(path) != behind)
        raise UsageError(
            f"{first}: expected a bundle, but got {_file_kind(first)}; the bundle comes first: "
            f"zsn2m-deploy {command.format(bundle=_quoted(behind), rest=rest)}"
        )


def check_outside_bundles(output: Path) -> None:
    """Refuse an output among a bundle's own files, where the next export would meet it.

    Raises:
        UsageError: naming the bundle.
        OutputError: it cannot be a path.
    """
    with writing(output):
        target = resolved(output)
    bundle = next((folder for folder in target.parents if is_bundle(folder)), None)
    if bundle is not None:
        raise UsageError(f"{output}: expected an output outside of bundles, but got one in {bundle}; choose another")


def _bundles_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_bundle(path))
    except (OSError, ValueError):  # no folder, one that may not be looked into, or a NUL in its name
        return []


def _listed(bundles: list[Path]) -> str:
    more = ", ..." if len(bundles) > _MOST_LISTED else ""
    return f"the bundle(s) {', '.join(map(str, bundles[:_MOST_LISTED]))}{more}"


def _file_kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if path.is_dir():
        return "a folder"
    kinds = {"an image": suffix in IMAGE_SUFFIXES, "a video": suffix in VIDEO_SUFFIXES, "a file": path.exists()}
    return next((kind for kind, fits in kinds.items() if fits), "something else")


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - unlike Path's, False for what is too long to be a path


def _quoted(path: str | Path) -> str:
    return shlex.quote(str(path))
