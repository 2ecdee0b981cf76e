"""The share of what a network removes that is noise, where pixels share it: known where the network is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.correlated_frames import SIGMA, WIDE, shared_by_neighbours, texture_everywhere
from torch import Tensor

from zsn2m_deploy.fit.correlated import NoiseShare, share_of_noise
from zsn2m_deploy.noise.draw import draw_noise
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import HeavyTails

SIDE = 128


def frame_with_texture(model: NoiseModel, power: float, seed: int = 3) -> Tensor:
    """Grey of 0.5 with noise, and on its lower third a texture of so many times the power of the noise, on average."""
    grey, rng = np.full((SIDE, SIDE, model.channels), 0.5, np.float32), np.random.default_rng(seed)
    noisy = grey + draw_noise(model, grey, rng)
    third = SIDE // 3
    noisy[-third:] += np.sqrt(power * SIDE / third) * SIGMA * rng.choice([-1, 1], (third, SIDE, 1))
    return torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1)


def towards_grey(share: float) -> Callable[[Tensor], Tensor]:
    """A network that removes a share of all that is not grey."""
    return lambda noisy: 0.5 + (1 - share) * (noisy - 0.5)


def share_and_error(removed: float, frame: Tensor, model: NoiseModel) -> NoiseShare:
    found = share_of_noise(towards_grey(removed), [frame], model, 0)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("removed", "texture", "share", "left"), [(0.9, 1.0, 0.556, 0.5), (0.5, 3.0, 0.5, 0.75), (0.5, 0.0, 1.0, 0.25)]
)
def test_the_share_leaves_the_smallest_error(removed: float, texture: float, share: float, left: float) -> None:
    model = shared_by_neighbours()
    found = share_and_error(removed, frame_with_texture(model, texture), model)
    assert found.share == pytest.approx(share, abs=0.06)
    assert found.left == pytest.approx(left, abs=0.06)
    assert not found.unknown


def test_a_network_that_clears_nearly_all_noise_is_not_weakened_by_a_little() -> None:
    """Its share would be 1 / 1.2, as well with a fifth of texture as with a level that is a fifth too low."""
    model = shared_by_neighbours()
    assert share_and_error(1.0, frame_with_texture(model, 0.2), model).share == 1
    assert share_and_error(0.9, frame_with_texture(model, 0.2), model).share == pytest.approx(0.93, abs=0.05)


def test_of_few_places_nothing_is_said_where_noise_is_stronger_than_its_model() -> None:
    model = shared_by_neighbours()
    frame = frame_with_texture(model, 0.0)[:, :64, :64]
    weaker = replace(model, floor=model.floor / 2)
    assert share_of_noise(towards_grey(1.0), [frame], weaker, 0) is None


def test_even_noise_that_is_stronger_than_its_model_goes() -> None:
    model = shared_by_neighbours()
    weaker = replace(model, floor=model.floor / 2)
    found = share_and_error(1.0, frame_with_texture(model, 0.0), weaker)
    assert found.share > 0.9
    assert not found.unknown


@pytest.mark.parametrize(("power", "seed"), [(power, seed) for power in (3.0, 10.0, 30.0) for seed in range(4)])
def test_texture_everywhere_that_passes_for_noise_stays(power: float, seed: int) -> None:
    """The model has the power of noise and texture together, as an estimate from the calmest patches has at best."""
    model = shared_by_neighbours()
    frame = texture_everywhere(model, power, seed)
    taken_for_noise = replace(model, floor=(1 + power) * model.floor)
    found = share_and_error(1.0, frame, taken_for_noise)
    assert found.unknown
    assert found.share < 2 / (1 + power)  # twice the best: from there on the result is worse than the frame


@pytest.mark.parametrize("seed", [0, 1])
def test_where_photons_are_few_evenness_says_nothing(seed: int) -> None:
    """Some places have none: they are calmer than drawn noise of the same deviation can be."""
    generator = np.random.default_rng(seed)
    glow = cv2.GaussianBlur(generator.standard_normal((WIDE, WIDE)), (0, 0), 10)
    light, unit = 0.3 * np.exp(glow / glow.std()), 0.03  # photons, and what one counts
    frame = torch.from_numpy((unit * generator.poisson(light)).astype(np.float32))[None]
    model = replace(NoiseModel.white(np.full(1, unit), np.full(1, 1e-5)), skew=np.full(1, 0.5))
    assert share_of_noise(pretrained(1), [frame], model, 0) is None


@pytest.mark.parametrize("seed", range(8))
def test_noise_alone_is_believed(seed: int) -> None:
    model = shared_by_neighbours()
    found = share_and_error(1.0, texture_everywhere(model, 0.0, seed), model)
    assert not found.unknown
    assert found.share > 0.9


@pytest.mark.parametrize("regular", [False, True])
def test_of_even_white_noise_the_other_estimate_is_taken(regular: bool) -> None:
    model = replace(NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2)), regular=regular)
    assert share_of_noise(towards_grey(1.0), [frame_with_texture(model, 1.0)], model, 0) is None


@pytest.mark.parametrize("regular", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_texture_everywhere_that_passes_for_white_noise_stays(seed: int, regular: bool) -> None:
    """Stein's estimate has the wrong level, too, and nothing against it."""
    model = replace(NoiseModel.white(np.zeros(3), np.full(3, SIGMA**2)), regular=regular)
    frame = texture_everywhere(model, 5.0, seed, shared_by_neighbours())
    found = share_and_error(1.0, frame, replace(model, floor=6 * model.floor))
    assert found.unknown
    assert found.share < 2 / 6


def uneven_at_one_brightness(seed: int) -> tuple[NoiseModel, Tensor]:
    """White noise on grey of 0.5, three times as strong at the right as at the left, and one model for all of it."""
    strength = np.linspace(0.5, 1.5, WIDE)[None]
    noise = SIGMA * strength * np.random.default_rng(seed).standard_normal((1, WIDE, WIDE))
    model = NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2 * np.square(strength).mean()))
    return model, torch.from_numpy((0.5 + noise).astype(np.float32))


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_that_differs_within_a_brightness_is_no_texture(seed: int) -> None:
    """Of which an MRI kept all but 1.2 of 13.5 dB."""
    model, frame = uneven_at_one_brightness(seed)
    assert share_of_noise(towards_grey(1.0), [frame], model, 0) is None


@pytest.mark.parametrize("seed", range(4))
def test_what_differs_as_much_beside_steep_slopes_may_be_texture(seed: int) -> None:
    """Coarser detail stays in the result, as of photographs that were reduced in size."""
    model, frame = uneven_at_one_brightness(seed)
    detail = torch.sin(torch.arange(WIDE) / 2.0).expand(1, WIDE, WIDE)
    found = share_of_noise((0.5 + detail)[None].expand_as, [frame + detail], model, 0)
    assert found
    assert found.unknown


@pytest.mark.parametrize("seed", range(4))
def test_beside_regular_detail_white_noise_that_differs_may_be_texture(seed: int) -> None:
    model, frame = uneven_at_one_brightness(seed)
    found = share_of_noise(towards_grey(1.0), [frame], replace(model, regular=True), 0)
    assert found
    assert found.unknown


@pytest.mark.parametrize("seed", range(4))
def test_white_noise_with_heavy_tails_is_even(seed: int) -> None:
    tails = HeavyTails(share=0.05, factor=4, power=1.75)
    model = replace(NoiseModel.white(np.zeros(1), np.full(1, SIGMA**2)), tails=tails)
    rng, grey = np.random.default_rng(seed), np.full((1, WIDE, WIDE), 0.5)
    wide = np.where(rng.random(grey.shape) < tails.share, tails.factor, 1)
    frame = torch.from_numpy((grey + SIGMA * wide * rng.standard_normal(grey.shape)).astype(np.float32))
    assert share_of_noise(towards_grey(1.0), [frame], model, 0) is None


def texture_by_brightness(model: NoiseModel, power: float, seed: int) -> tuple[Tensor, Tensor]:
    """Three zones of brightness, noise, and texture of 0, 1 and 4 times so much power, as correlated; and the zones."""
    rng, third = np.random.default_rng(seed), WIDE // 3
    zone = np.repeat(np.arange(3), third)[:, None, None]
    zones = np.broadcast_to(0.3 + 0.2 * zone, (WIDE, WIDE, model.channels)).astype(np.float32)
    texture = draw_noise(model, zones, rng) * np.sqrt(power) * np.array([0, 1, 2])[zone]
    noisy = zones + draw_noise(model, zones, rng) + texture
    return torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1), torch.from_numpy(zones.copy()).permute(2, 0, 1)


def of_zones(frame: Tensor, zones: Tensor, model: NoiseModel) -> NoiseShare:
    """What is found for a network that removes all but the zones."""
    found = share_of_noise(zones[None].expand_as, [frame], model, 0)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(4))
def test_grey_texture_that_is_even_at_each_brightness_alone_stays(seed: int) -> None:
    model = shared_by_neighbours(1)
    taken_for_noise = replace(model, floor=(1 + 5 / 3) * model.floor)
    found = of_zones(*texture_by_brightness(model, 1.0, seed), taken_for_noise)
    assert found.unknown
    assert found.share < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_grey_noise_at_each_brightness_goes(seed: int) -> None:
    model = shared_by_neighbours(1)
    found = of_zones(*texture_by_brightness(model, 0.0, seed), model)
    assert not found.unknown
    assert found.share > 0.9


@pytest.mark.parametrize(("channels", "as_grey"), [(1, True), (3, True), (3, False)])
def test_of_faint_grey_noise_a_part_counts_as_grain(channels: int, as_grey: bool) -> None:
    """A deviation of 0.5 % of the values in use: half of its power. Colours tell grain from noise otherwise."""
    grey = shared_by_neighbours(1 if as_grey else channels)
    faint = replace(grey, floor=grey.floor / 100)
    frame, zones = (planes.expand(channels, WIDE, WIDE) for planes in texture_by_brightness(faint, 0.0, 0))
    own = faint.correlation[:1, :1] if as_grey else faint.correlation
    repeated = np.ones((channels, channels, 1, 1)) if as_grey else 1.0
    model = replace(
        faint, slope=np.zeros(channels), floor=np.full(channels, faint.floor[0]), correlation=own * repeated
    )
    found = of_zones(frame, zones, model)
    assert not found.unknown
    assert found.share == pytest.approx(0.51, abs=0.05) if as_grey else found.share > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_of_grey_frames_even_wide_blocks_have_the_last_word(seed: int) -> None:
    """A quarter of the places, spread evenly, has 0.3 of the noise's power, the others 1.23."""
    model, rng = shared_by_neighbours(1), np.random.default_rng(seed)
    rows, columns = np.mgrid[:WIDE, :WIDE] // 8
    noise = draw_noise(model, np.zeros((WIDE, WIDE, 1), np.float32), rng)[..., 0]
    noise *= np.sqrt(np.where((rows + 2 * columns) % 4, 1.23, 0.3))
    grey = torch.full((1, WIDE, WIDE), 0.5)
    frame = grey + torch.from_numpy(noise.astype(np.float32))
    found = of_zones(frame, grey, model)
    assert not found.unknown
    assert found.share > 0.9
    coloured = torch.cat([frame, frame + 0.001, frame])  # no grey: what is within a brightness counts
    three = replace(
        model,
        slope=np.zeros(3),
        floor=model.floor.repeat(3),
        correlation=model.correlation * np.ones((3, 3, 1, 1)),
    )
    assert of_zones(coloured, torch.cat([grey, grey + 0.001, grey]), three).unknown


def picture_that_goes_in_part(model: NoiseModel, seed: int) -> tuple[Tensor, Tensor, float]:
    """A frame whose last third has stripes, a network's result that keeps 0.7 of them, and the power of the rest."""
    stripes = np.zeros((WIDE, WIDE, model.channels), np.float32)
    stripes[:, -WIDE // 3 :] = 8 * SIGMA * np.sin(np.arange(WIDE // 3))[:, None]
    noisy = 0.5 + stripes + draw_noise(model, stripes, np.random.default_rng(seed))
    result = torch.from_numpy(0.5 + 0.7 * stripes).permute(2, 0, 1)
    return torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1), result, float(np.square(0.3 * stripes).mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_level_that_flat_places_deny_is_lowered_where_the_pretrained_network_agrees(seed: int) -> None:
    model = shared_by_neighbours()
    frame, result, lost = picture_that_goes_in_part(model, seed)
    apply = result[None].expand_as
    stronger = replace(model, floor=1.5 * model.floor)
    right, alone, both = (
        share_of_noise(apply, [frame], noise, 0, prior)
        for noise, prior in ((model, apply), (stronger, None), (stronger, apply))
    )
    assert right and alone and both
    expected = SIGMA**2 / (SIGMA**2 + lost)
    assert right.share == pytest.approx(expected, abs=0.05)
    assert both.share == pytest.approx(expected, abs=0.05)
    assert alone.share > 1.2 * expected


def evenly(noisy: Tensor) -> Tensor:
    """A network that removes the same power in every block of 8 x 8, whatever is there: it hides how uneven that is."""
    apart = noisy - 0.5
    rms = torch.nn.functional.avg_pool2d(apart.square().mean(1, keepdim=True), 8).sqrt()
    return noisy - 2 * SIGMA * apart / torch.nn.functional.interpolate(rms, scale_factor=8)


@pytest.mark.parametrize("seed", range(4))
def test_texture_that_a_network_learned_to_leave_is_seen_by_the_pretrained_one(seed: int) -> None:
    model = shared_by_neighbours()
    frame, taken_for_noise = texture_everywhere(model, 3.0, seed), replace(model, floor=4 * model.floor)
    alone = share_of_noise(evenly, [frame], taken_for_noise, 0)
    both = share_of_noise(evenly, [frame], taken_for_noise, 0, towards_grey(1.0))
    assert alone and both
    assert not alone.unknown
    assert both.unknown
    assert both.share < 0.85 * alone.share
