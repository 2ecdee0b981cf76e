"""From the arguments of a command line to a list of image files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files.foreign import refuse_foreign
from zsn2m_runtime.files.reader import unreadable
from zsn2m_runtime.files.videos import stream_hint
from zsn2m_runtime.files.zarr_places import address_of, is_zarr
from zsn2m_runtime.path_kinds import is_bundle, no_frame
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.resolved_path import Places
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES, ZARR

LIST = "@"
GLOB_LETTERS = re.compile(r"[*?\[]")


def list_inputs(arguments: Sequence[str]) -> list[Path]:
    """The image files named by files, folders (not their subfolders), glob patterns and lists, each once.

    A list is a text file with a path a line; its name comes after an @. Whether they are there is seen when they are
    read.

    Files stand in the order of the arguments; those of a folder or pattern in natural order (2 before 10).
    Hidden files are left out of folders and patterns, and files of bundles out of patterns.

    Raises:
        InputError: if an argument names no image file, or cannot be looked into.
    """
    if not arguments:
        raise InputError("inputs: expected at least one file, folder or pattern, but got none; name one")
    found: dict[str, Path] = {}
    places = Places()
    for argument in arguments:
        try:
            for path in _expand(argument):
                found.setdefault(places.of(path), path)
        except OSError as error:
            raise unreadable(argument, error) from error
    return list(found.values())


def _expand(argument: str) -> list[Path]:
    path = Path(argument)
    if "\0" in argument:
        raise InputError(f"{argument}: expected a path, but a NUL is in it, which no name has; check it")
    if fault := no_frame(path):
        raise InputError(fault)
    if argument.startswith(LIST) and not path.exists():
        return _listed(Path(argument[len(LIST) :]))
    if is_zarr(path) and (path.exists() or address_of(path)):
        return [path]
    if path.exists():
        refuse_foreign(path)
    if path.is_dir():
        return _images(path.iterdir(), argument, "folder")
    if path.exists():
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            if hint := stream_hint(argument):
                raise InputError(hint)
            raise InputError(
                f"{argument}: expected a file ending in {', '.join(IMAGE_SUFFIXES)}, "
                f"but got {path.suffix or 'no suffix'!r}; convert it first"
            )
        return [path]
    if GLOB_LETTERS.search(argument):
        start = Path(path.anchor)
        found = start.glob(str(path.relative_to(start)))
        return _images((each for each in found if not is_bundle(each.parent)), argument, "pattern")
    if "://" in argument and (hint := stream_hint(argument)):
        raise InputError(hint)
    raise InputError(f"{argument}: expected a file, folder or pattern, but there is none; check the path")


def _listed(names: Path) -> list[Path]:
    """The files of a list.

    Raises:
        InputError: it names none, or one that is no image by its suffix.
    """
    if not names.is_file():
        raise InputError(f"{LIST}{names}: expected a text file with a path a line, but there is none; check the path")
    try:
        paths = [Path(line) for line in _lines(names.read_bytes().decode("utf-8-sig")) if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError(f"{LIST}{names}: expected UTF-8 text with a path a line, but got other content") from error
    wrong = next((path for path in paths if path.suffix.lower() not in IMAGE_SUFFIXES or "\0" in str(path)), None)
    if wrong or not paths:
        got = f"the line {one_line(str(wrong))!r}" if wrong else "no line"
        raise InputError(
            f"{LIST}{names}: expected lines with paths ending in {', '.join(IMAGE_SUFFIXES)}, but got {got}; correct it"
        )
    return paths


def _lines(text: str) -> list[str]:
    """Those that editors show: other characters that Python ends lines at may be in names."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def _images(paths: Iterable[Path], argument: str, kind: str) -> list[Path]:
    images = [
        path
        for path in paths
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and _is_frame(path)
    ]
    if not images:
        raise InputError(
            f"{argument}: expected a {kind} with image files ({', '.join(IMAGE_SUFFIXES)}), but got none; "
            f"check the path"
        )
    return sorted(images, key=_natural_order)


def _is_frame(path: Path) -> bool:
    return path.is_dir() if path.suffix.lower() == ZARR else path.is_file()


def _natural_order(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Digits compare as numbers, letters without case; the plain text breaks ties."""
    parts = re.split(r"(\d+)", str(path))
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts]
    return key, str(path)
