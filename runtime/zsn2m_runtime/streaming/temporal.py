"""Less flicker where nothing moves: a result is blended with the results before it, as far as the scene stands still.

Whether it does is judged on pictures of half the size, from the change between the denoised frame and the blend of the
results before it, by two tests in units of the noise that denoising leaves, which is measured in every frame. Change:
its mean square in a window. Shift: the change projected on the gradient of the picture, which is what an edge leaves
that moves a little; it finds motion far below the noise of a single pixel.

Source of the constants: measured, docs/results/streaming.md#temporal.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.sample_types import Pixels, is_whole, to_samples

Floats = npt.NDArray[np.float32]

HISTORY = 8  # results in a blend: 16 gain nothing, 4 leave a tenth more flicker
WINDOW = 9  # half-size pixels: 7 lose more at faint edges, 11 close more of a busy scene
CHANGE = (2.0, 4.0)  # times the noise: open below, closed above
SHIFT = (4.0, 16.0)  # likewise; (10, 40) leaves half the flicker, and takes 0.7 dB from a faint moving edge
SHIFT_LIMIT = 2 * SHIFT[1]  # so that a gate begins to open two frames after the strongest motion
MOVED = 0.55  # mean over the picture: a cut, or a camera that moves; still scenes reach 0.44, cuts start at 0.68
BLOCK = 8  # half-size pixels: means of smaller blocks vary too much, frames have too few of larger ones
STILL = 0.1  # share of the blocks that is taken for still
NOISE_GROWTH = 1.1  # a frame: a cut looks like noise of up to 100 times the power, and must not be taken for it
LEAST_LEFT = 1e-3  # of the noise power, so that it can grow again; good denoisers leave 0.01 and more
RESIZED = ("uint8", "uint16", "int16", "float32", "float64")  # samples that OpenCV makes smaller
LIGHT_SPREAD = 20.0  # times the misfit of the line that explains a change of light: less is noise, not light


class Temporal:
    """A blend of each denoised frame with the ones before it, gated by change; memory is bounded.

    Light that changes over the whole picture is followed. After a cut, and where something moves, results are what
    they would be without it.

    Args:
        sensor: what output is clamped to
    """

    _spare: Floats  # memory of the blend's size
    _half: Floats  # the blend at half the size, as all that follows
    _latest: Floats  # the latest denoised frame
    _count: Floats  # how many results are in the blend
    _shift: Floats  # the displacement test's recent mean
    _left: float  # of the power of the noise that denoising removes, the share that it leaves

    def __init__(self, sensor: Sensor) -> None:
        self._sensor = sensor
        span = sensor.range[1] - sensor.range[0]
        step = 1.0 if is_whole(sensor.dtype) else 1e-6 * span  # float32 results are not more exact
        self._rounding = np.float32(step**2 / 12)  # variance of the error of rounding to steps
        self._blend: Floats = np.zeros((0, 0), np.float32)

    def __call__(self, noisy: Pixels, denoised: Pixels) -> Pixels:
        """The next frame's result; frames come in order, and one of another size starts anew.

        Shape:
            noisy, denoised: (h, w) or (h, w, 3), sensor units
            returns: shape and dtype of denoised; within the sensor's range, integers rounded
        """
        half = _shrunk(denoised, 2).astype(np.float32)
        if self._blend.shape != denoised.shape:
            self._start(denoised, half)
            return denoised
        if np.array_equal(half, self._latest):  # a frame shown twice says nothing about noise
            return self._pixels(denoised.dtype)
        self._latest = half
        change = self._follow_light(half)
        power = _mean_square(change)
        noise = self._noise(noisy, denoised, power)
        history = self._count * self._is_still(
            _blurred(power) / noise, _displacement(change, half + self._half) / noise
        )
        keep = history / (history + 1)
        self._count = np.minimum(history + 1, HISTORY)
        self._half = np.asarray(half - change * (keep if change.ndim == 2 else keep[:, :, None]), np.float32)
        self._add(denoised, keep)
        return self._pixels(denoised.dtype)

    def _start(self, denoised: Pixels, half: Floats) -> None:
        self._blend = denoised.astype(np.float32)
        self._latest = self._half = half
        self._spare = np.empty_like(self._blend)  # new memory in every frame would take as long as the blending
        self._count = np.ones(half.shape[:2], np.float32)
        self._shift = np.zeros_like(self._count)
        self._left = 1.0  # no denoiser leaves more than it removes

    def _follow_light(self, half: Floats) -> Floats:
        """Bring the blend to the brightness of the latest frame; returns what changed besides."""
        before = _shrunk(self._half, BLOCK)
        gain, offset = _light(before, _shrunk(half, BLOCK) - before)
        self._half = self._half * np.float32(1 + gain) + np.float32(offset)
        cv2.addWeighted(self._blend, 1 + gain, self._blend, 0, offset, dst=self._blend)
        return np.asarray(half - self._half)

    def _noise(self, noisy: Pixels, denoised: Pixels, power: Floats) -> Floats:
        """What noise alone gives to `power`, the mean square of the change.

        What denoising removes tells where there is how much noise; the blocks that change least, how much is left.
        """
        before, after = (_shrunk(pixels, 2, cv2.INTER_NEAREST) for pixels in (noisy, denoised))
        removed = _mean_square(np.subtract(before, after, dtype=np.float32)) + self._rounding
        of_blend = 1 + 1 / self._count
        powers, noises = _shrunk(power / of_blend, BLOCK), _shrunk(removed, BLOCK)
        alive = noises > 2 * self._rounding  # black bars have no noise, and clipped areas next to none
        if alive.any():
            left = float(np.quantile(powers[alive], STILL) / np.quantile(noises[alive], STILL))
            self._left = max(LEAST_LEFT, min(left, NOISE_GROWTH * self._left))
        return np.asarray(np.float32(self._left) * _blurred(removed) * of_blend + self._rounding)

    def _is_still(self, change: Floats, displacement: Floats) -> Floats:
        """How far each half-size pixel may be blended, 0 to 1, from the two tests in units of noise."""
        self._shift += np.minimum(displacement, SHIFT_LIMIT)
        self._shift /= 2  # motion lasts, noise does not
        moved = np.maximum(_above(CHANGE, change), _above(SHIFT, self._shift))
        if moved.mean() > MOVED:
            return np.zeros_like(moved)
        return np.asarray(1 - moved)

    def _add(self, denoised: Pixels, keep: Floats) -> None:
        """Make keep * blend + (1 - keep) * denoised the blend; exactly `denoised` where `keep` is 0."""
        total = np.float32(2**20)  # cv2.blendLinear divides by the weights' sum + 1e-5, which vanishes beside it
        weight = cv2.resize(keep, denoised.shape[1::-1], interpolation=cv2.INTER_LINEAR) * total
        latest = self._spare
        np.copyto(latest, denoised)
        self._spare = self._blend
        self._blend = np.asarray(cv2.blendLinear(self._spare, latest, weight, total - weight, dst=latest), np.float32)

    def _pixels(self, dtype: npt.DTypeLike) -> Pixels:
        found = to_samples(np.clip(self._blend, *self._sensor.range, out=self._spare), dtype, self._sensor.range)
        return found.copy() if found is self._spare else found


def _light(before: Floats, change: Floats) -> tuple[float, float]:
    """Gain (minus 1) and offset that explain the change of the blocks' means: the resistant line through their thirds.

    Shape:
        before, change: any, blocks of the blend, and how much brighter they are in the latest frame

    Source: Tukey, Exploratory Data Analysis, 1977.
    """
    low, high = np.quantile(before, (1 / 3, 2 / 3))
    darker, brighter = before <= low, before >= high
    spread = float(np.median(before[brighter]) - np.median(before[darker]))
    gain = float(np.median(change[brighter]) - np.median(change[darker])) / spread if spread > 0 else 0.0
    rest = change - gain * before
    offset = float(np.median(rest))
    if spread <= LIGHT_SPREAD * float(np.median(np.abs(rest - offset))):
        return 0.0, float(np.median(change))
    return gain, offset


def _displacement(change: Floats, picture: Floats) -> Floats:
    """Energy of the part of the change that a displacement of the picture explains, in windows.

    Shape:
        change, picture: (h, w) or (h, w, 3)
        returns: (h, w)
    """
    energy = np.zeros(change.shape[:2], np.float32)
    for x, y in ((1, 0), (0, 1)):
        gradient = cv2.Sobel(picture, cv2.CV_32F, x, y, ksize=1)
        along, strength = _blurred(_channel_sum(change * gradient)), _blurred(_channel_sum(gradient * gradient))
        energy += along * along / np.maximum(strength, np.finfo(np.float32).tiny)
    return energy * np.float32(WINDOW**2)


def _above(limits: tuple[float, float], values: Floats) -> Floats:
    low, high = limits
    return np.asarray(np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1))


def _shrunk(pixels: Pixels, factor: int, interpolation: int = cv2.INTER_AREA) -> Pixels:
    if pixels.dtype.name not in RESIZED:
        pixels = pixels.astype(np.float32)
    height, width = pixels.shape[:2]
    factor = min(factor, height, width)
    rows, columns = height // factor, width // factor
    whole = pixels[: rows * factor, : columns * factor]  # blocks that cut pixels would take three times as long
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=interpolation))


def _blurred(plane: Floats) -> Floats:
    return np.asarray(cv2.blur(plane, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT), np.float32)


def _mean_square(pixels: Floats) -> Floats:
    return _channel_sum(pixels * pixels) / np.float32(1 if pixels.ndim == 2 else pixels.shape[2])


def _channel_sum(pixels: Floats) -> Floats:
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.transform(pixels, np.ones((1, pixels.shape[2]), np.float32)), np.float32)
