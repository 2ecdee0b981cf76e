"""What a report says: the line on what was chosen, warnings, verdicts, advice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.reports import write
from support.scenes import scene

from zsn2m_deploy.advice import gentler, stronger
from zsn2m_deploy.config.training import Preset, TrainConfig
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_deploy.report.warnings import UNSURE, warnings
from zsn2m_deploy.report.words import Check, Presence, Verdict, checks, chosen, judge, self_check_in_words
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.noise.facts import noise_facts
from zsn2m_runtime.noise.familiarity import training_stats
from zsn2m_runtime.noise_record import NoiseGroup
from zsn2m_runtime.training_record import MethodRecord

SENSOR = TrainConfig()
MBD = TrainConfig(method="mbd")
FINE = SelfCheck(30.0, 29.0, 31.0, 20.0, 8.0, 25.0, 255.0, None, 0.1)


def test_a_check_that_cannot_be_made_is_no_praise() -> None:
    made = Check("a", 1.0, 1.0, "", True)
    unmade = Check("b", None, 1.0, "", None)
    assert judge([made, made], [], FINE) is Verdict.GOOD
    assert judge([made, unmade], [], FINE) is Verdict.UNJUDGED
    assert judge([made, unmade], ["few frames"], FINE) is Verdict.LOOK


def test_nothing_looks_right_whose_flat_places_contradict_the_noise() -> None:
    made = Check("a", 1.0, 1.0, "", True)
    assert judge([made], [], replace(FINE, psnr=None, contradicted=True)) is Verdict.UNJUDGED


def test_nothing_looks_right_where_detail_passed_for_noise() -> None:
    made = Check("noise", 1.0, 1.0, "", True)
    assert judge([made], [], FINE, weakened=True) is Verdict.UNJUDGED
    assert judge([made], ["few frames"], FINE, weakened=True) is Verdict.LOOK


@pytest.mark.parametrize(
    ("config", "expected", "missing"),
    [
        (TrainConfig(), ("adapted in 150 steps", "pairs made of the frame itself"), "strength"),
        (TrainConfig(strength=2.0), ("taken for 2 times as strong",), "preset"),
        (TrainConfig.from_preset("fast"), ("adapted in 38 steps", "(preset fast)"), "strength"),
        (TrainConfig(method="mbd"), ("MBD-Net trained", "alpha_ie 10"), "GRD"),
        (TrainConfig.from_preset("best", "paper"), ("MBD-Net and GRD-Net", "(preset best)"), "expect little"),
    ],
)
def test_the_line_says_what_was_chosen(config: TrainConfig, expected: tuple[str, ...], missing: str) -> None:
    made = scene()
    line = chosen(config, noise_facts([made.noisy], made.model))
    assert "noise of 12" in line and "independent from pixel to pixel" in line
    assert all(part in line for part in expected)
    assert missing not in line
    assert "\n" not in line


@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_a_mixture_is_adapted_to_where_anything_is(preset: Preset) -> None:
    made = scene()
    noise, look = made.model.record(), training_stats([made.noisy], made.model)
    groups = [NoiseGroup(frames=(f"{name}.png",), sigma=12, noise=noise, look=look) for name in ("day", "night")]
    line = chosen(TrainConfig.from_preset(preset), noise_facts([made.noisy], made.model), mixture=groups)
    assert "day.png at 12, night.png at 12" in line
    assert ("adapted as a mixture" in line) == (preset == "fast")


def test_the_line_says_why_for_correlated_noise() -> None:
    made = scene("correlated")
    facts = noise_facts([made.noisy], made.model)
    config = TrainConfig().updated({"sensor": {"weight_recorrupted": 0.0}})
    assert "alone (pairs made of the frame itself" in chosen(config, facts)
    assert "only where pixels do not share it" in chosen(TrainConfig(method="mbd"), facts)


def test_warnings_name_the_figures(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, _, _ = write(tmp_path, manifest, made, made.good)
    assert warnings(report.removed, FINE, SENSOR) == ()
    assert warnings(report.removed, FINE, SENSOR, Presence.UNSURE) == (UNSURE,)
    assert warnings(report.removed, FINE, SENSOR, kept="grain") == ("grain",)
    assert warnings(report.removed, FINE, SENSOR, uneven=True, kept="grain") == ("grain",)
    little, much = (replace(report.removed, sigma=sigma) for sigma in (3.0, 30.0))
    assert "little was removed: 0.25 times" in warnings(little, FINE, SENSOR)[0]
    assert "much was removed: 2.50 times" in warnings(much, FINE, SENSOR)[0]
    for amount in (little, much):  # beside clipped paper the edges of ink alone are looked at
        edges = replace(amount, usable=0.1)
        assert warnings(edges, FINE, SENSOR) == ()
        assert checks(edges)[0].passed is None


def test_a_result_that_gained_nothing_is_no_good_result(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, _, _ = write(tmp_path, manifest, made, made.good)
    worse = replace(FINE, left=1.2)
    [said] = warnings(report.removed, worse, MBD)
    assert "hardly anything was gained" in said and "without --method" in said
    assert "--strength 0.7" in warnings(report.removed, worse, SENSOR)[0]


@pytest.mark.parametrize(
    ("method", "strength", "less", "more"),
    [
        ("adapt", 1.0, "--strength 0.7", "--strength 1.5"),
        ("adapt", 0.7, "--strength 0.49", "--strength 1"),
        ("adapt", 0.1, "--strength 0.1", "--strength 0.15"),
        ("adapt", 4.0, "--strength 2.8", "--strength 4"),
        ("mbd", 1.0, "--method adapt", "--method adapt"),
    ],
)
def test_advice_names_a_value_that_acts(method: str, strength: float, less: str, more: str) -> None:
    found = MethodRecord(method=method, strength=strength)
    assert (gentler(found), stronger(found)) == (less, more)


def test_the_self_check_in_words() -> None:
    check = SelfCheck(30.04, 29.0, 31.0, 20.0, 8.0, 25.0, 255.0, None)
    assert [part in self_check_in_words(check) for part in ("30.0 dB", "29.0 to 31.0", "20.0 dB")] == [True] * 3
    nothing = SelfCheck(None, None, None, None, None, 25.0, 255.0, "the frame is too small")
    assert "the frame is too small" in self_check_in_words(nothing)
