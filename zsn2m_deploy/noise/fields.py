"""Fast noise for crops: random pieces of fields of unit noise that are drawn once."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zsn2m_deploy.noise.clipping import clipped, has_noise
from zsn2m_deploy.noise.draw import unit_noise, with_skewness
from zsn2m_deploy.noise.variance import VarianceLine, per_channel
from zsn2m_runtime.noise.jpeg import WHITE, compressed, demosaicked
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise.tails import bend_of, curved
from zsn2m_runtime.noise_record import JpegNoise

FIELD_SIDE = 256  # pixels of a field of unit noise, which wraps around
FIELDS = 16  # 16 x 256 x 256 samples a channel: crops hardly meet the same noise twice
CORRELATED_STRENGTHS = (1.3, 2.5)  # times the estimate: docs/decisions/correlated-noise-strengths.md
MEASURED_STRENGTHS = (1.0, 2.0)  # the same where the line was measured: docs/decisions/correlated-noise-line.md
JPEG_STRENGTHS = (1.2, 1.8)  # the same for JPEG: docs/decisions/jpeg-noise.md


@dataclass(frozen=True)
class Extent:
    """How far noise may go, and how strong it is.

    limits: noisy values are drawn no farther
    strengths: of noise over that of its model, in their order; drawn between two that follow each other, any two
        equally likely; None: as its kind wants it
    """

    limits: tuple[float, float] = (-math.inf, math.inf)
    strengths: tuple[float, ...] | None = None


ANY = Extent()


class NoiseFields:
    """Draws noise of a model: pieces of fields drawn once, wrapped around at random.

    Args:
        model: of normalised frames
        stronger: by this factor
        seed: of the fields
        generator: on the CPU, for the pieces
        extent: how far the noise may go, and how strong it is
    """

    def __init__(
        self,
        model: NoiseModel,
        stronger: float,
        seed: int,
        device: torch.device,
        generator: torch.Generator,
        extent: Extent = ANY,
    ) -> None:
        rng = np.random.default_rng(seed)
        draw = demosaicked if model.jpeg else functools.partial(unit_noise, model)
        fields: npt.NDArray[np.floating] = np.stack([draw((FIELD_SIDE, FIELD_SIDE), rng) for _ in range(FIELDS)])
        bends = [bend_of(skew) for skew in model.curve_skewness]
        bent = np.stack([curved(fields[..., channel], bend) for channel, bend in enumerate(bends)], axis=-1)
        self._symmetric, self._curved = (
            torch.from_numpy(drawn.astype(np.float32)).movedim(3, 1).to(device) for drawn in (fields, bent)
        )
        self._variance = VarianceLine(model, device, stronger**2)
        self._stronger = stronger
        self._gain = per_channel(stronger * model.photon_gain, device)
        self._ends = model.ends
        self._limits = max(model.ends[0], extent.limits[0]), min(model.ends[1], extent.limits[1])
        self._strengths: tuple[float, ...] = CORRELATED_STRENGTHS if model.correlated else (1.0, 1.0)
        self._jpeg = model.jpeg
        if model.jpeg:
            self._strengths = JPEG_STRENGTHS
        elif model.measured:
            self._strengths = MEASURED_STRENGTHS
        if extent.strengths:
            self._strengths = extent.strengths
        self._generator = generator
        self._tails: Tensor | None = None
        if model.tails is not None:
            drawn = rng.random((FIELDS, FIELD_SIDE, FIELD_SIDE, model.channels))
            drawn[: FIELDS // 2] = drawn[: FIELDS // 2, ..., :1]  # in half of the fields of all channels at once
            factors = np.where(drawn < model.tails.share, model.tails.factor, 1.0)
            self._tails = torch.from_numpy(factors.astype(np.float32)).movedim(3, 1).to(device)

    def draw(self, clean: Tensor) -> Tensor:
        """Symmetric noise for clean crops, as strong as clipping leaves it.

        Shape:
            clean: (b, c, h, w), h and w at most 256
            returns: the same
        """
        variance = self._variance(clean)
        left = clipped(clean, self._stronger * self._gain, variance, self._ends).variance
        return self._units(clean, self._symmetric) * (variance * left).sqrt()

    def corrupt(self, clean: Tensor, times: Tensor | None = None) -> Tensor:
        """Crops as the sensor gives them: skewed by its tone curve or by few photons, and clipped.

        Shape:
            clean: (b, c, h, w), h and w at most 256
            times: (b,), how strong each crop's noise is; None: `strengths`
            returns: as clean
        """
        factor = (self.strengths(len(clean)).to(clean) if times is None else times).view(-1, 1, 1, 1)
        if self._jpeg:
            deviation = self._stronger * self._jpeg.sigma * factor
            return after_jpeg(clean + deviation * self._units(clean, self._symmetric), self._jpeg)
        deviation = self._variance(clean).sqrt()
        skewed = with_skewness(self._units(clean, self._curved), self._gain / deviation)
        if self._tails is not None:
            skewed = skewed * self._units(clean, self._tails)
        return (clean + factor * deviation * skewed).clamp(*self._limits)

    def unclipped(self, noisy: Tensor) -> Tensor:
        """1 where crops have noise, 0 where all samples around are at an end. Shape: (b, c, h, w) -> the same."""
        return has_noise(noisy, self._ends)

    def _units(self, clean: Tensor, fields: Tensor) -> Tensor:
        height, width = clean.shape[-2:]
        drawn = []
        for _ in range(len(clean)):
            field, top, left = (self._integer(end) for end in (FIELDS, FIELD_SIDE, FIELD_SIDE))
            turned = fields[field].roll((-top, -left), (1, 2))
            drawn.append(turned[:, :height, :width])
        return torch.stack(drawn)

    def strengths(self, count: int) -> Tensor:
        """How many times as strong as the model noise is drawn, (count,): above 1 where it is correlated."""
        return torch.tensor([self._factor() for _ in range(count)])

    def _factor(self) -> float:
        if self._strengths[0] == self._strengths[-1]:
            return self._strengths[0]
        place = float(torch.rand(1, generator=self._generator)) * (len(self._strengths) - 1)
        least, most = self._strengths[int(place) : int(place) + 2]
        return float(least * (most / least) ** (place % 1))

    def _integer(self, end: int) -> int:
        return int(torch.randint(end, (1,), generator=self._generator))


def after_jpeg(frames: Tensor, jpeg: JpegNoise) -> Tensor:
    """What a JPEG makes of frames, in the units of its black and white. Shape: (b, 3, h, w) -> the same."""
    span = (jpeg.white - jpeg.black) / WHITE
    levels = ((frames - jpeg.black) / span).movedim(1, 3).cpu().numpy()
    left = np.stack([compressed(frame, jpeg.quality) for frame in levels])
    return torch.from_numpy(left * span + jpeg.black).movedim(3, 1).to(frames)
