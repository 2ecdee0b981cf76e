"""The share of what a network removes of a JPEG that is noise: all of it, unless texture passes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from zsn2m_deploy.fit.compressed import share_of_jpeg
from zsn2m_deploy.fit.correlated import NoiseShare
from zsn2m_deploy.noise.fields import after_jpeg
from zsn2m_deploy.pretrain.weights import pretrained
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


def smoothing(noisy: Tensor) -> Tensor:
    """A network that takes all fine detail for noise."""
    return avg_pool2d(pad(noisy, [2, 2, 2, 2], mode="reflect"), 5, stride=1)


def share(of: Tensor, jpeg: JpegNoise) -> NoiseShare:
    return share_of_jpeg(smoothing, [of], jpeg, 0)


@pytest.mark.parametrize("times", [0.8, 1.0, 2.0, 4.0])
def test_of_even_noise_all_goes_whatever_its_level(times: float) -> None:
    assert share(frame(np.zeros(3)), camera(times)) == NoiseShare(1.0, 0.0)


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_coloured_texture_is_kept_and_said(power: float) -> None:
    found = share(frame(textured((1.0, -1.0, 0.5), power)), camera())
    assert found.unknown
    assert found.share < 0.5


def test_the_rougher_grey_texture_is_the_more_stays() -> None:
    shares = [share(frame(textured((1.0, 1.0, 1.0), power)), camera()).share for power in (0.5, 2.0, 4.0, 8.0)]
    assert shares[0] > 0.8
    assert shares[0] - 0.2 > shares[1] > shares[2] + 0.1 > shares[3] + 0.15


def test_a_smooth_half_does_not_make_texture_noise() -> None:
    texture = textured((1.0, 1.0, 1.0), 4.0)
    texture[:, : SIDE * 5 // 8] = 0.0  # the median place is smooth, whose own noise is known
    of, picture = frame(texture), torch.from_numpy((0.5 + texture).astype(np.float32)).permute(2, 0, 1)
    best = ((of - picture) * (of - smoothing(of[None])[0])).mean() / (of - smoothing(of[None])[0]).square().mean()
    assert share(of, camera()).share < float(best) + 0.2


@pytest.mark.parametrize("power", [0.0, 6.0])
def test_the_level_that_was_found_before_has_no_say(power: float) -> None:
    of = frame(textured((1.0, 1.0, 1.0), power) if power else np.zeros(3))
    first, *others = (share(of, camera(times)).share for times in (1.0, 1.5, 2.0, 4.0))
    assert others == pytest.approx([first] * 3, abs=0.06)  # between four strengths


def test_the_estimated_error_is_that_of_the_share() -> None:
    texture = textured((1.0, -1.0, 0.5), 2.0)
    of, picture = frame(texture), torch.from_numpy((0.5 + texture).astype(np.float32)).permute(2, 0, 1)
    found = share(of, camera(1.7))
    result = of + found.share * (smoothing(of[None])[0] - of)
    noise, error = ((part - picture).square().mean() for part in (of, result))
    assert error < noise < (smoothing(of[None])[0] - picture).square().mean() + noise
    assert found.left == pytest.approx(float(error / noise), abs=0.25)


def half_smoothing(noisy: Tensor) -> Tensor:
    """A network that leaves half of all fine detail."""
    return (noisy + smoothing(noisy)) / 2


def test_of_rough_frames_not_all_goes_though_it_is_as_even_as_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    of = frame(textured((1.0, 1.0, 1.0), 8.0))
    uneven = share_of_jpeg(half_smoothing, [of], camera(), 0).share
    monkeypatch.setattr("zsn2m_deploy.fit.compressed.evenness", lambda places: (1.0, 1.0))
    assert share_of_jpeg(half_smoothing, [of], camera(), 0).share == pytest.approx((1 + uneven) / 2, abs=0.01)


@pytest.mark.parametrize(("falling", "seed"), [(0.0, 6), (0.5, 6), (0.0, 7), (0.0, 12), (0.0, 14)])
def test_of_smooth_frames_all_goes_though_dark_places_have_more_noise(falling: float, seed: int) -> None:
    light = np.linspace(0.0, 1.0, SIDE)[None, :, None]
    noise = demosaicked((SIDE, SIDE), np.random.default_rng(seed)) * (1 + falling * (0.4 - light))
    seen = torch.from_numpy((0.2 + 0.6 * light + SIGMA * noise).astype(np.float32)).permute(2, 0, 1)[None]
    assert share_of_jpeg(pretrained(3), [after_jpeg(seen, camera())[0]], camera(), 0).share == 1


def test_of_several_frames_the_share_is_one_that_suits_all() -> None:
    even, rough = frame(np.zeros(3)), frame(textured((1.0, -1.0, 0.5), 3.0), seed=4)
    both = share_of_jpeg(smoothing, [even, rough], camera(), 0)
    assert share(rough, camera()).share < both.share < 1


def test_another_network_is_asked_for_the_level() -> None:
    of = frame(textured((1.0, 1.0, 1.0), 4.0))

    def timid(noisy: Tensor) -> Tensor:
        """Removes less of the frame's calm places, beside fresh noise on its own result."""
        smooth = smoothing(noisy)
        return smooth + (noisy - smooth).clamp(-0.4 * SIGMA, 0.4 * SIGMA)

    alone = share_of_jpeg(smoothing, [of], camera(), 0)
    assert share_of_jpeg(smoothing, [of], camera(), 0, prior=smoothing) == alone
    assert share_of_jpeg(smoothing, [of], camera(), 0, prior=timid).share < 0.95 * alone.share


def test_a_flat_frame_does_not_speak_for_a_textured_one() -> None:
    flat, rough = frame(np.zeros(3)), frame(textured((1.0, -1.0, 0.5), 3.0))
    alone = share(rough, camera()).share
    both = share_of_jpeg(smoothing, [flat, rough], camera(), 0).share
    assert alone < 0.8
    assert both < (1 + alone) / 2
