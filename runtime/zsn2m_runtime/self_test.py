"""The self-test arrays of a bundle, which may come from a stranger."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np

from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.model_record import FileRecord, ModelEntry, ModelIo
from zsn2m_runtime.sample_types import Pixels

MOST_PIXELS = 512 * 512  # of a self-test; exports write at most 93 x 93: docs/decisions/bundle-limits.md
DTYPES: dict[ModelIo, str] = {"sensor": "float32", "unit": "float32", "u8": "uint8", "u16": "uint16"}
_LONGEST_HEADER = 1024  # characters of a .npy header; exports write 118


def read_test_input(bundle: Bundle, model: ModelEntry | None = None) -> Pixels:
    """The self-test input of a model; without a model the bundle's own, in sensor units.

    Shape:
        returns: (1, c, h, w) float32; with io u8 or u16 (1, h, w, c) of that type
    Raises:
        BundleError: no .npy array, one of another type or shape, a too large one, or values that are not finite.
    """
    record = model.self_test_input if model else None
    given: ModelIo = model.io if model and record else "sensor"
    return _array(bundle, record or bundle.manifest.self_test_input, given)


def read_expected_output(bundle: Bundle, model: ModelEntry) -> Pixels:
    """The model's output for its self-test input, as it was when the model was exported.

    Shape:
        returns: as the model's input
    Raises:
        BundleError: as `read_test_input`.
    """
    return _array(bundle, model.self_test, model.io)


def _array(bundle: Bundle, record: FileRecord, given: ModelIo) -> Pixels:
    path, sensor = bundle.file(record), bundle.manifest.sensor
    try:
        array = _parsed(bundle.content(record))
        _check(array, sensor, given)
    except _RefusedError as refusal:
        raise BundleError(
            f"{path}: expected a self-test array of {DTYPES[given]}, {_shape_in_words(sensor, given)}, but got "
            f"{refusal}; export again"
        ) from refusal
    return array


def _shape_in_words(sensor: Sensor, given: ModelIo) -> str:
    return f"(1, h, w, {sensor.channels})" if given in ("u8", "u16") else f"(1, {sensor.channels}, h, w)"


def _check(array: Pixels, sensor: Sensor, given: ModelIo) -> None:
    count, *sides, channels = array.shape if given in ("u8", "u16") else np.moveaxis(array, 1, -1).shape
    if array.dtype.name != DTYPES[given] or channels != sensor.channels or count != 1:
        raise _RefusedError(f"{array.dtype.name} of shape {array.shape}")
    pixels = math.prod(sides)
    if pixels > MOST_PIXELS:
        raise _RefusedError(f"{pixels:,} pixels (at most {MOST_PIXELS:,})")
    if not np.isfinite(array).all():
        raise _RefusedError("values that are not finite")


def _parsed(content: bytes) -> Pixels:
    """The array of a .npy file; memory is taken for the bytes there are, not for those that the header states."""
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of headers that Python 2 wrote
            version = np.lib.format.read_magic(stream)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, in_columns, dtype = read_header(stream, max_header_size=_LONGEST_HEADER)
    except Exception as error:  # NumPy evaluates the header as a literal, which fails in many ways
        raise _RefusedError("a file that is no .npy array") from error
    if dtype.name not in DTYPES.values() or in_columns or len(shape) != 4 or min(shape) < 1:
        raise _RefusedError(f"{dtype.name} of shape {shape}" + (" in Fortran order" if in_columns else ""))
    data = content[stream.tell() :]
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise _RefusedError(f"a header of shape {shape} before {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


class _RefusedError(Exception):
    """A self-test array was refused; the text is what came."""
