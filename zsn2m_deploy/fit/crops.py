"""Random crops of the training frames, with the same number of pixels in each step for all sizes of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.mosaic_record import PLANES

TRIES = 8  # random places, of which the one with the fewest blank pixels is taken; chosen, not measured
ORIENTATIONS = 8  # symmetries of a square: 4 rotations, each also mirrored


def orient(frame: Tensor, orientation: int) -> Tensor:
    """A frame in one of 8 orientations: from 4 on mirrored, then `orientation % 4` quarter turns.

    Shape:
        frame: (..., h, w)
        returns: (..., h, w) or (..., w, h)
    """
    mirrored = frame.flip(-1) if orientation >= 4 else frame
    return mirrored.rot90(orientation % 4, (-2, -1))


def orient_back(frame: Tensor, orientation: int) -> Tensor:
    """The inverse of `orient`."""
    turned = frame.rot90(-(orientation % 4), (-2, -1))
    return turned.flip(-1) if orientation >= 4 else turned


def orient_planes(planes: Tensor, orientation: int) -> Tensor:
    """The planes of a mosaic in one of 8 orientations, each a mosaic of the same pattern; one row and column are lost.

    A mosaic of odd sides has the same filters at its four corners, however it is turned.

    Shape:
        planes: (4, h, w), as `zsn2m_runtime.mosaic_planes` orders them
        returns: (4, h - 1, w - 1) or (4, w - 1, h - 1)
    """
    odd = pixel_shuffle(planes, 2)[:, :-1, :-1]
    return pixel_unshuffle(orient(odd, orientation)[:, :-1, :-1], 2)


def average_orientations(network: Callable[[Tensor], Tensor], noisy: Tensor) -> Tensor:
    """Mean of a network's results over the 8 orientations of its input.

    Shape:
        noisy: (b, c, h, w)
        returns: (b, c, h, w)
    """
    total = torch.zeros_like(noisy)
    for first in (0, 1):  # half and whole turns keep h and w, quarter turns swap them: a batch of four each
        orientations = range(first, ORIENTATIONS, 2)
        results = network(torch.cat([orient(noisy, orientation) for orientation in orientations]))
        for orientation, result in zip(orientations, results.chunk(len(orientations)), strict=True):
            total += orient_back(result, orientation)
    return total / ORIENTATIONS


class CropSampler:
    """Draws the crops of each step at random places, so that every phase of the 2 x 2 grid occurs.

    All crops of a step are from one frame, chosen with a probability proportional to its area. Source:
    docs/decisions/random-crops.md.

    Args:
        schedule: side and number of crops, and whether they are flipped
        multiple: sides of the crops are multiples of it
    Shape:
        frames: each (c, h, w), normalised, on the training device; 4 channels are the planes of a mosaic
        shown: each (1, h, w), 0 where a frame is blank, else 1; crops then have it as one more channel
        call: (b, c, side, side); without flips (b, c, h, w), which is the whole frame if it is small enough
    Raises:
        InputError: a frame is smaller than `multiple`.
    """

    def __init__(
        self,
        frames: Sequence[Tensor],
        schedule: ScheduleConfig,
        multiple: int,
        generator: torch.Generator,
        shown: Sequence[Tensor] | None = None,
    ) -> None:
        for frame in frames:
            if min(frame.shape[-2:]) < multiple:
                raise InputError(
                    f"expected frames of at least {multiple} x {multiple} pixels, but got "
                    f"{frame.shape[-2]} x {frame.shape[-1]}; use a larger frame"
                )
        self._frames = frames if shown is None else [torch.cat(both) for both in zip(frames, shown, strict=True)]
        self._tries = 1 if shown is None else TRIES
        self._planes = frames[0].shape[0] == PLANES
        self._schedule = schedule
        self._multiple = multiple
        self._generator = generator
        self._areas = torch.tensor([float(frame.shape[-2] * frame.shape[-1]) for frame in frames])

    def __call__(self) -> Tensor:
        """The crops of the next step."""
        chosen = int(torch.multinomial(self._areas, 1, generator=self._generator)) if len(self._frames) > 1 else 0
        frame = self._frames[chosen]
        height, width = self._crop_size(frame)
        count = max(1, min(self._schedule.max_crops, self._schedule.crop_side**2 // (height * width)))
        return torch.stack([self._crop(frame, height, width) for _ in range(count)])

    def _crop_size(self, frame: Tensor) -> tuple[int, int]:
        sides = [min(self._schedule.crop_side, side) for side in frame.shape[-2:]]
        if self._schedule.flips:  # square, and smaller than the frame if possible, so that all phases of the grid occur
            side = min(sides)
            room = min(side, min(frame.shape[-2:]) - 1)
            sides = [room if room >= self._multiple else side] * 2
        height, width = (max(self._multiple, side // self._multiple * self._multiple) for side in sides)
        return height, width

    def _crop(self, frame: Tensor, height: int, width: int) -> Tensor:
        more = int(self._planes and self._schedule.flips)
        crop = self._placed(frame, height + more, width + more)
        for _ in range(self._tries - 1):
            if crop[-1].all():
                break
            other = self._placed(frame, height + more, width + more)
            crop = other if other[-1].sum() > crop[-1].sum() else crop
        if not self._schedule.flips:
            return crop
        orientation = self._draw(ORIENTATIONS)
        if not self._planes:
            return orient(crop, orientation)
        turned = orient_planes(crop[:PLANES], orientation)
        if len(crop) == PLANES:
            return turned
        shown = orient_planes(crop[PLANES:].expand(PLANES, -1, -1), orientation)
        return torch.cat((turned, shown.amin(dim=0, keepdim=True)))

    def _placed(self, frame: Tensor, height: int, width: int) -> Tensor:
        top = self._draw(frame.shape[-2] - height + 1)
        left = self._draw(frame.shape[-1] - width + 1)
        return frame[:, top : top + height, left : left + width]

    def _draw(self, end: int) -> int:
        return int(torch.randint(end, (1,), generator=self._generator))
