"""The share of what a network removes of a camera's JPEG that is noise: all of it, unless coloured texture passes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from zsn2m_deploy.fit.compressed import share_of_jpeg
from zsn2m_deploy.fit.correlated import NoiseShare
from zsn2m_deploy.noise.fields import after_jpeg
from zsn2m_runtime.noise.jpeg import demosaicked
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.noise_record import JpegNoise

SIDE, SIGMA = 256, 0.05


def camera(times: float = 1.0) -> JpegNoise:
    return JpegNoise(quality=90, sigma=SIGMA * times, black=0.0, white=1.0)


def frame(texture: Doubles, seed: int = 3) -> Tensor:
    """Grey of 0.5 with a texture, (h, w, 3) or 0, through the camera."""
    rng = np.random.default_rng(seed)
    seen = 0.5 + texture + SIGMA * demosaicked((SIDE, SIDE), rng)
    return after_jpeg(torch.from_numpy(seen.astype(np.float32)).permute(2, 0, 1)[None], camera())[0]


def textured(colours: tuple[float, float, float], power: float, seed: int = 5) -> Doubles:
    """Noise as the camera has it, in one colour, of changing strength: of so many times its power on average."""
    rng = np.random.default_rng(seed)
    rough = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), 12)
    rough = np.exp(0.8 * rough / rough.std())
    grain = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), 1.0) * rough
    return np.asarray((SIGMA * np.sqrt(power) / grain.std()) * grain[..., None] * np.array(colours))


def towards_grey(noisy: Tensor) -> Tensor:
    """A network that removes nearly all that is not grey."""
    return 0.5 + 0.1 * (noisy - 0.5)


def share(of: Tensor, jpeg: JpegNoise) -> NoiseShare:
    return share_of_jpeg(towards_grey, [of], jpeg, 0)


@pytest.mark.parametrize("times", [0.6, 1.0, 1.7])
def test_of_even_noise_all_goes_whatever_its_level(times: float) -> None:
    found = share(frame(np.zeros(3)), camera(times))
    assert found.share == 1
    assert not found.unknown


def test_coloured_texture_is_kept_and_said() -> None:
    found = share(frame(textured((1.0, -1.0, 0.5), 2.0)), camera(1.7))
    assert found.unknown
    assert found.share < 0.6


def test_texture_without_colours_is_hardly_a_reason_for_the_level_is_that_of_chroma() -> None:
    assert share(frame(textured((1.0, 1.0, 1.0), 0.7)), camera()).share == 1
    assert share(frame(textured((1.0, 1.0, 1.0), 1.5)), camera()).share > 0.8
    assert share(frame(textured((1.0, -1.0, 0.5), 1.5)), camera()).share < 0.5


def test_grey_texture_is_kept_where_the_noise_is_not_known_to_be_a_cameras() -> None:
    """The level is then that of luma, too; known to be a camera's, 0.8 and more of it goes."""
    grey, even = frame(textured((1.0, 1.0, 1.0), 4.0)), frame(np.zeros(3))
    found = share_of_jpeg(towards_grey, [grey], camera(2.2), 0, assumed=True)
    assert found.unknown
    assert found.share < 0.4
    assert share_of_jpeg(towards_grey, [even], camera(), 0, assumed=True).share == 1


def test_the_estimated_error_is_that_of_the_share() -> None:
    texture = textured((1.0, -1.0, 0.5), 2.0)
    of, picture = frame(texture), torch.from_numpy((0.5 + texture).astype(np.float32)).permute(2, 0, 1)
    found = share(of, camera(1.7))
    result = of + found.share * (towards_grey(of) - of)
    noise, error = ((part - picture).square().mean() for part in (of, result))
    assert error < 1.1 * noise  # all of it would be 3 times the noise
    assert found.left < 1
