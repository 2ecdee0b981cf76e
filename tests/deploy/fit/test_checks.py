"""What a network does to its frames, judged without a clean image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from zsn2m_deploy.fit.checks import Remembered, estimated_error, is_dead, result_bias
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.fit.run import FrameGroup, Notes, Run
from zsn2m_deploy.noise.clipping import added_by_clipping, has_noise
from zsn2m_deploy.pretrain.weights import pretrained
from zsn2m_runtime.noise.model import NoiseModel

NOISE = NoiseModel.white(np.array([0.02, 0.0, 0.0]), np.array([0.01, 0.04, 0.04]))


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.0, np.inf), (-np.inf, 1.0), (-np.inf, np.inf)])
def test_clipping_moves_the_mean_as_drawn_samples_say(ends: tuple[float, float]) -> None:
    clean = torch.linspace(0, 1, 9).view(1, 1, 1, 9).expand(1, 3, 1, 9)
    model = replace(NOISE, ends=ends)
    deviation = torch.from_numpy(np.sqrt(model.variance(clean.movedim(1, 3).numpy()))).movedim(3, 1)
    drawn = clean + deviation * torch.randn(200_000, 3, 1, 9, generator=torch.Generator().manual_seed(0))
    expected = (drawn.clamp(*ends) - clean).mean(dim=0)
    assert torch.allclose(added_by_clipping(model, clean)[0], expected.float(), atol=3e-3)


def test_counted_photons_are_not_clipped_although_many_are_zero() -> None:
    gain = 0.1
    clean = torch.linspace(0.01, 0.3, 64).view(1, 1, 64).expand(1, 128, 64)
    counted = gain * torch.poisson(clean / gain, generator=torch.Generator().manual_seed(0))
    photons = NoiseModel.white(np.full(1, gain), np.zeros(1))
    model = replace(photons, ends=(0.0, np.inf), span=(0.01, 1.0), skew=np.full(1, 0.4))
    perfect = clean[None, :, :64]
    assert result_bias(lambda _: perfect, [counted[:, :64]], model).abs() < 0.002
    assert result_bias(lambda _: perfect, [counted[:, :64]], replace(model, skew=np.zeros(1))).abs() > 0.004


def test_a_black_border_has_no_noise_and_clipped_noise_has() -> None:
    noisy = torch.zeros(1, 3, 64, 64)
    noisy[..., 24:] = (0.2 * torch.randn(1, 3, 64, 40, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    found = has_noise(noisy, (0.0, 1.0))
    assert not found[..., :24].any()
    assert found[..., 26:].all()
    assert has_noise(noisy, (-np.inf, np.inf)).all()


def test_a_black_border_does_not_darken_the_frame() -> None:
    clean = torch.full((1, 128, 128), 0.5)
    clean[:, :40] = 0.0
    noise = 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = torch.where(clean > 0, (clean + noise).clamp(0, 1), clean)
    model = replace(NoiseModel.white(np.zeros(1), np.full(1, 0.01)), ends=(0.0, np.inf))
    assert result_bias(lambda _: clean[None], [noisy], model).abs() < 0.003


@pytest.mark.parametrize("median", [False, True])
def test_a_right_result_is_not_shifted_because_samples_are_clipped(median: bool) -> None:
    clean = torch.tensor([0.02, 0.5, 0.9]).view(3, 1, 1).expand(3, 128, 128).contiguous()
    model = replace(NOISE, ends=(0.0, 1.0))
    drawn = 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    noisy = (clean + drawn).clamp(0, 1)

    def perfect(piece: torch.Tensor) -> torch.Tensor:
        return clean[None, :, : piece.shape[-2], : piece.shape[-1]]

    skew = np.array([-0.5, 0.0, 0.0]) if median else np.zeros(3)
    model = replace(model, slope=np.zeros(3), floor=np.full(3, 0.04), skew=skew)
    assert result_bias(perfect, [noisy], model).abs().max() < 0.006
    assert result_bias(perfect, [noisy]).abs().max() > 0.03


def striped(sigma: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A clean and a noisy frame, (1, h, w), of detail that a blur destroys."""
    clean = torch.where(torch.arange(128) % 6 < 3, 0.3, 0.7).expand(1, 128, 128)
    return clean, clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", [1000, 1001, 1002])
def test_the_error_is_known_without_a_clean_frame(seed: int) -> None:
    clean, noisy = striped(0.1, seed)
    model = NoiseModel.white(np.zeros(1), np.full(1, 0.01))

    def halved(piece: torch.Tensor) -> torch.Tensor:  # half of the noise goes, and 0.05 of error comes
        return clean[None] + 0.5 * (piece - clean) + 0.05

    found = estimated_error(halved, [noisy], model, 0)
    assert found
    assert found.error == pytest.approx(0.25 * 0.01 + 0.05**2, rel=0.15)
    assert not found.worse
    same = estimated_error(lambda piece: piece, [noisy], model, 0)
    assert same
    assert same.error == pytest.approx(0.01, rel=0.05)
    assert not same.worse


def test_a_result_worse_than_the_frame_is_noticed() -> None:
    _, noisy = striped(0.1)
    model = NoiseModel.white(np.zeros(1), np.full(1, 0.01))
    blurred = estimated_error(lambda piece: avg_pool2d(piece, 5, stride=1, padding=2), [noisy], model, 0)
    assert blurred
    assert blurred.worse
    correlation = model.correlation.copy()
    correlation[0, 0, 4, 3] = correlation[0, 0, 4, 5] = 0.3
    assert estimated_error(lambda piece: piece, [noisy], replace(model, correlation=correlation), 0) is None


def test_the_error_is_known_where_channels_share_the_noise() -> None:
    clean, noisy = striped(0.1)
    white = NoiseModel.white(np.zeros(3), np.full(3, 0.01))
    correlation = white.correlation.copy()
    correlation[:, :, 4, 4] = 1.0
    shared = replace(white, correlation=correlation)

    def halved(piece: torch.Tensor) -> torch.Tensor:  # of the mean of the channels
        return clean[None] + 0.5 * (piece.mean(dim=1, keepdim=True) - clean).expand_as(piece)

    found = estimated_error(halved, [noisy.expand(3, -1, -1)], shared, 0)
    assert found
    assert found.error == pytest.approx(0.25 * 0.01, rel=0.15)
    assert found.best_share == pytest.approx(1.0, abs=0.1)


def test_a_network_runs_once_on_each_piece() -> None:
    frames, asked = [torch.rand(3, 200, 170) for _ in range(2)], list[Tensor]()

    def network(noisy: Tensor) -> Tensor:
        asked.append(noisy)
        return noisy / 2

    once = Remembered(network)
    assert torch.equal(result_bias(once, frames), result_bias(network, frames))
    pieces = len(asked) // 2
    assert torch.equal(result_bias(once, frames), result_bias(lambda noisy: noisy / 2, frames))
    assert not is_dead(once, frames, 0.1)
    assert len(asked) == 2 * pieces
    assert torch.equal(once(frames[0][None, :, :64, :64]), frames[0][None, :, :64, :64] / 2)  # begins where one did


def test_what_a_network_gave_is_shifted_as_what_it_gives_later() -> None:
    frames, shift, asked = [torch.rand(3, 200, 170)], torch.tensor([0.5, -0.25, 0.125]), list[Tensor]()
    network = pretrained(3)

    def counted(noisy: Tensor) -> Tensor:
        asked.append(noisy)
        with torch.no_grad():
            return network(noisy)

    once = Remembered(counted)
    before = result_bias(once, frames)
    pieces = len(asked)
    network.add_to_output(shift)
    once.add_to_output(shift)
    assert torch.allclose(result_bias(once, frames), before + shift, atol=1e-5)
    assert len(asked) == pieces
    other = torch.rand(1, 3, 64, 64)
    assert torch.equal(once(other), counted(other))


def test_the_mean_is_kept_where_the_network_is_remembered_and_where_not() -> None:
    frame = torch.rand(1, 3, 128, 128)[0]
    group = FrameGroup((0,), NoiseModel.white(np.zeros(3), np.full(3, 0.01)))
    fitter = Fitter(torch.device("cpu"), "fp32")
    run = Run([frame], (group,), 0.0, 1.0, fitter, torch.Generator(), Notes())
    kept, networks = [], (pretrained(3), pretrained(3))
    for network, once in zip(networks, (True, False), strict=True):
        apply = Remembered(fitter.place(network)) if once else run.as_used(network)
        run.keep_mean(network, by_noise=True, apply=apply)
        kept.append(apply(frame[None]).detach())
    assert torch.equal(networks[0].out.bias, networks[1].out.bias)
    assert torch.allclose(*kept, atol=1e-6)
