"""What a network makes of crops of frames, which says of their noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from zsn2m_deploy.noise.mean import samples

TINY = 1e-12


class FirstGuess(NamedTuple):
    """Crops of frames, and what a network makes of them.

    Shape:
        noisy, clean: (b, c, h, w), normalised as the noise models here are
        shown: (b, 1, h, w), 0 where a frame is blank, which says nothing of the noise; None: nowhere
    """

    noisy: Tensor
    clean: Tensor
    shown: Tensor | None = None

    def levels(self) -> Tensor:
        """The clean pixels that are not blank, (n, c)."""
        found = samples(self.clean)
        return found if self.shown is None else found[samples(self.shown)[:, 0] > 0]

    def taken(self) -> Tensor:
        """What was taken away; 0 where a frame is blank. Shape: (b, c, h, w)."""
        noise = self.noisy - self.clean
        return noise if self.shown is None else noise * self.shown

    def removed(self) -> Tensor:
        """The same without the mean of what is not blank. Shape: (b, c, h, w)."""
        noise = self.taken()
        if self.shown is None:
            return noise - noise.mean(dim=(2, 3), keepdim=True)
        mean = noise.mean(dim=(2, 3), keepdim=True) / self.shown_share().clamp_min(TINY)
        return (noise - mean) * self.shown

    def shown_share(self) -> Tensor:
        """Of each crop what is not blank, (b, 1, 1, 1)."""
        if self.shown is None:
            return self.clean.new_ones((len(self.clean), 1, 1, 1))
        return self.shown.mean(dim=(2, 3), keepdim=True)


@torch.no_grad()
def first_guesses(
    crops: Sequence[Tensor], network: Callable[[Tensor], Tensor], channels: int | None = None
) -> list[FirstGuess]:
    """What a network makes of crops.

    Args:
        channels: of the frames; one more of a crop is 0 where it is blank; None: all
    """
    parts = [(crop[:, :channels], None if channels is None else crop[:, channels:]) for crop in crops]
    return [
        FirstGuess(noisy, network(noisy), None if shown is None or not shown.shape[1] else shown)
        for noisy, shown in parts
    ]
