"""What a path is (bundle, model, image, video), for messages about the wrong kind."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from zsn2m_runtime.commands import denoise_command
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import MANIFEST_NAME, MOST_MANIFEST
from zsn2m_runtime.plain_file import read_plain
from zsn2m_runtime.resolved_path import resolved
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from zsn2m_runtime.writing_errors import writing

BUNDLE_SUFFIX = ".zsn2m"
_ZIP = b"PK\x03\x04"  # first bytes of a zip archive, as TorchScript files are; a .ts may also be a video
_MOST_LISTED = 3  # bundles that a message names


def is_bundle(path: Path) -> bool:
    """Whether a folder is a bundle; other programs have files named manifest.json, too."""
    manifest = path / MANIFEST_NAME
    if not _is_file(manifest):
        return False
    try:
        found: dict[str, object] = json.loads(read_plain(manifest, MOST_MANIFEST))
        return {"schema_version", "sensor"} <= found.keys()
    except (BundleError, ValueError, AttributeError, RecursionError):
        return path.suffix == BUNDLE_SUFFIX  # its manifest is damaged


def is_model_file(path: Path) -> bool:
    """Whether a file is an exported model, ONNX or TorchScript."""
    suffix = path.suffix.lower()
    if suffix not in (".onnx", ".ts") or not _is_file(path):
        return False
    try:
        with path.open("rb") as stream:
            return suffix == ".onnx" or stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return suffix == ".onnx"


def no_bundle(path: Path) -> str:
    """End of a message about a path that is no bundle: what it is, and what to do."""
    if not os.path.exists(path):  # noqa: PTH110 - unlike Path's, False for what is too long to be a path
        return "there is none; check the path"
    if path.is_dir():
        return _other_folder(path)
    if is_bundle(path.parent):
        return f"got a file of the bundle {path.parent}; name that folder"
    if is_model_file(path):
        takes = "that denoise and stream take" if path.suffix == ".onnx" else "for C++ and LibTorch"
        return f"got a single model, {takes}; name the folder that train-and-export wrote"
    return f"got {_file_kind(path)}; name the folder that train-and-export wrote (NAME{BUNDLE_SUFFIX})"


def no_frame(path: Path) -> str | None:
    """A message about a path that cannot be noisy frames; None if it can be."""
    if is_bundle(path):
        return (
            f"{path}: expected noisy frames, but got a bundle; name the frames (a bundle to use comes first: "
            f"{denoise_command(path)})"
        )
    if is_model_file(path):
        return (
            f"{path}: expected noisy frames, but got a model; name the frames (a model to use comes first: "
            f"{denoise_command(path.with_suffix('.onnx'))})"
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
    """Refuse arguments in which the bundle comes after the frames.

    Args:
        command: the right command, with {bundle} and {rest} as places
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
    """Refuse an output inside a bundle's folder, which the next export replaces.

    Raises:
        UsageError: naming the bundle.
        OutputError: the path is invalid.
    """
    with writing(output):
        target = resolved(output)
    bundle = next((folder for folder in target.parents if is_bundle(folder)), None)
    if bundle is not None:
        raise UsageError(f"{output}: expected an output outside of bundles, but got one in {bundle}; choose another")


def _other_folder(path: Path) -> str:
    """That end of a message about a folder."""
    inside = _bundles_in(path)
    if inside:
        return f"got a folder that holds {_listed(inside)}; name the bundle itself"
    if path.suffix != BUNDLE_SUFFIX and _holds_images(path):
        return "got a folder of images; name the folder that train-and-export wrote, or, to inspect them, one image"
    return "got a folder without one; name the folder that train-and-export wrote"


def _bundles_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_bundle(path))
    except (OSError, ValueError):  # no folder, an unreadable one, or a NUL in its name
        return []


def _holds_images(folder: Path) -> bool:
    try:
        return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())
    except (OSError, ValueError):  # as above
        return False


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
