"""Batches of drawn sequences with drawn noise, in chunks that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config.networks import SCENE_SIDE
from zsn2m_deploy.pretrain.noise import Kinds, random_noise
from zsn2m_deploy.pretrain.pairs import CLIPPED
from zsn2m_deploy.pretrain.scenes import Floats, random_scene
from zsn2m_deploy.video.network import deviation_at
from zsn2m_deploy.video.scenes import Clip, clip
from zsn2m_runtime.noise.model import LEAST

CHUNK = 5  # frames that a step learns from; its gradient goes through all of them
LENGTH = 2 * CHUNK  # frames of a sequence: half of a step's begin, the others go on from what the network made
SCENES = 256  # to draw sequences from; the oldest is replaced
CLIPS_PER_SCENE = 8
CLIPS = 192  # drawn, to take sequences from
USES = 3  # of a clip, each time with other noise
MISJUDGED, ERROR = 0.5, 0.15  # share of sequences whose strength is told wrongly; standard deviation of its logarithm
GAIN, MOST_GAIN = 0.25, 4.0  # share of sequences in which the strength changes, and by how much at most, either way
LATE = 0.5  # share of these where that is told a frame late


class Chunk(NamedTuple):
    """Frames of sequences, one step's.

    Shape:
        clean, noisy: (t, n, c, side, side); motion: (t, n, side, side, 2), pixels; begins: (n,) bool
        line: (3, n), slope, floor and least of the variance that the network is told, means of the channels
        told: (t, n), the strength of the noise over that of the line, as it is estimated
    """

    clean: Tensor
    noisy: Tensor
    motion: Tensor
    begins: Tensor
    line: Tensor
    told: Tensor

    def deviation(self, index: int, previous: Tensor) -> Tensor:
        """What the network is told at a frame. Shape: (n, c, side, side) -> (n, 1, side, side)."""
        slope, floor, least = self.line[:, :, None, None, None]
        return deviation_at(previous, slope, floor, least, self.told[index].view(-1, 1, 1, 1))


class _Half(NamedTuple):
    """Sequences that begin together. Shape: clean (t, n, c, side, side), motion (t, n, side, side, 2), and as Chunk."""

    clean: Tensor
    motion: Tensor
    kinds: Kinds
    clips: Tensor  # (n, 1, 1, 1) bool: samples end at 0 and 1
    strength: Tensor
    told: Tensor


class SequenceSource:
    """Endless chunks of drawn sequences.

    Args:
        sequences: of a chunk, even: in turns one half of them begins, and the other goes on
        side: pixels
    """

    def __init__(self, channels: int, seed: int, sequences: int, side: int) -> None:
        cv2.setNumThreads(1)
        self._channels, self._half, self._side = channels, sequences // 2, side
        self._numpy = np.random.default_rng(seed)
        self._torch = torch.Generator().manual_seed(seed)
        self._scenes = [self._scene() for _ in range(SCENES)]
        self._clips: list[Clip] = [self._clip() for _ in range(CLIPS)]
        self._drawn = self._due = 0
        self._halves = [self._begun(), self._begun()]
        self._turn = 1

    def __call__(self) -> Chunk:
        """The chunk that follows the last one."""
        self._turn = 1 - self._turn
        self._halves[self._turn] = self._begun()
        parts = []
        for index, half in enumerate(self._halves):
            at = slice(0, CHUNK) if index == self._turn else slice(CHUNK, LENGTH)
            strength = half.strength[at, :, None, None, None]
            noisy = torch.cat(
                [
                    Kinds(*(part[one] for part in half.kinds)).corrupt(
                        half.clean[at][:, one], self._torch, strength[:, one]
                    )
                    for one in (slice(index, index + 1) for index in range(self._half))  # each fits the cache
                ],
                dim=1,
            )
            noisy = torch.where(half.clips, noisy.clamp(0, 1), noisy)
            parts.append((half.clean[at], noisy, half.motion[at], half.told[at]))
        clean, noisy, motion, told = (torch.cat(both, dim=1) for both in zip(*parts, strict=True))
        slope, floor = (
            torch.cat([getattr(half.kinds, name).mean(dim=1) for half in self._halves]) for name in ("slope", "floor")
        )
        begins = torch.arange(2 * self._half) // self._half == self._turn
        return Chunk(clean, noisy, motion, begins, torch.stack((slope, floor, LEAST * (slope + floor))), told)

    def _scene(self) -> Floats:
        return random_scene(self._numpy, SCENE_SIDE, self._channels)

    def _clip(self) -> Clip:
        drawn = clip(self._numpy, self._scenes, self._side, LENGTH)
        return Clip(drawn.frames.clip(0, 1).astype(np.float16), drawn.motion.astype(np.float16))

    def _begun(self) -> _Half:
        self._due += self._half
        while self._due >= USES:
            self._due -= USES
            self._drawn += 1
            if self._drawn % CLIPS_PER_SCENE == 0:
                self._scenes[self._drawn // CLIPS_PER_SCENE % SCENES] = self._scene()
            self._clips[self._drawn % CLIPS] = self._clip()
        chosen = [self._clips[index] for index in self._numpy.integers(CLIPS, size=self._half)]
        frames, motion = together(chosen)
        kinds = Kinds.of([random_noise(self._numpy, self._channels) for _ in chosen])
        strength, told = strengths(self._numpy, LENGTH, self._half)
        clips = torch.from_numpy(self._numpy.random((self._half, 1, 1, 1)) < CLIPPED)
        return _Half(frames, motion, kinds, clips, strength, told)


def together(clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
    """The frames, (t, n, c, side, side), and the motion, (t, n, side, side, 2), of n clips."""
    frames, motion = (torch.from_numpy(np.stack(parts, axis=1)).float() for parts in zip(*clips, strict=True))
    return frames.movedim(4, 2), motion


def strengths(generator: np.random.Generator, length: int, count: int) -> tuple[Tensor, Tensor]:
    """The noise's strength in sequences over that of its kind, and what is told of it, each (length, count)."""
    strength = np.ones((length, count))
    told = strength.copy()
    for index in range(count):
        if generator.random() < GAIN:
            change, factor = generator.integers(0, length), MOST_GAIN ** generator.uniform(-1, 1)
            strength[change:, index] = factor
            told[change + (generator.random() < LATE) :, index] = factor
    wrong = np.exp(ERROR * generator.standard_normal(count) * (generator.random(count) < MISJUDGED))
    return torch.from_numpy(strength).float(), torch.from_numpy(told * wrong).float()
