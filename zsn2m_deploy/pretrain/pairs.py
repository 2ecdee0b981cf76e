"""Pairs of noisy and clean crops to pretrain on: processes draw scenes and kinds of noise, the device does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from zsn2m_deploy.config.networks import SCENE_SIDE
from zsn2m_deploy.pretrain.noise import Kinds, random_noise
from zsn2m_deploy.pretrain.scenes import random_scene
from zsn2m_runtime.mosaic_record import CELL, COLOURS, PLACES, PLANES

SCENES = 1024  # to cut crops from; the oldest is replaced
FIRST_SCENES = 64
KINDS = 16  # of noise, drawn with a scene
DRAWN_TOGETHER = 8  # scenes
CROPS_PER_SCENE = 64
CLIPPED = 0.5  # share of crops whose samples end at 0 and 1
# Of mosaics: light is recorded without a tone curve, and filters let through more or less of it.
LINEAR, MOST_EXPONENT = 0.6, 2.4  # share of crops that a power undoes the curve of, from 1 to that of sRGB
FILTERED, LEAST_PASSED = 0.6, 0.35  # share of crops whose colours are weakened, to so much at least


class Drawn(NamedTuple):
    """Scenes and kinds of noise.

    Shape:
        scene: (n, c, side, side), c = 3 for the planes of a mosaic
        slope, floor, gain: (n, kinds, c)
        filters: (n, kinds, c, c, 5, 5)
    """

    scene: Tensor
    slope: Tensor
    floor: Tensor
    gain: Tensor  # units per photon
    filters: Tensor


class _Drawing(IterableDataset[Drawn]):
    """Endless scenes, each with some kinds of noise."""

    def __init__(self, channels: int, seed: int) -> None:
        self._channels = channels
        self._seed = seed

    def __iter__(self) -> Iterator[Drawn]:
        worker = get_worker_info()
        generator = np.random.default_rng((self._seed, worker.id if worker else 0))
        while True:
            scene = random_scene(generator, SCENE_SIDE, self._channels)
            kinds = [random_noise(generator, self._channels) for _ in range(KINDS)]
            yield Drawn(
                torch.from_numpy(np.moveaxis(scene, 2, 0).astype(np.float16)),
                *Kinds.of(kinds),
            )


def _use_one_thread(_: int) -> None:
    cv2.setNumThreads(1)


class PairSource:
    """Endless batches of noisy and clean crops.

    Args:
        channels: 1, 3, or 4 for the planes of a mosaic
        crops: of a batch
        side: of a crop, pixels
        workers: processes that draw; 0: this one does
    """

    def __init__(self, channels: int, seed: int, crops: int, side: int, workers: int, device: torch.device) -> None:
        self._crops, self._side, self._device = crops, side, device
        self._is_mosaic = channels == PLANES
        self._generator = torch.Generator(device).manual_seed(seed)
        loader = DataLoader(
            _Drawing(channels, seed),
            batch_size=DRAWN_TOGETHER,
            num_workers=workers,
            worker_init_fn=_use_one_thread,
            multiprocessing_context="spawn" if workers else None,  # a fork of a process with threads can hang
            pin_memory=device.type == "cuda",
        )
        self._drawing = iter(loader)
        first: Drawn = next(self._drawing)
        self._kept = Drawn(*(torch.empty(SCENES, *part.shape[1:], dtype=part.dtype, device=device) for part in first))
        self._count = self._due = 0
        self._keep(first)
        while self._count < FIRST_SCENES:
            self._keep(next(self._drawing))

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Noisy and clean crops, each (b, c, side, side)."""
        clean = self.clean()
        return self.clipped(self.kinds().corrupt(clean[None], self._generator)[0]), clean

    def clean(self) -> Tensor:
        """Clean crops, (b, c, side, side)."""
        self._due += self._crops
        while self._due >= DRAWN_TOGETHER * CROPS_PER_SCENE:
            self._due -= DRAWN_TOGETHER * CROPS_PER_SCENE
            self._keep(next(self._drawing))
        return self._planes() if self._is_mosaic else self._clean(self._side)

    def _keep(self, drawn: Drawn) -> None:
        places = slice(self._count % SCENES, self._count % SCENES + DRAWN_TOGETHER)
        for kept, new in zip(self._kept, drawn, strict=True):
            kept[places].copy_(new, non_blocking=True)
        self._count += DRAWN_TOGETHER

    def _planes(self) -> Tensor:
        """What a sensor behind colour filters records of crops, as planes."""
        crops = self._clean(CELL * self._side)
        order = torch.argsort(self._random(len(crops), COLOURS), dim=1)[:, :, None, None].expand(crops.shape)
        exponent = 1 + (MOST_EXPONENT - 1) * self._random(len(crops), 1) * (self._random(len(crops), 1) < LINEAR)
        passed = LEAST_PASSED + (1 - LEAST_PASSED) * self._random(len(crops), COLOURS)
        passed = torch.where(self._random(len(crops), 1) < FILTERED, passed, 1.0)
        light = crops.gather(1, order).clamp_min(0) ** exponent[:, :, None, None] * passed[:, :, None, None]
        parts = [light[:, colour, row::CELL, column::CELL] for row, column, colour in PLACES]
        return torch.stack(parts, dim=1).contiguous(memory_format=torch.channels_last)

    def _clean(self, side: int) -> Tensor:
        """Crops in any of eight orientations."""
        rows, columns = (self._run_of_pixels(side) for _ in range(2))
        scenes = self._draw(min(self._count, SCENES))[:, None, None]
        crops = self._kept.scene[scenes, :, rows[:, :, None], columns[:, None, :]].movedim(3, 1).float()
        turned = self._draw(2)[:, None, None, None].bool()
        return torch.where(turned, crops.mT, crops).contiguous(memory_format=torch.channels_last)

    def _run_of_pixels(self, side: int) -> Tensor:
        """Places of a crop's pixels in a row or column, forwards or backwards, (b, side)."""
        steps = torch.arange(side, device=self._device)
        steps = torch.where(self._draw(2)[:, None].bool(), steps, steps.flip(0))
        return self._draw(SCENE_SIDE - side + 1)[:, None] + steps

    def kinds(self) -> Kinds:
        """Kinds of noise, one for each crop."""
        scenes, kinds = self._draw(min(self._count, SCENES)), self._draw(KINDS)
        return Kinds(*(part[scenes, kinds] for part in self._kept[1:]))

    def clipped(self, noisy: Tensor) -> Tensor:
        """Crops whose samples end at 0 and 1 in a share of them, (b, c, side, side)."""
        ends = torch.rand(len(noisy), 1, 1, 1, generator=self._generator, device=self._device) < CLIPPED
        return torch.where(ends, noisy.clamp(0, 1), noisy)

    def _random(self, *shape: int) -> Tensor:
        """Numbers from 0 to 1."""
        return torch.rand(shape, generator=self._generator, device=self._device)

    def _draw(self, end: int) -> Tensor:
        return torch.randint(end, (self._crops,), generator=self._generator, device=self._device)
