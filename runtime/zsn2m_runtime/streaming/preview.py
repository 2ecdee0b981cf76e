"""A window that shows what a sink gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np

from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.streaming.ends import Item, Picture, Sink

TITLE = "zsn2m-deploy (q quits)"
QUIT_KEY = ord("q")
EVENT_WAIT = 1  # milliseconds in which the window takes keys and redraws; 0 would wait for a key
WINDOW_STYLE = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL  # any size, no toolbar
LARGEST_WINDOW = (720, 1280)  # rows and columns that fit on most screens; the user may enlarge it


class Preview:
    """A sink that also shows each picture, until q is pressed or the window is closed. For the main thread only.

    Args:
        sink: takes the items first
        sensor: of the pictures; its range is shown as black to white
        on_quit: called once, when the user wants no more; may be set later
    Raises:
        UnavailableError: if this machine cannot show windows.
    """

    def __init__(self, sink: Sink, sensor: Sensor, on_quit: Callable[[], None] | None = None) -> None:
        _check_windows()
        self._sink, self._range, self.on_quit = sink, sensor.range, on_quit
        self._is_sized = self._is_closed = False
        cv2.namedWindow(TITLE, WINDOW_STYLE)

    def write(self, item: Item) -> None:
        """Pass the item on, then show it if it is a picture.

        Raises:
            OutputError: as the sink does.
        """
        self._sink.write(item)
        if isinstance(item, Picture) and not self._is_closed:
            self._show(item.frame.pixels)

    @property
    def lost(self) -> tuple[str, ...]:
        """As the sink has it."""
        return self._sink.lost

    @property
    def changed(self) -> tuple[str, ...]:
        """As the sink has it."""
        return self._sink.changed

    def finish(self) -> str:
        """Close the window and finish the sink."""
        self._close()
        return self._sink.finish()

    def salvage(self) -> str | None:
        """Close the window and keep what the sink can."""
        self._close()
        return self._sink.salvage()

    def _show(self, pixels: Pixels) -> None:
        if not self._is_sized:
            height, width = pixels.shape[:2]
            scale = min(1.0, LARGEST_WINDOW[0] / height, LARGEST_WINDOW[1] / width)
            cv2.resizeWindow(TITLE, max(1, round(width * scale)), max(1, round(height * scale)))
            self._is_sized = True
        shown = as_8_bit(pixels, self._range)
        cv2.imshow(TITLE, shown if shown.ndim == 2 else cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(EVENT_WAIT) & 0xFF == QUIT_KEY or not _is_visible():
            self._close()
            if self.on_quit:
                self.on_quit()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            with suppress(cv2.error):  # the user has closed it already
                cv2.destroyWindow(TITLE)


def as_8_bit(pixels: Pixels, value_range: tuple[float, float]) -> Pixels:
    """Pixels for display: the sensor's range as 0 to 255, clipped.

    Shape:
        pixels: (h, w) or (h, w, 3), in sensor units
        returns: the same, uint8
    """
    low, high = value_range
    if pixels.dtype == np.uint8 and (low, high) == (0, 255):
        return pixels
    scaled: Pixels = (pixels.astype(np.float32) - low) * (255 / (high - low))
    return scaled.clip(0, 255).round().astype(np.uint8)


def _is_visible() -> bool:
    try:
        return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:  # no window is left at all
        return False


def _check_windows() -> None:
    try:
        cv2.destroyAllWindows()  # raises where OpenCV was built without windows
    except cv2.error as error:
        raise UnavailableError(
            "preview: expected an OpenCV that can show windows, but the installed one is built without them; run: "
            "pip uninstall opencv-python-headless && pip install --force-reinstall opencv-python"
        ) from error
    # Without a display, OpenCV's Qt ends the whole process instead of raising an error.
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UnavailableError(
            "preview: expected a screen, but neither DISPLAY nor WAYLAND_DISPLAY is set; leave --preview out, or run "
            "it in a desktop session or through ssh -X"
        )
