"""A CMake project around a bundle: the C++ library with one back end, a program, and the models that it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zsn2m_export.partial import IN_WORDS, copy_files, partial_manifest, write_partial
from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.manifest import MANIFEST_NAME

TEMPLATE = Path(__file__).with_name("cpp_template")
PROGRAM = ("main.cpp", "zsn2m/examples/pnm.cpp", "zsn2m/examples/pnm.h")
FILLED_IN = ("CMakeLists.txt", "README.md")  # @NAME@ stands for a value of `_filled_in`
LIBRARY = ("CMakeLists.txt", "cmake", "include", "src")
MODEL = "model.zsn2m"
MARKS = (f"{MODEL}/{MANIFEST_NAME}",)  # a folder with it may be replaced

BackEndName = Literal["libtorch", "onnxruntime"]


@dataclass(frozen=True)
class _BackEnd:
    kind: Literal["onnx", "torchscript"]
    needed: str
    configure: str  # option of the first cmake command
    trust: str


_BACK_ENDS: dict[BackEndName, _BackEnd] = {
    "libtorch": _BackEnd(
        kind="torchscript",
        needed="LibTorch: that of a Python with\ntorch, or a downloaded one",
        configure="-DZSN2M_PYTHON=python3     # or -DCMAKE_PREFIX_PATH=/path/to/libtorch",
        trust="The `.ts` files are programs: run them only if you trust whoever made the bundle.",
    ),
    "onnxruntime": _BackEnd(
        kind="onnx",
        needed="onnxruntime: Debian 13's\n`libonnxruntime-dev`, or its release for Linux",
        configure="-DONNXRUNTIME_ROOT=/path/to/onnxruntime     # of the unpacked release",
        trust="The `.onnx` files are data; their operators are checked before onnxruntime sees them.",
    ),
}


def write_cpp_project(
    bundle: Bundle, folder: Path, back_end: BackEndName = "libtorch", overwrite: bool = False
) -> None:
    """Write a folder that CMake builds into a program around the bundle's models for one back end.

    Args:
        overwrite: replace an older project, with all that is in its folder
    Raises:
        BundleError: the bundle has no model file for it, or none of its default model.
        OutputError: the folder exists, or is no such project, or cannot be written.
    """
    chosen = _BACK_ENDS[back_end]
    manifest = partial_manifest(bundle, chosen.kind)
    with atomic_folder(folder, overwrite, MARKS) as project:
        for name in PROGRAM:
            copy_files(TEMPLATE / name, project / Path(name).name)
        for name in FILLED_IN:
            (project / name).write_text(_filled_in((TEMPLATE / name).read_text(encoding="utf-8"), back_end), "utf-8")
        (project / "zsn2m").mkdir()
        for name in LIBRARY:
            copy_files(TEMPLATE / "zsn2m" / name, project / "zsn2m" / name)
        write_partial(bundle, manifest, project / MODEL)


def _filled_in(text: str, back_end: BackEndName) -> str:
    options = {name: "ON" if name == back_end else "OFF" for name in _BACK_ENDS}  # of CMake: ZSN2M_LIBTORCH, ...
    chosen = _BACK_ENDS[back_end]
    named = {"component": back_end, "files": IN_WORDS[chosen.kind]}
    for name, value in (named | options | vars(chosen)).items():
        text = text.replace(f"@{name.upper()}@", value)
    return text
