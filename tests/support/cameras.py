"""A stand-in for cv2.VideoCapture, and frames as OpenCV gives them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


class Capture:
    """Like cv2.VideoCapture, with the given reads: arrays, None for a failed read, or errors."""

    def __init__(self, *reads: Any, rate: float = 30.0, opens: bool = True) -> None:
        self._reads, self._rate, self._opens = iter(reads), rate, opens
        self.released = 0

    def isOpened(self) -> bool:  # noqa: N802  (OpenCV's name)
        return self._opens

    def read(self) -> tuple[bool, Any]:
        given = next(self._reads, None)
        if isinstance(given, Exception):
            raise given
        return given is not None, given

    def get(self, wanted: int) -> float:
        assert wanted == cv2.CAP_PROP_FPS
        return self._rate

    def release(self) -> None:
        self.released += 1


def bgr(value: int = 0, shape: tuple[int, ...] = (6, 8, 3), dtype: str = "uint8") -> np.ndarray:
    """A frame as OpenCV gives it; colour is bluer than red."""
    array = np.full(shape, value, dtype)
    if shape[2:] == (3,):
        array[..., 0] = value + 100
    return array
