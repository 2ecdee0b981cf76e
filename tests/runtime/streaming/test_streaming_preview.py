"""The preview window, by a stand-in for OpenCV's window code, which the headless OpenCV lacks, and under Xvfb."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from zsn2m_runtime.errors import UnavailableError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming import preview
from zsn2m_runtime.streaming.ends import Packet, Picture
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.preview import Preview, as_8_bit

SENSOR = Sensor(dtype="uint8", channels=3, range=(0, 255), noise_sigma=1.0)
HAS_WINDOWS = "GUI:                           NONE" not in cv2.getBuildInformation()
CLOSE = -2  # not a key: the user closes the window
RED = Frame(np.full((6, 8, 3), (200, 20, 10), np.uint8))


class Windows:
    """OpenCV's window functions on a screen that is a list; `keys` are pressed one after another."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.shown: list[np.ndarray] = []
        self.sizes: list[tuple[int, int]] = []
        self.keys: list[int] = []

    def functions(self) -> dict[str, Any]:
        names = ("namedWindow", "resizeWindow", "imshow", "waitKey", "getWindowProperty", "destroyWindow")
        return {name: getattr(self, f"_{name}") for name in names} | {"destroyAllWindows": self.open.clear}

    def _namedWindow(self, title: str, flags: int) -> None:  # noqa: N802  (OpenCV's names)
        assert flags == preview.WINDOW_STYLE
        self.open.add(title)

    def _resizeWindow(self, title: str, width: int, height: int) -> None:  # noqa: N802
        self.sizes.append((width, height))

    def _imshow(self, title: str, array: np.ndarray) -> None:
        assert title in self.open  # otherwise OpenCV would open a new window
        self.shown.append(array)

    def _waitKey(self, milliseconds: int) -> int:  # noqa: N802
        assert milliseconds > 0  # 0 would wait for ever
        key = self.keys.pop(0) if self.keys else -1
        if key == CLOSE:
            self.open.clear()
        return -1 if key == CLOSE else key

    def _getWindowProperty(self, title: str, wanted: int) -> float:  # noqa: N802
        if title not in self.open:
            raise cv2.error("NULL guiReceiver (please create a window)")
        return 1.0

    def _destroyWindow(self, title: str) -> None:  # noqa: N802
        if title not in self.open:
            raise cv2.error("NULL guiReceiver (please create a window)")
        self.open.remove(title)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """A screen, with a stand-in for the window code of OpenCV."""
    screen = Windows()
    monkeypatch.setattr(preview, "cv2", SimpleNamespace(**(vars(cv2) | screen.functions())))
    monkeypatch.setenv("DISPLAY", ":0")
    return screen


def picture(frame: Frame = RED) -> Picture:
    return Picture(frame, 1, "a")


def test_an_opencv_without_windows_is_an_error_before_the_first_frame() -> None:
    if HAS_WINDOWS:
        pytest.skip("the installed OpenCV can show windows")
    with pytest.raises(UnavailableError, match=r"preview: .*opencv-python-headless"):
        Preview(NullSink(), SENSOR)


def test_linux_without_a_display_is_an_error_and_not_the_end_of_the_process(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UnavailableError, match=r"preview: .*DISPLAY"):
        Preview(NullSink(), SENSOR)
    assert not windows.open
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    Preview(NullSink(), SENSOR)


def test_pictures_reach_the_sink_and_then_the_screen_as_bgr(windows: Windows) -> None:
    sink = NullSink()
    shown = Preview(sink, SENSOR)
    for item in (picture(), Packet("audio"), picture()):
        shown.write(item)
    assert sink.frames == 2
    assert [array[0, 0].tolist() for array in windows.shown] == [[10, 20, 200]] * 2
    assert shown.finish() == "no output"
    assert not windows.open
    assert shown.salvage() is None


def test_a_picture_that_the_sink_refuses_is_not_shown(windows: Windows) -> None:
    class Refusing(NullSink):
        def write(self, item: object) -> None:
            raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        Preview(Refusing(), SENSOR).write(picture())
    assert not windows.shown


@pytest.mark.parametrize(
    ("size", "expected"),
    [((6, 8), (8, 6)), ((1440, 2560), (1280, 720)), ((2000, 100), (36, 720)), ((9999, 1), (1, 720))],
)
def test_a_large_picture_gets_a_window_that_fits_on_a_screen(
    windows: Windows, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    shown = Preview(NullSink(), SENSOR)
    for _ in range(2):
        shown.write(picture(Frame(np.zeros(size, np.uint8))))
    assert windows.sizes == [expected]  # once: afterwards the size is the user's


@pytest.mark.parametrize("how", ["key", "closed"])
def test_q_or_closing_the_window_quits_once_and_the_sink_goes_on(windows: Windows, how: str) -> None:
    sink, quits = NullSink(), []
    shown = Preview(sink, SENSOR)
    shown.on_quit = lambda: quits.append(sink.frames)
    windows.keys += [ord("x")]
    shown.write(picture())
    assert not quits
    if how == "key":
        windows.keys += [ord("q")]
    else:
        windows.keys += [CLOSE]
    for _ in range(3):
        shown.write(picture())
    assert quits == [2]
    assert (sink.frames, len(windows.shown)) == (4, 2)
    assert shown.salvage() is None


@pytest.mark.parametrize(
    ("dtype", "limits", "values", "expected"),
    [
        ("uint8", (0, 255), [0, 7, 255], [0, 7, 255]),
        ("uint8", (16, 235), [0, 16, 235], [0, 0, 255]),
        ("uint16", (0, 1023), [0, 512, 1023, 65535], [0, 128, 255, 255]),
        ("float32", (-1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 1e30], [0, 0, 128, 255, 255]),
    ],
)
def test_the_sensors_range_is_black_to_white(
    dtype: str, limits: tuple[float, float], values: list[float], expected: list[int]
) -> None:
    shown = as_8_bit(np.array([values], dtype), limits)
    assert shown.dtype == np.uint8
    assert shown.tolist() == [expected]


# Pictures go into a window of an X server without a screen; xdotool then presses q there.
ON_A_SCREEN = """
import subprocess, sys
import numpy as np
from zsn2m_runtime.image import Frame
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.streaming.image_sink import NullSink
from zsn2m_runtime.streaming.ends import Picture
from zsn2m_runtime.streaming.preview import TITLE, Preview

quits = []
shown = Preview(NullSink(), Sensor(dtype="uint16", channels=3, range=(0, 1023), noise_sigma=1.0))
shown.on_quit = lambda: quits.append(True)
picture = Picture(Frame(np.full((60, 80, 3), (1023, 512, 0), np.uint16)), 1, "a")
for number in range(400):
    shown.write(picture)
    if number == 20:
        [window] = subprocess.check_output(["xdotool", "search", "--name", TITLE[:12]], text=True).split()
        root = subprocess.check_output(["xwd", "-root", "-silent"])
    if number > 20 and number % 20 == 0:
        subprocess.run(["xdotool", "key", "--window", window, "q"], check=True, stderr=subprocess.DEVNULL)
    if quits:
        break
shown.finish()
assert quits, "the window takes no key"
assert root.count(bytes((0, 128, 255))) > 60 * 80 // 2, "the screen does not show the picture"  # BGR, 8 bit
"""


@pytest.mark.skipif(
    not HAS_WINDOWS or not all(map(shutil.which, ("xvfb-run", "xdotool", "xwd"))),
    reason="needs opencv-python in the place of opencv-python-headless, xvfb, xdotool and x11-apps",
)
def test_a_real_window_shows_the_picture_and_q_ends_it() -> None:
    runtime = Path(preview.__file__).parents[2]
    command = ["xvfb-run", "-a", "-s", "-screen 0 640x480x24", sys.executable, "-c", ON_A_SCREEN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=runtime, check=False)
    assert done.returncode == 0, done.stderr
