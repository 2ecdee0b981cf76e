"""What a user should look at, in sentences, and what to do."""

from __future__ import annotations

from zsn2m_deploy.advice import Method, gentler, stronger
from zsn2m_deploy.report.removed import Removed
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_deploy.report.words import Presence

NO_NOISE = (
    "the frame has no noise: what passed for it is the picture's own texture and shading, of which any denoiser only "
    "takes something away; use the frame as it is"
)

UNSURE = (
    "what was removed is as smooth and as uneven as the picture itself, which the noise of a JPEG and coarse grain may "
    "be, too: compare the pictures, and use the frame as it is where detail is lost"
)


def warnings(
    removed: Removed,
    check: SelfCheck,
    method: Method,
    presence: Presence = Presence.NOISE,
    uneven: bool = False,
    kept: str = "",
) -> tuple[str, ...]:
    """What a user should look at, and what to do.

    Args:
        method: of training
        presence: of noise in the frame; where there is none, nothing else is worth a word
        uneven: whether the noise is stronger in some places, of which training warned: then its model judges none
        kept: what to say of coarse noise that all channels share and that seems to be left
    """
    if presence is Presence.NONE:
        return (NO_NOISE,)
    if uneven:
        return (kept,) if kept else ()
    found = [UNSURE] if presence is Presence.UNSURE else []
    if removed.shared and method.method != "adapt":
        found.append(
            "neighbouring pixels share this noise, which the chosen network takes for the picture: most of it stays; "
            "train without --method, for the default network knows such noise"
        )
    if kept:
        found.append(kept)
    if check.worse:
        found.append(
            f"hardly anything was gained, or something lost: the result's estimated error has "
            f"{100 * (check.left or 0):.0f} % of the noise's power; {_instead(method, removed)}"
        )
    if removed.structured:
        found.append(
            f"what was removed holds structure of the picture: {' and '.join(_reasons(removed))}; detail was lost, of "
            f"which {gentler(method)} keeps more"
        )
    amount = f"{removed.ratio:.2f} times the deviation of the noise expected there"
    if removed.little and removed.weakened:
        if not check.worse:
            found.append(f"little was removed: {amount}; noise is left, for with more of it detail would go")
    elif removed.little:
        found.append(
            f"little was removed: {amount}; noise is left, which {stronger(method)} takes, or fine texture was taken "
            f"for noise"
        )
    elif removed.much and not removed.structured:
        found.append(
            f"much was removed: {amount}; detail was lost, of which {gentler(method)} keeps more, or there is more "
            f"noise than was seen"
        )
    return tuple(found)


def _instead(method: Method, removed: Removed) -> str:
    """What to do instead of a training that gained nothing."""
    if method.method != "adapt":
        return "train without --method, for the default network is better here"
    if removed.weakened:
        return "detail is hard to tell from this noise; use the frame as it is where that detail matters"
    return f"compare the pictures, and try {gentler(method)}"


def _reasons(removed: Removed) -> list[str]:
    reasons = []
    if removed.detail and removed.powerful:
        reasons.append(f"in detailed places {removed.detail.power:.2f} times the power went that went in flat ones")
    if removed.detail and removed.detail.edged:
        reasons.append(f"neighbours along edges are alike (correlation {removed.detail.edges:.2f} above flat places)")
    if removed.peaks and removed.peaks.regular:
        reasons.append(
            f"sharp peaks of its spectrum have {100 * removed.peaks.share:.0f} % of its power, as regular detail has, "
            f"with a period of {removed.peaks.period:.3g} pixels at {removed.peaks.direction:.0f} degrees from the rows"
        )
    if removed.autocorrelation and removed.autocorrelation.structured:
        excess = removed.autocorrelation.excess
        reasons.append(
            f"its neighbouring pixels are more alike than those of the noise (correlation {excess:.2f} above)"
        )
    return reasons
