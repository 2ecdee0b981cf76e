"""What corrections of single pixels share: they are modules of the exported graph, applied before it is padded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsn2m_runtime.noise.impulses import Floats, Marks, with_levels
from zsn2m_runtime.sample_types import Pixels


class PixelCorrection(nn.Module):
    """Replaces single pixels by the level of their neighbours, at most two rows away.

    Shape:
        forward: (n, c, h, w) -> the same; others stay as they are
    """

    def found(self, noisy: Tensor) -> tuple[Tensor, Tensor]:
        """The level of each pixel's neighbours, and whether it is to be replaced; both (n, c, h, w)."""
        raise NotImplementedError

    def rescaled(self, offset: float, scale: float) -> PixelCorrection:
        """The same for frames that are (x - offset) / scale."""
        raise NotImplementedError

    def forward(self, noisy: Tensor) -> Tensor:
        """Correct frames."""
        level, alone = self.found(noisy)
        replaced = alone.to(noisy.dtype)
        return noisy * (1 - replaced) + level * replaced  # not `where`: what is read must show, to be measured

    @torch.no_grad()
    def corrected(self, frame: Pixels) -> tuple[Pixels, int]:
        """A frame without these pixels, and how many samples they were.

        Shape:
            frame: (h, w) or (h, w, c), in the noise model's units -> the same shape and dtype
        """

        def found(planes: Floats) -> tuple[Floats, Marks]:
            level, alone = self.found(torch.from_numpy(planes).movedim(2, 0)[None])
            return level[0].movedim(0, 2).numpy(), alone[0].movedim(0, 2).numpy()

        result, chosen = with_levels(frame, found)
        return result, int(chosen.sum())


def bordered(frame: Tensor) -> Tensor:
    """A frame with one more row and column at each side: the second ones, as in a mirror; of one pixel itself."""
    for axis in (2, 3):
        last = frame.shape[axis] - 1
        places = torch.arange(-1, last + 2, device=frame.device).abs()
        frame = frame.index_select(axis, (last - (last - places).abs()).clamp_min(0))
    return frame
