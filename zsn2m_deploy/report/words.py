"""What was found and what was chosen because of it, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from zsn2m_deploy.adapt.mixture import in_words
from zsn2m_deploy.advice import Method, gentler, stronger
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.report.detail import EDGES_LIMIT, POWER_LIMIT
from zsn2m_deploy.report.removed import ALIKE_LIMIT, FEWEST_WHOLE, LITTLE, PEAKS_LIMIT, Removed
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_runtime.noise.facts import NoiseFacts, noise_in_words
from zsn2m_runtime.noise_record import NoiseGroup


class Presence(StrEnum):
    """Whether a frame has noise that is worth the word; unsure: what passes for it may be the picture's own."""

    NOISE = "noise"
    NONE = "none"
    UNSURE = "unsure"


class Verdict(StrEnum):
    """Whether a report found anything to look at."""

    GOOD = "looks right"
    UNJUDGED = "not fully judged"
    LOOK = "look closer"

    @property
    def meaning(self) -> str:
        """What is behind it."""
        return _MEANING[self]


_MEANING = {
    Verdict.GOOD: "no structure of the picture was found in what was removed, and its amount fits the noise",
    Verdict.UNJUDGED: (
        "nothing spoke against it, but not every check could be made on this frame, or its detail is hard to tell from "
        "its noise; see the pictures"
    ),
    Verdict.LOOK: "see the warnings",
}


@dataclass(frozen=True)
class Check:
    """One line of the table of checks; `passed` is None where it could not be made."""

    name: str
    found: float | None
    expected: float
    allowed: str
    passed: bool | None


def chosen(
    config: TrainConfig,
    noise: NoiseFacts,
    defective: float = 0.0,
    mixture: Sequence[NoiseGroup] = (),
    impulses: float = 0.0,
) -> str:
    """What noise was found and what was done about it, in one line.

    Args:
        noise: of a mixture that of the first group
        defective, impulses: shares of the samples replaced
    """
    if config.stage == "sensor":
        method = _sensor_method(config)
    else:
        networks = "MBD-Net" if config.stage == "mbd" else "MBD-Net and GRD-Net"
        method = f"{networks} trained on random pairs of the frame's own pixels, alpha_ie {config.mbd.alpha_ie:g}"
        if noise.correlated:
            method += "; such pairs tell noise from the picture only where pixels do not share it"
    if impulses:
        method += f"; salt and pepper, {100 * impulses:.2g} % of the samples, is replaced by its neighbours"
    if defective:
        method += f"; hot or dead pixels, {100 * defective:.2g} % of the samples, are replaced by their neighbours"
    preset = "" if config.preset == "default" else f" (preset {config.preset})"
    text = f"{noise_in_words(noise)}: {method}{preset}"
    if not mixture:
        return text
    names = in_words([(group.frames, group.sigma) for group in mixture])
    together = ", adapted as a mixture" if config.sensor.schedule.iterations else ""
    return f"{names}{together}; {mixture[0].frames[0]}: {text}"


def checks(removed: Removed, uneven: bool = False) -> tuple[Check, ...]:
    """What was checked of the removed noise; what says nothing of noise that a camera processed is left out.

    None is passed nor failed where noise is uneven over the frame: all are in units of one model.
    """
    found = _checks(removed)
    return tuple(replace(check, passed=None) for check in found) if uneven else found


def _checks(removed: Removed) -> tuple[Check, ...]:
    detail, alike = removed.detail, removed.autocorrelation
    power = Check(
        "Power removed in detailed places, of that in flat ones",
        detail.power if detail else None,
        1.0,
        f"at most {POWER_LIMIT:g}",
        not removed.powerful if detail else None,
    )
    return (
        Check(
            "Removed, in units of the noise expected there",
            removed.ratio,
            1.0,
            f"{LITTLE:g} to {removed.most:g}",
            None if removed.usable < FEWEST_WHOLE else not (removed.little or removed.much),
        ),
        *(() if removed.shared else (power,)),
        Check(
            "Likeness along edges in detailed places, above flat ones",
            detail.edges if detail else None,
            0.0,
            f"at most {EDGES_LIMIT:g}",
            not detail.edged if detail else None,
        ),
        Check(
            "Correlation of neighbours, above the noise's own",
            alike.excess if alike else None,
            0.0,
            f"at most {alike.limit if alike else ALIKE_LIMIT:g}",
            not alike.structured if alike else None,
        ),
        Check(
            "Power of sharp peaks in its spectrum, of all",
            removed.peaks.share if removed.peaks else None,
            0.0,
            f"at most {PEAKS_LIMIT:g}",
            not removed.peaks.regular if removed.peaks else None,
        ),
    )


def judge(checks: Sequence[Check], warnings: Sequence[str], self_check: SelfCheck, weakened: bool = False) -> Verdict:
    """What checks and warnings, those of training among them, come to.

    Nothing is good that flat places contradict, nor where the network took detail for noise and was weakened.
    """
    if warnings:
        return Verdict.LOOK
    unjudged = weakened or self_check.contradicted or any(check.passed is None for check in checks)
    return Verdict.UNJUDGED if unjudged else Verdict.GOOD


def remedy(removed: Removed, check: SelfCheck, method: Method) -> str | None:
    """Options of training that help against what is wrong; None where nothing is."""
    if method.method != "adapt" and (removed.shared or check.worse):
        return ""
    if removed.structured or removed.much or (check.worse and not removed.weakened):
        return gentler(method)
    return stronger(method) if removed.little and not removed.weakened else None


def self_check_in_words(check: SelfCheck) -> str:
    """The estimate with its range, or why there is none."""
    if check.psnr is None:
        return f"not available: {check.reason}"
    likely = f"about {check.psnr:.1f} dB ({check.low:.1f} to {check.high:.1f})"
    return f"{likely} of a peak of {check.peak:g}; the noisy frame has {check.noisy_psnr:.1f} dB"


def _sensor_method(config: TrainConfig) -> str:
    steps = config.sensor.schedule.iterations
    if not steps:
        return "the pretrained network as it is, which knows noise of every level and learned nothing of this one"
    method = f"the pretrained network, adapted in {steps} steps on drawn scenes with this noise"
    if config.sensor.weight_recorrupted:
        method += " and on pairs made of the frame itself"
    else:
        method += " alone (pairs made of the frame itself need independent, symmetric noise with normal tails)"
    if config.strength != 1:
        method += f"; noise taken for {config.strength:.2g} times as strong (--strength)"
    return method
