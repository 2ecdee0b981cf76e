"""Whether a frame can be of the sensor that a bundle was trained for."""

from __future__ import annotations

import numpy as np

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame, check_computable, check_finite
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import is_whole


def check_fits(sensor: Sensor, frame: Frame, name: str = "frame") -> None:
    """Refuse a frame that the bundle's sensor cannot have given.

    Raises:
        InputError: another dtype or channel count, no finite sample, or values outside the range.
    """
    if frame.dtype != sensor.dtype:
        raise InputError(
            f"{name}: expected {sensor.dtype} samples, as in the frames that the bundle was trained on, but got "
            f"{frame.dtype}; train a bundle on such a frame"
        )
    if frame.channels != sensor.channels:
        kinds = {1: "grey (1 channel)", 3: "colour (3 channels)"}
        if sensor.mosaic:
            raise InputError(
                f"{name}: expected a {sensor.mosaic.pattern} mosaic, which has one value a pixel, as those that the "
                f"bundle was trained on, but got {kinds[frame.channels]}; train a bundle on such a frame"
            )
        pages = "; three grey pages need TIFF's photometric MinIsBlack" if frame.channels == 3 else ""
        raise InputError(
            f"{name}: expected a frame of {kinds[sensor.channels]}, but got {kinds[frame.channels]}; "
            f"convert it, or train a bundle on such a frame{pages}"
        )
    check_finite(frame, name)
    check_computable(frame, name)
    if is_whole(frame.dtype):
        low, high = sensor.range
        least, most = int(np.min(frame.pixels)), int(np.max(frame.pixels))
        if least < low or most > high:
            raise InputError(
                f"{name}: expected values in the sensor's range {low:g} to {high:g}, but got {least} to {most}; "
                f"train with the right --bit-depth or --range"
            )
