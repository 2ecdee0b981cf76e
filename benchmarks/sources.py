"""Which sources made a row: a hash of the rooms that decide its figures.

It sees what code does and not how it is written: no comments, docstrings, imports, annotations of functions, nor what
an error says. Definitions are hashed one by one and sorted, so that one may move to another file of the same rooms.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LENGTH = 8  # hexadecimal digits
_UNSEEN = ("annotation", "returns", "type_comment", "type_params", "kind", "ctx")  # fields of syntax nodes

TRAINING = (
    "zsn2m_deploy/training.py",
    "zsn2m_deploy/preparation.py",
    "zsn2m_deploy/fit",
    "zsn2m_deploy/noise",
    "runtime/zsn2m_runtime/noise",
)
WEIGHTS = tuple(f"zsn2m_deploy/pretrain/sensor_{channels}.safetensors" for channels in (1, 3))
ADAPT = (
    *TRAINING,
    "zsn2m_deploy/adapt",
    *(f"zsn2m_deploy/pretrain/{name}.py" for name in ("confirm", "network", "scenes")),
)
ADAPT += WEIGHTS
VIDEO = ("zsn2m_deploy/video", *(f"zsn2m_deploy/video/video_{channels}.safetensors" for channels in (1, 3)))
PAPER = (*TRAINING, "zsn2m_deploy/paper")
VERDICT = (*ADAPT, "zsn2m_deploy/report")
FRAMES = ("benchmarks/quality/cases.py",)


def digest(paths: Iterable[str], packages: Iterable[str] = (), settings: str = "") -> str:
    """The hash of files and folders of the repository, versions of packages, and settings.

    Raises:
        FileNotFoundError: a path is not there
    """
    parts = sorted(part for path in paths for part in _parts(ROOT / path))
    versions = [f"{name} {_version(name)}" for name in packages]
    return hashlib.sha256("\n".join([*parts, *versions, settings]).encode()).hexdigest()[:LENGTH]


@functools.cache
def _parts(path: Path) -> tuple[str, ...]:
    """The definitions of a Python file, those of all files of a folder, or the bytes of another file; as hashes."""
    if path.is_dir():
        return tuple(part for file in sorted(path.glob("*.py")) for part in _parts(file))
    if path.suffix != ".py":
        return (hashlib.sha256(path.read_bytes()).hexdigest(),)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return tuple(hashlib.sha256(text.encode()).hexdigest() for text in _texts(body))


def _texts(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Syntax trees as text, which is the same on every version of Python; statements that do nothing are left out."""
    for node in nodes:
        string = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (string or isinstance(node, ast.Import | ast.ImportFrom)):
            yield _text(node)


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(_texts(value))}]"
    if isinstance(value, ast.Raise):
        return "raise"
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = [(name, of) for name, of in ast.iter_fields(value) if name not in _UNSEEN and of not in (None, [])]
    return f"{type(value).__name__}({','.join(f'{name}={_text(of)}' for name, of in fields)})"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
