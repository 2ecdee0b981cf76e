"""Compares sequences of the installed denoise_raw with those of Python, pixel by pixel.

python compare_sequences.py BUNDLES INSTALLED EXAMPLES SUFFIX...

As compare_with_python.py; INSTALLED is where libzsn2m was installed. Where things are taken where they were, both are
the same; optical flow is another in every version of OpenCV, and pixels between pixels, too.
"""

from __future__ import annotations

import ctypes
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples import compare, run_raw
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.frames import Average, denoise_frame, denoise_mean
from zsn2m_runtime.inference.session import Session, strength_input
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.model_record import ModelEntry
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Nchw, Pixels, Strength
from zsn2m_runtime.sequence import MOTIONS, MotionName, Sequence

MODELS = ("f32_colour video", "u16_colour sensor", "u16_mosaic sensor", "u8_colour video")
PRETRAINED = "u16_colour sensor"  # flow needs results that look like the scene
SIZES = ((75, 61), (240, 320))
FRAMES, CUT = 7, 5  # the last two show another scene
NOISE = 0.2  # of the range, to each side, as in noise_of() of make_bundles.py
STEP = (1, 2)  # pixels that the camera moves from frame to frame
LOUDER = 3  # the frame from which the noise is so many times as strong
TIMES = 1.4
DARKER = 0.97  # times the light, from frame to frame
DUSK = 0.8  # the same of a scene whose light is so low that the noise of most samples is clipped
FLICKER = 0.05  # of the range: by so much the right half is brighter in every second frame
MOST_OF_NOISE = 0.06  # root mean square of the difference by flow, of the noise's deviation; measured: 0.045


class Model:
    """What a Sequence needs of a Denoiser, of one model file."""

    averages = True

    def __init__(self, path: Path, bundle: Bundle, entry: ModelEntry) -> None:
        assert bundle.manifest.noise
        self.noises: tuple[NoiseRecord, ...] = (bundle.manifest.noise,)
        self.path = path
        self.card = bundle.manifest.card(entry)
        self.sensor = self.card.sensor
        self._session = Session(path, "cpu", 1) if path.suffix == ".onnx" else Script(path)

    def denoise(self, frame: Frame, name: str = "") -> Frame:
        """Denoise one frame."""
        return denoise_frame(self._session, self.card, frame)

    def denoise_mean(self, frame: Frame, average: Average, name: str = "") -> tuple[Frame, Nchw]:
        """Denoise the mean that stands for a frame."""
        return denoise_mean(self._session, self.card, frame, average, DEFAULT_STRIP_PIXELS)


class Script(Session):
    """A TorchScript file."""

    def __init__(self, path: Path) -> None:
        self._script = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    def run(self, noisy: Nchw, strength: Strength | None = None) -> Nchw:
        """Denoise one batch."""
        told = () if strength is None else (torch.from_numpy(strength_input(strength)),)
        result: Nchw = self._script(torch.from_numpy(noisy), *told).numpy()
        return result


def main() -> int:
    """Compare every model that is given means."""
    bundles, installed, examples = (Path(argument) for argument in sys.argv[1:4])
    library = ctypes.CDLL(str(installed / "lib" / "libzsn2m.so"))
    library.zsn2m_opencv_version.restype = ctypes.c_char_p
    follows = bool(library.zsn2m_opencv_version())
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    agree = True
    for name in MODELS:
        stem, identity = name.split()
        bundle = load_bundle(bundles / f"{stem}.zsn2m")
        for suffix in sys.argv[4:]:
            file = bundle.path / f"{identity}{suffix}"
            model = Model(file, bundle, bundle.model(identity))
            for size in SIZES:
                for dusk in (False, True):
                    what = "still, dusk" if dusk else "still"
                    agree &= still_frames_agree(f"{name}{suffix} {size} {what}", examples, model, size, dusk)
                if name == PRETRAINED:
                    agree &= moving_frames_agree(f"{name}{suffix} {size} moving", examples, model, size, follows)
    return 0 if agree else 1


def still_frames_agree(name: str, examples: Path, model: Model, size: tuple[int, int], dusk: bool) -> bool:
    """Compare frames of a camera that stands still; Python averages them, or nothing is compared."""
    frames = scene(model.sensor, size, (0, 0), dusk)
    expected = in_python(model, frames, "none")
    if (expected == in_python(model, frames, "off")).all():
        raise AssertionError(f"{name}: expected frames to be averaged")
    found = run_raw(examples, model.path, np.concatenate(frames), FRAMES, 0, "none")
    return compare(name, expected, found, model.sensor)


def moving_frames_agree(name: str, examples: Path, model: Model, size: tuple[int, int], follows: bool) -> bool:
    """Compare frames of a camera that moves; a libzsn2m that does not follow that takes things where they were."""
    frames = scene(model.sensor, size, STEP)
    found = run_raw(examples, model.path, np.concatenate(frames), FRAMES, 0, "flow")
    unmoved = in_python(model, frames, "none")
    if not follows:
        return compare(name, unmoved, found, model.sensor)
    expected = in_python(model, frames, "flow")
    near, far = apart(expected, found, model.sensor), apart(expected, unmoved, model.sensor)
    print(f"{name}: {near:.3f} of the noise apart, {far:.3f} where motion is not followed")
    return near <= MOST_OF_NOISE < far


def in_python(model: Model, frames: list[Pixels], motion: MotionName) -> Pixels:
    """Results below each other."""
    denoise = Sequence(model, MOTIONS[motion])
    return np.concatenate([denoise(Frame(frame)).pixels.reshape(frame.shape) for frame in frames])


def apart(one: Pixels, other: Pixels, sensor: Sensor) -> float:
    """Root of the mean square of the difference, of the noise's deviation."""
    low, high = sensor.range
    difference = (one.astype(np.float64) - other) / (high - low) / (NOISE / np.sqrt(3))
    return float(np.sqrt(np.mean(np.square(difference))))


def scene(sensor: Sensor, size: tuple[int, int], step: tuple[int, int], dusk: bool = False) -> list[Pixels]:
    """Noisy frames of a camera that moves by a step between two, with a disc that moves by itself, then others.

    The light fades, and that of one half flickers.
    """
    low, high = sensor.range
    random = np.random.default_rng(0)
    frames = []
    for index in range(FRAMES):
        down, along = (index * each for each in step)
        clean = drawn(size, int(index >= CUT))[down:, along:][: size[0], : size[1]]
        clean = clean if sensor.channels == 3 else clean[..., 0]
        rows, columns = np.mgrid[: size[0], : size[1]]
        clean[np.hypot(rows - size[0] / 2, columns - size[1] / 4 - 3 * index) < min(size) / 8] = 0.7
        clean[:, size[1] // 2 :] += FLICKER * (index % 2)
        strength = TIMES if index >= LOUDER else 1
        if dusk:
            clean *= (columns / size[1] / 2).reshape(size + (1,) * (clean.ndim - 2))
        noisy = clean * (DUSK if dusk else DARKER) ** index + NOISE * strength * random.uniform(-1, 1, clean.shape)
        noisy = low + (high - low) * np.clip(noisy, 0, 1)
        if index == 1:
            noisy[: size[0] // 5] = low  # a bar without a picture
        frames.append((np.rint(noisy) if sensor.dtype != "float32" else noisy).astype(sensor.dtype))
    return frames


def drawn(size: tuple[int, int], seed: int) -> Pixels:
    """Smooth blots from 0.3 to 0.7, larger than a frame, (h, w, 3)."""
    height, width = (length + FRAMES * max(STEP) for length in size)
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    blots = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.asarray(0.5 + 0.2 * blots / np.abs(blots).max())


if __name__ == "__main__":
    sys.exit(main())
