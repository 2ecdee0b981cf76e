"""Replaces dead and stuck columns and rows inside the exported graph: `zsn2m_runtime.noise.dead_lines` in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zsn2m_runtime.noise.dead_lines import sound_beside
from zsn2m_runtime.noise_record import DeadLinesRecord


class DeadLineCorrection(nn.Module):
    """Puts what is between the sound lines beside into the place of dead ones.

    Columns in frames as wide as those of training, rows in frames as high.

    Shape:
        forward: (n, c, h, w) -> the same
    """

    def __init__(self, found: DeadLinesRecord) -> None:
        super().__init__()
        self.columns, self.rows = len(found.columns) > 0, len(found.rows) > 0
        column, row = sound_beside(found.columns, found.width), sound_beside(found.rows, found.height)
        # Not persistent: the manifest has the numbers.
        self.left = nn.Buffer(torch.from_numpy(column.before), persistent=False)
        self.right = nn.Buffer(torch.from_numpy(column.after), persistent=False)
        self.across = nn.Buffer(torch.from_numpy(column.weight), persistent=False)
        self.above = nn.Buffer(torch.from_numpy(row.before), persistent=False)
        self.below = nn.Buffer(torch.from_numpy(row.after), persistent=False)
        self.down = nn.Buffer(torch.from_numpy(row.weight), persistent=False)

    def forward(self, noisy: Tensor) -> Tensor:
        """Correct frames."""
        if self.columns:
            fits, places = self.fitting(noisy, 3, self.left.shape[0])
            first = noisy.index_select(3, self.places(self.left, fits, places))
            second = noisy.index_select(3, self.places(self.right, fits, places))
            noisy = first + (second - first) * self.weights(self.across, fits, places)[None]
        if self.rows:
            fits, places = self.fitting(noisy, 2, self.above.shape[0])
            first = noisy.index_select(2, self.places(self.above, fits, places))
            second = noisy.index_select(2, self.places(self.below, fits, places))
            noisy = first + (second - first) * self.weights(self.down, fits, places)[:, None]
        return noisy

    def fitting(self, noisy: Tensor, axis: int, length: int) -> tuple[Tensor, Tensor]:
        """1 where a frame has so many lines, else 0, (1,); and the numbers of its lines."""
        size = noisy.shape[axis]
        # Compared as a tensor: of numbers the ONNX exporter would take the outcome for a constant.
        fits = (torch.full((1,), size, dtype=torch.int64, device=noisy.device) == length).to(torch.int64)
        return fits, torch.arange(size, device=noisy.device)

    def places(self, of: Tensor, fits: Tensor, places: Tensor) -> Tensor:
        """Which lines to take; of frames of another size their own."""
        return of.index_select(0, places.clamp(0, of.shape[0] - 1)) * fits + places * (1 - fits)

    def weights(self, of: Tensor, fits: Tensor, places: Tensor) -> Tensor:
        """The weight of each second line, (lines,)."""
        return of.index_select(0, places.clamp(0, of.shape[0] - 1)) * fits.to(of.dtype)
