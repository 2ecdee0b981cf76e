"""What the plugin does with the array of a layer, without a window; in a thread, which can be watched and stopped."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import zsn2m_deploy as zsn2m
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import as_frame
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.sequence import Sequence

Place = tuple[int, ...]  # of a frame, on the axes before height and width


class StoppedError(Exception):
    """The user stopped the work."""


@dataclass
class Task:
    """Work as a window sees it: it reads how far it is, and may set `stop`.

    Attributes:
        unlike: how the first frame differs from the training frames, in sentences of `Denoiser.unlike`
    """

    stage: str = ""
    done: int = 0
    total: int = 0  # 0: not known
    stop: threading.Event = field(default_factory=threading.Event)
    unlike: tuple[str, ...] = ()

    def tell(self, stage: str, done: int, total: int) -> None:
        """Say how far the work is.

        Raises:
            StoppedError: the user wants no more of it.
        """
        if self.stop.is_set():
            raise StoppedError
        self.stage, self.done, self.total = stage, done, total


@dataclass(frozen=True)
class Stack:
    """The frames of a layer.

    Shape:
        data: (..., h, w), or (..., h, w, 3) and (..., h, w, 4) with `rgb`; an array of NumPy, Dask or Zarr
    """

    data: Any
    rgb: bool

    @property
    def axes(self) -> Place:
        """Lengths of the axes before height and width."""
        return tuple(self.data.shape[: -3 if self.rgb else -2])

    def at(self, place: Place) -> Stack:
        """One frame alone, with all axes."""
        return Stack(self.data[tuple(slice(index, index + 1) for index in place)], self.rgb)

    def sequences(self) -> list[list[Place]]:
        """Places that follow each other on the first axis, one list for each place on the other axes."""
        if not self.axes:
            return [[()]]
        return [[(first, *others) for first in range(self.axes[0])] for others in np.ndindex(self.axes[1:])]

    def frame(self, place: Place) -> Pixels:
        """A frame, read if it has to be."""
        return np.asarray(self.data[place])


def denoise(stack: Stack, denoiser: Denoiser, task: Task) -> Pixels:
    """Every frame denoised, the frames of the first axis as a sequence.

    Shape:
        returns: that of the data, and its type
    Raises:
        InputError: frames of another type, channel count or range than the bundle was trained on.
        StoppedError: the user stopped it.
    """
    denoised = np.empty(stack.data.shape, stack.data.dtype)
    sequences, done = stack.sequences(), 0
    for places in sequences:
        denoise_next = Sequence(denoiser)
        for place in places:
            task.tell("denoise", done, len(sequences) * len(places))
            pixels = stack.frame(place)
            frame = as_frame(pixels)
            denoised[place] = denoise_next(frame, f"frame {place}").as_array().reshape(pixels.shape)
            if not done:
                task.unlike = denoiser.differences(frame)
            done += 1
    return denoised


def train(stack: Stack, path: Path, config: TrainConfig, options: FrameOptions, task: Task) -> Bundle:
    """A bundle trained on every frame.

    Raises:
        Zsn2mError: as `zsn2m_deploy.train_and_export`; nothing is written then.
        StoppedError: the user stopped it; nothing is written either.
    """
    frames = [stack.frame(place) for places in stack.sequences() for place in places]
    task.tell("reading the noise", 0, 0)
    return zsn2m.train_and_export(
        frames,
        path,
        config,
        options,
        progress=lambda progress: task.tell(progress.stage, progress.iteration, progress.iterations),
    )
