"""The scene of a sample: a lake with balloons, and test targets on the shore.

It holds what denoisers are judged by: smooth ramps (sky), fine texture (ripples, grass, woven cloth), hard
edges (mountains, pines, a resolution fan), lettering (the sign) and soft blobs (fluorescent cells in a round
view). Values keep away from black and white, so that the noise is hardly clipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from zsn2m_deploy.sample.canvas import Canvas, Floats
from zsn2m_deploy.sample.config import SampleConfig
from zsn2m_deploy.sample.landscape import draw_landscape
from zsn2m_deploy.sample.objects import draw_balloons, draw_boat, draw_cells, draw_targets

STEP = 0.4  # pixels that a moving object travels per frame
ROAM = 0.03  # radius of the circle it travels on, as a share of the shorter side
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def clean_scene(config: SampleConfig, frame_index: int = 0) -> Floats:
    """The scene without noise, as frame `frame_index` sees it; the same for every seed.

    Shape:
        returns: (h, w) grey or (h, w, 3) RGB float32 in [0, 1]
    """
    return _with_moving_objects(_background(config), config, frame_index)


def clean_frames(config: SampleConfig) -> Iterator[Floats]:
    """All frames of the scene; what stands still is drawn once.

    Shape:
        yields: (h, w) grey or (h, w, 3) RGB float32 in [0, 1]
    """
    background = _background(config)
    for frame_index in range(config.frames):
        yield _with_moving_objects(background, config, frame_index)


def travelled(unit: float, frame_index: int) -> tuple[float, float]:
    """How far (x, y, in pixels) moving objects are from where frame 0 has them: a circle, STEP per frame."""
    radius = ROAM * unit
    angle = STEP * frame_index / radius
    return radius * math.sin(angle), radius * (math.cos(angle) - 1.0)


def _background(config: SampleConfig) -> Floats:
    canvas = Canvas(np.zeros((config.height, config.width, 3), dtype=np.float32))
    draw_landscape(canvas)
    draw_targets(canvas)
    return canvas.pixels


def _with_moving_objects(background: Floats, config: SampleConfig, frame_index: int) -> Floats:
    canvas = Canvas(background.copy())
    shift = travelled(canvas.unit, frame_index)
    draw_balloons(canvas, shift)
    draw_boat(canvas, shift)
    draw_cells(canvas, shift)
    picture = canvas.pixels if config.channels == 3 else canvas.pixels @ LUMA
    return np.asarray(picture.clip(0.0, 1.0), dtype=np.float32)
