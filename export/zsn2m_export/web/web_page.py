"""A static web page around a bundle: its models, and onnxruntime-web, which runs them in the browser."""

from __future__ import annotations

from pathlib import Path

from zsn2m_export.partial import copy_files, partial_manifest, write_partial
from zsn2m_runtime.atomic import atomic_folder
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import UnavailableError, UsageError
from zsn2m_runtime.manifest import MANIFEST_NAME
from zsn2m_runtime.model_record import ModelEntry

PAGE = Path(__file__).with_name("page")
MODEL = "model.zsn2m"
MARKS = (f"{MODEL}/{MANIFEST_NAME}",)  # a folder with it may be replaced
RUNTIME = "onnxruntime-web"  # the npm package, and the page's folder for what is taken of it
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")  # of its dist/: WebAssembly alone
NUMBERS_OF_JAVASCRIPT = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def write_web_page(bundle: Bundle, folder: Path, runtime: Path, overwrite: bool = False) -> None:
    """Write a folder that any web server can show: a page that denoises pictures and the camera of its visitor.

    It holds the default model, and that for videos if there is one.

    Args:
        runtime: the folder of npm's package onnxruntime-web
        overwrite: replace an older page, with all that is in its folder
    Raises:
        UsageError: a bundle for mosaics, or for samples that JavaScript has no arrays for.
        BundleError: the bundle has no ONNX file of its default model.
        UnavailableError: onnxruntime-web is not there.
        OutputError: the folder exists, or is no such page, or cannot be written.
    """
    sensor, default = bundle.manifest.sensor, bundle.manifest.default
    if sensor.mosaic:
        raise UsageError(
            f"{bundle.path}: expected a bundle for pictures, but it is for {sensor.mosaic.pattern} mosaics, which "
            f"browsers do not show; denoise them with: zsn2m-deploy denoise"
        )
    if sensor.dtype not in NUMBERS_OF_JAVASCRIPT:
        raise UsageError(
            f"{bundle.path}: expected samples of {', '.join(NUMBERS_OF_JAVASCRIPT)}, but the bundle is for "
            f"{sensor.dtype}; train one on frames of such a type"
        )
    missing = [name for name in RUNTIME_FILES if not (runtime / "dist" / name).is_file()]
    if missing:
        raise UnavailableError(
            f"{runtime}: expected the npm package {RUNTIME}, but dist/{missing[0]} is not there; run: npm install "
            f"{RUNTIME} and name its folder: --onnxruntime-web node_modules/{RUNTIME}"
        )

    def wanted(model: ModelEntry) -> bool:
        return model.id == default or (model.role == "video" and model.precision == "fp32")

    manifest = partial_manifest(bundle, "onnx", wanted)
    with atomic_folder(folder, overwrite, MARKS) as page:
        copy_files(PAGE, page)
        (page / RUNTIME).mkdir()
        for name in RUNTIME_FILES:
            copy_files(runtime / "dist" / name, page / RUNTIME / name)
        write_partial(bundle, manifest, page / MODEL)
