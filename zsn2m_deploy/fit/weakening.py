"""How much of what a network removes should go: less than all of it where it takes detail for noise.

Source: docs/decisions/networks-are-weakened.md and texture-everywhere.md there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from zsn2m_deploy.fit.checks import Error
from zsn2m_deploy.fit.correlated import WHOLE
from zsn2m_deploy.fit.run import Run
from zsn2m_runtime.mosaic_record import PLANES
from zsn2m_runtime.noise.model import NoiseModel

CHANNELS = "red", "green", "blue"
WEAK = 0.25  # of the power of the strongest channel
LITTLE_GAINED = 0.8  # power of the error over that of the noise: 1 dB
NEARLY_ALL = 0.995  # in words that is all


@dataclass(frozen=True)
class Weakening:
    """What a network should still remove of what it does.

    share: 1: all of it
    left: power of the error over that of the noise, at most over the groups
    unknown: whether texture hides the level of the noise; regular: whether the frames have regular detail
    """

    share: float = 1.0
    left: float = 0.0
    unknown: bool = False
    regular: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether the result is to be looked at: hardly better than the frame, as far as that can be told at all."""
        return self.unknown or self.left > LITTLE_GAINED

    def in_words(self) -> str:
        """What was done, and why."""
        goes = f"only {100 * self.share:.0f} % of what the network would take away goes"
        if self.share > NEARLY_ALL:
            goes = "all that the network would take away goes"
        if self.unknown:
            return (
                f"noise cannot be told from texture here: what passes for noise changes from place to place as texture "
                f"does, or as noise of a kind that is not known; {goes}; compare the pictures, and use the frame as it "
                f"is where its texture matters"
            )
        detail = "the regular detail" if self.regular else "the picture's detail"
        text = f"the network takes some of {detail} for noise; {goes}, which leaves the smallest error"
        return f"{text}, hardly less than the noise" if self.doubtful else text


def shares_of_channels(run: Run, network: Callable[[Tensor], Tensor], seed: int) -> tuple[float, ...] | None:
    """What a network should still remove of each channel where the noise of some is much stronger; None elsewhere.

    All of the strong ones; of others what Stein's estimate says, at most over the groups.

    Source: docs/decisions/unlike-channels.md.
    """
    if not all(group.noise.apart for group in run.groups):
        return None
    together = zip(run.groups, run.errors(network, seed), strict=True)
    found = [np.where(group.noise.strong(WEAK), 1.0, error.shares) for group, error in together if error]
    return tuple(np.min(found, axis=0).tolist()) if len(found) == len(run.groups) else None


def loud_in_words(noise: NoiseModel) -> str | None:
    """Which colours have noise, where others have hardly any; None where all have."""
    if noise.loud.all():
        return None
    loud, quiet = (" and ".join(np.array(CHANNELS)[which]) for which in (noise.loud, ~noise.loud))
    return f"the noise is in {loud} alone: hardly anything is changed in {quiet}"


def weakening(
    run: Run,
    network: Callable[[Tensor], Tensor],
    errors: Sequence[Error | None],
    seed: int,
    prior: Callable[[Tensor], Tensor] | None = None,
) -> Weakening:
    """The share that leaves the smallest estimated error, at most over the groups of a run.

    Of frames of white noise without regular detail that are no mosaics, less than all only where hardly anything would
    be gained.

    Args:
        network: normalised, on the run's device
        errors: of the network, one for each group, as `Run.errors`
        prior: the pretrained network, likewise; None: it is that
    """
    of_groups = [(group.noise, error) for group, error in zip(run.groups, errors, strict=True) if error]
    found = [
        error
        for noise, error in of_groups
        if noise.regular or noise.channels == PLANES or error.left(1.0) > LITTLE_GAINED
    ]
    shared = run.shares_of_noise(network, seed, prior)
    share = min((*(error.best_share for error in found), *(of.share for of in shared)), default=1.0)
    unknown = any(of.unknown for of in shared)
    if share >= WHOLE and not unknown:
        return Weakening()
    return Weakening(
        share,
        max((*(error.left(share) for error in found), *(of.left for of in shared))),
        unknown,
        any(noise.regular for noise, _ in of_groups),
    )
