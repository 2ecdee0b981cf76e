"""The training loop: which optimiser and which learning rates a schedule means."""

from __future__ import annotations

import pytest
import torch

from zsn2m_deploy.config.networks import ScheduleConfig
from zsn2m_deploy.fit.fitter import Fitter
from zsn2m_deploy.fit.muon import Muon

SCHEDULE = ScheduleConfig(iterations=6, learning_rate=0.1, crop_side=16, max_crops=1, flips=False)


@pytest.mark.parametrize(("name", "kind"), [("muon", Muon), ("adam", torch.optim.Adam)])
def test_the_schedule_names_the_optimiser(monkeypatch: pytest.MonkeyPatch, name: str, kind: type) -> None:
    steps = []
    original = kind.step
    monkeypatch.setattr(kind, "step", lambda self, *rest: (steps.append(type(self)), original(self, *rest))[1])
    fit(SCHEDULE.model_copy(update={"optimiser": name}))
    assert steps == [kind] * SCHEDULE.iterations


def test_step_halves_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = watched_rates(monkeypatch)
    fit(SCHEDULE.model_copy(update={"optimiser": "adam", "schedule": "step", "step_size": 2}))
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])


def test_onecycle_rises_to_the_rate_and_falls_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = watched_rates(monkeypatch)
    fit(SCHEDULE.model_copy(update={"optimiser": "adam", "iterations": 60}))
    assert rates[0] < 0.01 and rates[-1] < 1e-5
    assert max(rates) == pytest.approx(0.1, rel=0.02)


def watched_rates(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    rates: list[float] = []
    original = torch.optim.Adam.step

    def step(self: torch.optim.Adam, *rest: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return original(self, *rest)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    return rates


def fit(schedule: ScheduleConfig) -> None:
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    fitter = Fitter(torch.device("cpu"), "fp32")
    apply = fitter.place(network)
    fitter.fit("mbd", network, lambda crop: apply(crop).square().mean(), lambda: torch.ones(1, 1, 8, 8), schedule)
