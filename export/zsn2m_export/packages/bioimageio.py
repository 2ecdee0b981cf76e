"""A package of bioimage.io, which Fiji (DeepImageJ), ilastik, QuPath and napari read.

Format: bioimage.io model description 0.5, https://bioimage-io.github.io/spec-bioimage-io; its YAML is written as JSON,
which is YAML too.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from zsn2m_export.opset import OPSET
from zsn2m_export.packages.archive import CITATION, LICENCE, lowered, packaged_model, plain_name, write_archive
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.model_record import MOST_REACH, ModelEntry
from zsn2m_runtime.sample_types import Nchw, Pixels, is_whole
from zsn2m_runtime.self_test import read_test_input
from zsn2m_runtime.verify import tolerance_of

_FORMAT = "0.5.4"  # old enough for every reader of 0.5
_CHANNELS = {1: ["intensity"], 3: ["red", "green", "blue"]}
_COVER_SIDE = 300  # pixels of each of the cover's two pictures, about


@dataclass(frozen=True)
class _Sizes:
    """Heights and widths that keep the network's stride in phase, tiles with their halo among them; pixels."""

    step: int
    halo: int

    @property
    def least(self) -> int:
        """The smallest side that has something left between its halos."""
        return 2 * self.halo + self.step

    def fitting(self, length: int) -> int:
        """The largest side up to a length, or the smallest."""
        return max(length // self.step * self.step, self.least)


def write_bioimageio(bundle: Bundle, path: Path) -> None:
    """Write a bundle's default model as a package of bioimage.io, with tensors to test it by.

    The model file is the bundle's own: it takes and gives the sensor's values, with normalisation inside.

    Raises:
        UsageError: a bundle whose frames other programs have no place for.
        BundleError: a damaged bundle.
        OutputError: the package cannot be written.
    """
    model = packaged_model(bundle)
    whole = model.receptive_radius >= MOST_REACH
    halo = 0 if whole else -(-model.receptive_radius // model.stride) * model.stride
    sizes = _Sizes(model.stride, halo)
    noisy = _test_frame(read_test_input(bundle), sizes)
    denoised = Session(bundle.file(model.files["onnx"]), provider="cpu").run(noisy)
    files = {
        "model.onnx": lowered(bundle, model).SerializeToString(),
        "test_input.npy": _npy(noisy),
        "test_output.npy": _npy(denoised),
        "cover.png": _cover(noisy, denoised, bundle.manifest.normalisation.in_use),
        "README.md": _documentation(bundle, model, sizes).encode(),
    }
    description = _description(bundle, model, sizes, files)
    write_archive(path, {"rdf.yaml": json.dumps(description, indent=2).encode(), **files})


def _test_frame(noisy: Nchw, sizes: _Sizes) -> Nchw:
    """The self-test's frame in a size that the package allows: cut, or continued by its mirror image."""
    height, width = (sizes.fitting(length) for length in noisy.shape[2:])
    noisy = noisy[:, :, :height, :width]
    missing = [(0, 0), (0, 0), (0, height - noisy.shape[2]), (0, width - noisy.shape[3])]
    return np.ascontiguousarray(np.pad(noisy, missing, mode="symmetric"))


def _description(bundle: Bundle, model: ModelEntry, sizes: _Sizes, files: dict[str, bytes]) -> dict[str, Any]:
    manifest, sensor = bundle.manifest, bundle.manifest.sensor
    test_input, test_output, weights = (
        {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}
        for name in ("test_input.npy", "test_output.npy", "model.onnx")
    )
    channel = {"type": "channel", "id": "channel", "channel_names": _CHANNELS[sensor.channels]}
    size = {"min": sizes.least, "step": sizes.step}
    given = [{"type": "space", "id": name, "size": size} for name in "yx"]
    halo = {"halo": sizes.halo} if sizes.halo else {}
    made = [
        {"type": "space", "id": name, "size": {"tensor_id": model.input, "axis_id": name, "offset": 0}, **halo}
        for name in "yx"
    ]
    data = {"type": "float32", "range": list(sensor.range) if is_whole(sensor.dtype) else [None, None]}
    tolerance = tolerance_of(model.role, model.precision).largest * manifest.normalisation.scale
    return {
        "format_version": _FORMAT,
        "type": "model",
        "name": f"denoiser {plain_name(bundle)}",
        "description": f"Removes the noise of one sensor: {_frames(bundle)}; trained on noisy frames alone.",
        "authors": [{"name": "zsn2m-deploy"}],
        "license": LICENCE,
        "cite": [{"text": CITATION, "url": "https://ojs.aaai.org/index.php/AAAI"}],
        "documentation": "README.md",
        "covers": ["cover.png"],
        "tags": ["denoising", "image-restoration", "self-supervised", "2d", "onnx"],
        "timestamp": manifest.created,
        "inputs": [
            {
                "id": model.input,
                "description": f"The values of the sensor, {_frames(bundle)}, as they are: nothing is to be scaled",
                "axes": [{"type": "batch"}, channel, *given],
                "data": data,
                "preprocessing": [{"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}],
                "test_tensor": test_input,
            }
        ],
        "outputs": [
            {
                "id": model.output,
                "description": "The same without noise, in the same values, not rounded",
                "axes": [{"type": "batch"}, channel, *made],
                "data": data,
                "test_tensor": test_output,
            }
        ],
        "weights": {"onnx": {**weights, "opset_version": OPSET}},
        "config": {
            "bioimageio": {
                "reproducibility_tolerance": [{"relative_tolerance": 1e-3, "absolute_tolerance": max(1e-3, tolerance)}]
            }
        },
    }


def _frames(bundle: Bundle) -> str:
    sensor = bundle.manifest.sensor
    low, high = sensor.range
    return f"{'grey' if sensor.channels == 1 else 'RGB'} {sensor.dtype} from {low:g} to {high:g}"


def _documentation(bundle: Bundle, model: ModelEntry, sizes: _Sizes) -> str:
    whole = model.receptive_radius >= MOST_REACH or bool(bundle.manifest.row_noise)
    tiles = (
        "Give whole images: the network looks at whole rows or frames, so that tiles get other pixels."
        if whole
        else f"Tiles get the pixels of the whole image with a halo of {sizes.halo} and sides of multiples of "
        f"{sizes.step} pixels."
    )
    return f"""# Denoiser of one sensor

Trained by zsn2m-deploy on noisy frames of one sensor alone: {_frames(bundle)}. It is for frames of that sensor at
that gain; others look too smooth, or stay noisy. No network of general use.

The input is what the sensor gives, without any scaling: normalisation, and every correction that the training found,
are inside the model. The result is in the same values, not rounded.

{tiles}

## Validation

No clean image was needed, so there is no score on one. Look at the difference of input and result: it should be noise
without edges or texture. The folder of the bundle that this was made from has a report with figures of that kind. The
test tensors are the centre of a training frame and what the model makes of it.

Before you publish this: the test tensors and the cover are a part of your frame, and licence and authors stand for the
program that made the package; set your own.

{CITATION}
"""


def _npy(array: Pixels) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _cover(noisy: Nchw, denoised: Nchw, in_use: tuple[float, float]) -> bytes:
    """Noisy and denoised side by side, twice as wide as high, as a PNG."""
    low, high = in_use
    side = min(noisy.shape[2:])
    pair = np.concatenate([planes[0, :, :side, :side] for planes in (noisy, denoised)], axis=2)
    grey_levels = np.rint(((pair - low) * (255 / (high - low))).clip(0, 255)).astype(np.uint8)
    picture = grey_levels[::-1].transpose(1, 2, 0)  # OpenCV writes B, G, R
    times = max(1, _COVER_SIDE // side)
    _, png = cv2.imencode(".png", picture.repeat(times, axis=0).repeat(times, axis=1))
    return png.tobytes()
