"""Training on small frames: it denoises, repeats itself for a seed, and says why where it cannot go on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from support.trainings import small

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.checks import Error
from zsn2m_deploy.fit.fitter import Progress
from zsn2m_deploy.sample import SampleConfig, sample_frames
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_runtime.errors import InputError, TrainingError

Pixels = np.ndarray


def sample(channels: int = 3, bit_depth: int = 8, side: int = 64) -> tuple[Pixels, Pixels, int]:
    config = SampleConfig(width=side, height=side, channels=channels, bit_depth=bit_depth)
    noisy, clean = next(iter(sample_frames(config)))
    return noisy.pixels, clean.pixels, config.peak


def apply(trained: Trained, name: str, noisy: Pixels) -> Pixels:
    planes = torch.from_numpy(np.atleast_3d(noisy).astype(np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        out = trained.networks[name]((planes - trained.offset) / trained.scale) * trained.scale + trained.offset
    return out[0].permute(1, 2, 0).numpy().reshape(noisy.shape)


def gain(clean: Pixels, noisy: Pixels, denoised: Pixels, peak: int) -> float:
    before = peak_signal_noise_ratio(clean, noisy, data_range=peak)
    return float(peak_signal_noise_ratio(clean.astype(np.float32), denoised, data_range=peak) - before)


@pytest.mark.parametrize(("channels", "bit_depth", "least"), [(3, 8, 3.5), (1, 16, 2.5)])
def test_mbd_denoises(channels: int, bit_depth: int, least: float) -> None:
    noisy, clean, peak = sample(channels, bit_depth, side=96)
    trained = train([noisy], small(150, mbd={"alpha_ie": 1.0, "schedule": {"crop_side": 64, "iterations": 150}}))
    assert gain(clean, noisy, apply(trained, "mbd", noisy), peak) > least


@pytest.mark.parametrize(("from_teacher", "least"), [(True, 3.0), (False, 1.0)])
def test_grd_follows_mbd(from_teacher: bool, least: float) -> None:
    noisy, clean, peak = sample(side=96)
    schedule = {"iterations": 40 if from_teacher else 200, "learning_rate": 1e-3 if from_teacher else 3e-3}
    plan = {"widths": (16, 16, 16), "start_from_teacher": from_teacher, "schedule": schedule}
    trained = train(
        [noisy], small(100, "full", mbd={"alpha_ie": 1.0, "schedule": {"iterations": 100, "crop_side": 48}}, grd=plan)
    )
    assert list(trained.networks) == ["mbd", "grd"]
    results = {name: gain(clean, noisy, apply(trained, name, noisy), peak) for name in trained.networks}
    assert results["grd"] > least
    if from_teacher:
        assert results["grd"] > results["mbd"] - 0.2


def test_stage_2_leaves_mbd_as_it_was() -> None:
    noisy, _, _ = sample()
    plan = {"widths": (8, 8), "schedule": {"iterations": 4}}
    runs = [train([noisy], small(30, stage, grd=plan)).networks for stage in ("mbd", "full")]
    states = [run["mbd"].state_dict() for run in runs]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    inside = runs[1]["grd"].teacher.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(states[0][name], inside[name]) for name in states[0])


def test_a_seed_repeats_itself_and_another_does_not() -> None:
    noisy, _, _ = sample()
    runs = [train([noisy], small(6, seed=seed)).networks["mbd"].state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
    assert not all(torch.equal(runs[0][name], runs[2][name]) for name in runs[0])


def test_nothing_global_changes() -> None:
    noisy, _, _ = sample()
    before = torch.get_rng_state()
    train([noisy], small(4))
    assert torch.equal(before, torch.get_rng_state())


def test_larger_alpha_ie_is_smoother() -> None:
    noisy, _, _ = sample(channels=1)
    roughness = []
    for alpha_ie in (0.1, 1.0, 10.0, 100.0):
        denoised = apply(
            train([noisy], small(60, mbd={"alpha_ie": alpha_ie, "schedule": {"iterations": 60, "crop_side": 48}})),
            "mbd",
            noisy,
        )
        roughness.append(float(np.abs(np.diff(denoised, axis=0)).mean() + np.abs(np.diff(denoised, axis=1)).mean()))
    assert roughness == sorted(roughness, reverse=True)


def test_a_sensor_that_uses_few_levels_trains_like_any_other() -> None:
    noisy, _, _ = sample(channels=1)
    coarse = noisy // 3
    few = coarse.astype(np.uint16) + 500  # 86 of 65,536 levels, far from zero
    config = small(60, precision="fp32")
    usual, shifted = (apply(train([frame], config), "mbd", frame) for frame in (coarse, few))
    np.testing.assert_allclose(shifted - 500, usual, atol=0.05)


def test_frames_of_different_sizes_train_together() -> None:
    noisy, _, _ = sample()
    trained = train([noisy, noisy[:40, :71]], small(8))
    assert trained.channels == 3


def test_progress_is_reported() -> None:
    noisy, _, _ = sample()
    seen: list[Progress] = []
    trained = train([noisy], small(30), seen.append)
    assert (seen[-1].stage, seen[-1].iteration, seen[-1].iterations) == ("mbd", 30, 30)
    assert seen[-1].loss == pytest.approx(trained.reports[0].losses[-1])
    assert len(trained.reports[0].losses) == 30


def test_bf16_is_close_to_float32() -> None:
    noisy, clean, peak = sample()
    results = [
        peak_signal_noise_ratio(
            clean.astype(np.float32), apply(train([noisy], small(100, precision=p)), "mbd", noisy), data_range=peak
        )
        for p in ("fp32", "bf16")
    ]
    assert abs(results[0] - results[1]) < 0.3


def test_the_papers_method_trains() -> None:
    noisy, _, _ = sample(side=50)
    config = TrainConfig.from_preset("default", "paper").updated(
        {"mbd": {"schedule": {"iterations": 3}}, "grd": {"widths": (8, 8), "schedule": {"iterations": 3}}}
    )
    assert [report.stage for report in train([noisy], config).reports] == ["mbd", "grd"]


def test_an_untrained_grd_is_left_out_and_said_so() -> None:
    noisy, _, _ = sample()
    trained = train([noisy], small(60, "full", grd={"start_from_teacher": False, "schedule": {"iterations": 1}}))
    assert list(trained.networks) == ["mbd"]
    assert "GRD-Net" in trained.warnings[0]


def test_a_loss_that_is_not_finite_stops_with_advice() -> None:
    noisy, _, _ = sample()
    config = small(60, mbd={"schedule": {"learning_rate": 1e12, "gradient_clip": 0.0}}, precision="fp32")
    with pytest.raises(TrainingError, match="learning_rate"):
        train([noisy], config)


def test_a_dead_network_is_noticed() -> None:
    noisy, _, _ = sample()
    config = small(60, mbd={"residual": False, "schedule": {"iterations": 1, "learning_rate": 1e-9}})
    with pytest.raises(TrainingError, match="died"):
        train([noisy], config)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "at least one frame"),
        ([np.zeros((15, 40), np.uint8)], "16 x 16"),
        ([np.zeros((32, 32), np.uint8)], "nothing to learn"),
        ([np.eye(32, dtype=np.uint8), np.zeros((32, 32, 3), np.uint8)], "one sensor"),
    ],
)
def test_unsuitable_frames_are_refused(frames: list[Pixels], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(frames, small(4))


@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize("kind", ["onecycle", "step"])
def test_very_short_schedules_run(iterations: int, kind: str) -> None:
    noisy, _, _ = sample(side=32)
    train([noisy], small(iterations, mbd={"schedule": {"iterations": iterations, "schedule": kind}}))


def test_memory_and_work_do_not_follow_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops of a step hold the same number of pixels for a frame a hundred times larger."""
    from zsn2m_deploy.paper import stages

    pixels: list[int] = []
    real = stages.mbd_loss

    def counted(network: object, noisy: torch.Tensor, *rest: object) -> torch.Tensor:
        pixels.append(noisy.numel())
        return real(network, noisy, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stages, "mbd_loss", counted)
    for side in (96, 960):
        noisy = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
        train([noisy], small(2))
    assert max(pixels) <= 48 * 48 * 3


def test_a_black_corner_is_no_dead_network() -> None:
    noisy = np.zeros((300, 300), np.uint8)
    noisy[150:, 150:] = sample(channels=1, side=150)[0]
    assert list(train([noisy], small(60, "full", grd={"schedule": {"iterations": 2}})).networks) == ["mbd", "grd"]


def test_a_network_is_judged_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    from zsn2m_deploy.fit import checks as judging

    judged: list[int] = []
    real = judging.avg_pool2d

    def counted(frame: torch.Tensor, size: int) -> torch.Tensor:
        judged.append(frame.numel())
        return real(frame, size)

    monkeypatch.setattr(judging, "avg_pool2d", counted)
    noisy, _, _ = sample(side=64)
    train([noisy] * 9, small(2))
    assert max(judged) <= 128 * 128 * 3
    assert len(judged) <= 2 * 9 * 8


@pytest.mark.parametrize("stage", ["mbd", "full"])
def test_frames_keep_their_mean(stage: str) -> None:
    noisy, _, _ = sample(side=64)
    plan = {"widths": (8, 8), "schedule": {"iterations": 3, "learning_rate": 1e-2}}
    shifts = {}
    for keep in (True, False):
        trained = train([noisy], small(8, stage, keep_mean=keep, grd=plan, precision="fp32"))
        for name in trained.networks:
            change = apply(trained, name, noisy) - noisy
            shifts[name, keep] = float(np.abs(change.mean(axis=(0, 1))).max())
    assert max(shift for (_, keep), shift in shifts.items() if keep) < 0.01  # grey levels
    assert shifts["mbd", False] > 0.5


def test_without_random_masks_it_trains_on_the_one_pair() -> None:
    noisy, _, _ = sample(side=48)

    def kernel(**values: object) -> torch.Tensor:
        trained = train([noisy], small(mbd={"schedule": {"iterations": 5, "crop_side": 48}, **values}))
        return next(trained.networks["mbd"].parameters())

    plain = kernel(random_masks=False)
    assert not torch.equal(plain, kernel())
    assert torch.equal(plain, kernel(random_masks=False, mask_per_pixel=True))  # no mask, so its kind does not matter


def slotted_wall(sigma: float, side: int = 64) -> Pixels:
    """No patch is flat, so patches take the slots for noise."""
    rows, columns = np.indices((side, side))
    clean = np.where((columns % 6 < 2) & (rows % 14 < 10), 60.0, 190.0)[..., None] * np.array([1.0, 0.95, 0.85])
    noisy = clean + sigma * np.random.default_rng(1000).normal(size=clean.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("stage", ["mbd", "full"])
def test_the_level_of_frames_with_texture_is_that_of_the_noise_in_every_stage(stage: str) -> None:
    noisy = slotted_wall(23)
    schedule = {"iterations": 2, "crop_side": 48}
    config = small(2, stage, grd={"widths": (8, 8), "schedule": schedule}, mosaic="none")
    assert train([noisy], config).noise.sigma([noisy]) == pytest.approx(23, rel=0.15)


@pytest.mark.parametrize(("method", "advice"), [("mbd", "--method adapt"), ("adapt", "--strength 0.7")])
def test_a_result_worse_than_the_frame_is_warned_of(method: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "zsn2m_deploy.fit.run.estimated_error",
        lambda *_: Error(error=0.04, margin=0.01, noise=0.01, removed=0.02, cleared=0.01),
    )
    noisy, _, _ = sample()
    config = small(4, method, sensor={"schedule": {"iterations": 2, "crop_side": 48}})
    [said] = [text for text in train([noisy], config).warnings if "further from the picture" in text]
    assert advice in said
