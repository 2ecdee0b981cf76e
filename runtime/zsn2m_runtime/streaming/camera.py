"""Cameras, by OpenCV."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import cv2

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.image import Frame, as_frame
from zsn2m_runtime.streaming.ends import FINEST_RATE, MICROSECOND, Picture, StreamInfo, frame_name, kind_of

SAMPLES = ("uint8", "uint16", "float32")  # sample types that cv2.cvtColor takes


def _open_capture(device: int | str) -> cv2.VideoCapture:
    """Open a device, without what OpenCV prints of a failure: an error says it."""
    logging_of_opencv = cv2.utils.logging
    before = logging_of_opencv.setLogLevel(logging_of_opencv.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(device)
    finally:
        logging_of_opencv.setLogLevel(before)


class CameraSource:
    """A camera that OpenCV can open, in RGB or grey. Its clock is the arrival of the frames.

    Args:
        device: number, or path such as /dev/video0
        opener: gives an object like cv2.VideoCapture
    Raises:
        InputError: if the camera cannot be opened, or gives no frame.
    """

    def __init__(self, device: int | str, opener: Callable[[int | str], cv2.VideoCapture] = _open_capture) -> None:
        self._name = f"camera {device}"
        try:
            self._capture = opener(device)
        except cv2.error as error:  # the number is too large for a number of OpenCV's
            raise InputError(f"{self._name}: expected a camera, but OpenCV refuses its number; check it") from error
        try:
            if not self._capture.isOpened():
                raise InputError(
                    f"{self._name}: expected a camera that can be opened, but there is none; check its number, its "
                    f"cable, and that no other program uses it"
                )
            # Read for its size and type alone: it is old by the time the stream begins.
            self.info = _info(self._name, self._read(), self._capture.get(cv2.CAP_PROP_FPS))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Picture]:
        """Frames without end.

        Raises:
            InputError: when the camera gives none, or one of another size or type.
        """
        started, last, number = time.perf_counter(), -1, 0
        while True:
            frame = self._read()
            arrived = time.perf_counter()
            got = _info(self._name, frame)
            if kind_of(got) != kind_of(self.info):
                raise InputError(
                    f"{self._name}: expected frames of {kind_of(self.info)}, but got {kind_of(got)}; restart"
                )
            number += 1
            last = max(last + 1, round((arrived - started) / MICROSECOND))
            yield Picture(frame, number, frame_name(number), pts=last, time_base=MICROSECOND, arrived=arrived)

    def stop(self) -> None:
        """Nothing waits: the next frame ends it."""

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()

    def _read(self) -> Frame:
        try:
            done, array = self._capture.read()
        except cv2.error as error:
            raise InputError(
                f"{self._name}: expected a frame, but OpenCV failed ({error}); plug it in again"
            ) from error
        if not done or array is None:
            raise InputError(f"{self._name}: expected a frame, but the camera gave none; check its cable")
        frame = as_frame(array, self._name)
        if frame.alpha is not None:
            raise InputError(f"{self._name}: expected grey or colour frames, but got 4 channels; use another driver")
        if frame.dtype not in SAMPLES:
            raise InputError(f"{self._name}: expected {', '.join(SAMPLES)}, but got {frame.dtype}; use another driver")
        if frame.channels == 1:
            return Frame(frame.pixels.copy())  # an opener's capture may fill one buffer again and again
        return Frame(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2RGB))


def _info(name: str, frame: Frame, rate: float = 0.0) -> StreamInfo:
    """What a camera's frames are. Drivers that do not know their rate say 0, NaN or infinity."""
    height, width = frame.pixels.shape[:2]
    value_range = (0, 255) if frame.dtype == "uint8" else None
    known = math.isfinite(rate) and rate > 0
    fps = Fraction(rate).limit_denominator(FINEST_RATE) if known else None
    return StreamInfo(name, height, width, frame.dtype, frame.channels, value_range, fps, live=True)
