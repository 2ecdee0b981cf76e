"""OME-TIFF stacks of two channels with different noise, and a denoiser whose bundle is for one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from support.known_noise import SIGMA, noise, scene, whole
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.manifest import ChannelRecord

NAMES = ["DAPI", "GFP"]


def write_stack(path: Path, louder: float = 3.0, times: int = 2, seed: int = 0) -> np.ndarray[Any, Any]:
    """An 8-bit RGB OME-TIFF of two channels, times slowest; the second has noise that is so much louder."""
    pages = [
        [whole(scene() + noise(seed + 2 * time + channel, SIGMA * (louder if channel else 1))) for channel in range(2)]
        for time in range(times)
    ]
    metadata = {"axes": "TCYXS", "Channel": {"Name": NAMES}}
    stack = np.array(pages)
    tifffile.imwrite(path, stack, photometric="rgb", metadata=metadata)
    return stack


def denoiser_for(bundle: Path, record: ChannelRecord | None) -> Denoiser:
    """A denoiser whose bundle is for a channel."""
    denoiser = Denoiser(bundle, "mbd", "cpu", 1)
    sensor = denoiser.card.sensor.model_copy(update={"stack_channel": record})
    denoiser.card = denoiser.card.model_copy(update={"sensor": sensor})
    return denoiser
