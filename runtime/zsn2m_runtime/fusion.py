"""The mean of noisy frames along their motion, before the network: what several frames saw has less noise.

At each pixel a Kalman filter of a value that stays what it is: with v, the variance of the mean's noise over that of a
frame's, the frame counts with v / (1 + v). Where frame and mean differ by more than the noise of both, motion was
wrong or something else is seen there; the square of what is too much is added to v first, so that the frame counts for
more, up to all. That is judged in cells of 2 x 2 pixels. Where vectors of motion change from pixel to pixel, v is
larger, too: there things move before others. Light that changes in a part of the frame is followed first.

Source: Kalman, A new approach to linear filtering and prediction problems, 1960, scalar case. Constants are measured:
docs/decisions/fusion.md.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zsn2m_runtime.cells import CELL, around, in_bands, pixels_of, to_cells, to_pixels
from zsn2m_runtime.light import change_of_light, change_of_parts
from zsn2m_runtime.mean import Mean
from zsn2m_runtime.noise.clipping import UNCLIPPED, Clipping, Ends, rises_of_mean
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.sample_types import Mask, Nchw
from zsn2m_runtime.usual_change import ENERGY_SIDE, UsualChange, blurred

Floats = npt.NDArray[np.float32]

DRIFT = 0.02  # of a frame's variance that every frame adds, for motion is never exact
MARGIN = ENERGY_SIDE // 2  # cells that a band sees of its neighbours
EXCESS = 6.0  # times the square of an error that is found: part of it hides in the noise
REPEATED = 0.6  # of the change that independent noise makes: less, and the frames share noise
FARTHEST = 1e3  # deviations of the noise: what differs by more is another thing, and its square may overflow
WHOLE = 4.0  # times what is gone of the variance is the share of clipping's addition that is taken away, up to all
EVERY = 8  # cells between those that are looked at for that
BETWEEN = 2  # cells between those whose levels say whether clipping changes the noise in a square of ENERGY_SIDE
MOSTLY = 0.9  # share of cells whose noise clipping changes, and
WEAK = 0.45  # mean variance there, above both of which the frame is better for a network that is not told its noise


class Fusion:
    """Takes frames into a mean; for one thread at a time, as it keeps room for its work from frame to frame.

    Args:
        noise: of a frame
        ends: at which its samples are clipped; None: they are not
        told: whether the network is told how strong the noise is
    """

    def __init__(self, noise: NoiseRecord, ends: Ends = (None, None), told: bool = True) -> None:
        self._noise, self._told = UsualChange.of(noise, ends), told
        self._room = _Room.of((1, len(self._noise.lines), 1, 1), ends)

    def in_light_of(self, noisy: Nchw, before: Mean, strength: float = 1.0) -> Mean:
        """The mean before as it would be in a frame's light.

        Args:
            before: where its content is in the frame
            strength: standard deviation of the noise over that of the record
        Shape:
            noisy: (1, c, h, w), sensor units
        """
        clipping = Clipping(self._noise.lines, strength, self._noise.ends) if self._noise.is_clipped else UNCLIPPED
        return before.relit(change_of_light(before.planes, noisy, clipping), clipping)

    def __call__(self, before: Mean, noisy: Nchw, strength: float = 1.0, new: Mask | None = None) -> Mean:
        """The mean with one more frame; it is made of the planes of the one before, which are gone then.

        Args:
            before: where its content is in the frame
            strength: standard deviation of the frame's noise over that of the record
            new: where nothing was before
        Shape:
            noisy: (1, c, h, w) float32, sensor units; new: (h, w)
        """
        one = np.broadcast_to(np.float32(1), before.variance.shape)
        return self.joined(before, Mean(noisy, one, noisy), noisy, strength, new)

    def joined(self, before: Mean, now: Mean, frame: Nchw, strength: float = 1.0, new: Mask | None = None) -> Mean:
        """Two means of different frames as one, as a mean and a frame are.

        Args:
            frame: the one that it stands for
        """
        noisy = now.planes
        if self._room.of_planes != noisy.shape:
            self._room = _Room.of(noisy.shape, self._noise.ends)
        step, shape = _Step(self._noise, self._room, before, now, strength, self._told), before.variance.shape
        in_bands(shape, step.compare)
        step.brighter = change_of_parts(self._room.changes, self._noise.left_of_part)
        if step.brighter is not None:
            in_bands(shape, step.relight)
        in_bands(shape, step.weigh)
        weight, shared = step.weight, np.float32(step.shared())
        after = weight * now.variance
        if shared:
            after = np.minimum(after + 2 * weight * (1 - weight) * shared, now.variance)
        if new is not None:
            after = np.where(to_cells(new.astype(np.float32)) > 0, now.variance, after)
        if self._noise.is_clipped:
            in_bands(shape, lambda band: step.find_added(band, after))
        in_bands(shape, lambda band: step.add(band, new))
        if not self._noise.is_clipped:
            return Mean(before.planes, after, before.planes)
        if not self._told and step.is_weak(after):
            return Mean(before.planes, after, frame)
        return Mean(before.planes, after, self._room.lit)


class _Room(NamedTuple):
    """Arrays that are written anew with every frame.

    Shape:
        changes: (c, h / 2, w / 2), mean change in cells, in standard deviations of a frame's noise
        levels, deviations: the same, of the mean before, and of a frame's noise there, sensor units
        added: the same, by clipping, sensor units
        energy, near, error: (h / 2, w / 2), mean square of the change, that of its surroundings, and what is too much
        lit: (1, c, h, w), the mean without what clipping added
    """

    of_planes: tuple[int, ...]
    changes: Floats
    levels: Floats
    deviations: Floats
    added: Floats
    energy: Floats
    near: Floats
    error: Floats
    lit: Nchw

    @classmethod
    def of(cls, planes: tuple[int, ...], ends: Ends) -> _Room:
        """Of frames of a shape."""
        _, channels, height, width = planes
        rows, columns = -(-height // CELL), -(-width // CELL)
        changes, levels, deviations, added = (np.empty((channels, rows, columns), np.float32) for _ in range(4))
        energy, near, error = (np.empty((rows, columns), np.float32) for _ in range(3))
        lit = np.empty(planes if ends != (None, None) else 0, np.float32)
        return cls(planes, changes, levels, deviations, added, energy, near, error, lit)


class _Step:
    """One frame is taken into a mean, a band of rows at a time; as many bands at once as there are threads."""

    def __init__(self, noise: UsualChange, room: _Room, before: Mean, now: Mean, strength: float, told: bool) -> None:
        self._noise, self._room, self._strength, self._told = noise, room, strength, told
        self._planes, self._variance, self._doubt = before.planes, before.variance + np.float32(DRIFT), before.doubt
        self._noisy, self._own = now.planes, now.variance
        self.weight = np.empty_like(self._variance)
        self.brighter: Floats | None = None
        self.clipped: Mask | None = None  # whether clipping changes the noise of some cells, of each channel

    def compare(self, band: slice) -> None:
        """The change in cells."""
        room, rows = self._room, pixels_of(band)
        room.energy[band] = 0
        for channel, line in enumerate(self._noise.lines):
            mean, frame = self._planes[0, channel, rows], self._noisy[0, channel, rows]
            power = line.variance(to_cells(mean, room.levels[channel, band]), self._strength)
            deviation = np.sqrt(power, out=room.deviations[channel, band])
            change = cv2.subtract(frame, mean)
            changed = np.divide(to_cells(np.asarray(change)), deviation, out=room.changes[channel, band])
            np.clip(changed, -FARTHEST, FARTHEST, out=changed)
            square = to_cells(np.asarray(cv2.multiply(change, change, change)))
            square /= power
            np.minimum(square, np.float32(FARTHEST**2), out=square)
            square /= np.float32(len(self._noise.lines))
            room.energy[band] += square

    def relight(self, band: slice) -> None:
        """What became brighter in parts is no change; it is put into sensor units."""
        assert self.brighter is not None
        room, channels = self._room, len(self.brighter)
        for channel in range(channels):
            more, changed = self.brighter[channel, band], room.changes[channel, band]
            room.energy[band] += more * (more - 2 * changed) / np.float32(channels)
            np.subtract(changed, more, out=changed)
            np.multiply(more, room.deviations[channel, band], out=more)

    def weigh(self, band: slice) -> None:
        """How much the frame counts in cells."""
        room, (wide, inner) = self._room, around(band, MARGIN, len(self.weight))
        room.near[band] = blurred(room.energy[wide], ENERGY_SIDE)[inner]
        own = self._own[band]
        error = self._noise.error(room.near[band], room.changes[:, wide], own + self._variance[band], inner)
        room.error[band] = error
        prior = np.float32(EXCESS) * error
        prior += self._variance[band]
        if self._doubt is not None:
            prior += self._doubt[band]
        np.divide(prior, own + prior, out=self.weight[band])
        self.weight[band][error >= FARTHEST] = 1

    def shared(self) -> float:
        """Covariance of the frame's noise with that of the mean, in units of a frame's variance.

        It is 0 but for frames that are shown twice, and for noise that stays where it is: those change by too little.
        So do clipped samples, which therefore do not count.
        """
        near = (..., slice(None, None, BETWEEN), slice(None, None, BETWEEN))
        clipped = self._noise.are_clipped(self._room.levels[near], self._room.deviations[near])
        square, step = np.ones((2 * (MARGIN // BETWEEN) + 1,) * 2, np.uint8), EVERY // BETWEEN
        any_clipped = np.asarray(clipped.any(axis=0), np.uint8)
        whole = np.asarray(cv2.dilate(any_clipped, square))[::step, ::step] == 0
        self.clipped = clipped[:, ::step, ::step]
        if not whole.any():
            return 0.0
        some = (slice(None, None, EVERY), slice(None, None, EVERY))
        change = self._room.near[some] / (self._own[some] + self._variance[some])
        share = float(np.quantile(change[whole], 0.25))
        both = float(self._own.mean()) + float(self._variance.mean())
        return 0.0 if share > REPEATED else (1 - share) * both / 2

    def is_weak(self, after: Floats) -> bool:
        """Whether most of the frame is near an end of the range, and the mean there hardly less noisy than the frame.

        Its noise is then neither that of a frame, whose samples at the ends tell networks of clipping, nor normal.

        Args:
            after: the variance that it will have
        """
        assert self.clipped is not None
        if self.clipped.mean() < MOSTLY:
            return False
        return float(np.average(after[::EVERY, ::EVERY], weights=self.clipped.sum(axis=0))) > WEAK

    def find_added(self, band: slice, after: Floats) -> None:
        """What clipping adds to the mean as it will be, as far as that is one of several frames.

        Args:
            after: the variance that it will have
        """
        room, share = self._room, np.minimum(np.float32(WHOLE) * (1 - after[band]), 1)
        for channel, line in enumerate(self._noise.lines):
            level = room.changes[channel, band] * room.deviations[channel, band]
            level *= self.weight[band]
            level += room.levels[channel, band]
            if self.brighter is not None:
                level += self.brighter[channel, band]
            added = room.added[channel, band]
            added[:] = 0
            for rise in rises_of_mean(line, self._strength, self._noise.ends):
                rise.add(level, added)
            added *= share

    def add(self, band: slice, new: Mask | None) -> None:
        """The frame to the mean, and less of what clipping added to that."""
        rows, wide, shape = pixels_of(band), around(band, 1, len(self.weight))[0], self._noisy.shape
        whole = to_pixels(self.weight, shape, band)
        far = whole == 1 if self._room.error[wide].max() >= FARTHEST else None
        if new is not None:
            whole[new[rows]] = 1
        for channel in range(shape[1]):
            frame, mean = self._noisy[0, channel, rows], self._planes[0, channel, rows]
            if self.brighter is not None and self.brighter[channel, wide].any():
                np.add(mean, to_pixels(self.brighter[channel], shape, band), out=mean)
            change = cv2.subtract(frame, mean)
            np.multiply(change, whole, out=change)
            np.add(mean, change, out=mean)
            if far is not None:  # what is added to a value that is far away is lost in rounding
                np.copyto(mean, frame, where=far)
            if self._noise.is_clipped:
                added, lit = self._room.added[channel], self._room.lit[0, channel, rows]
                ends = self._noise.ends  # interpolation along motion goes beyond them, too
                less = to_pixels(added, shape, band) if added[wide].any() else None
                if less is not None and not self._told:  # only normal noise is told from clipped noise
                    np.subtract(np.clip(mean, *ends, out=lit), less, out=lit)
                else:
                    np.clip(mean if less is None else np.subtract(mean, less, out=lit), *ends, out=lit)
