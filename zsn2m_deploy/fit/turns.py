"""Groups of frames that take turns: each step of a stage is of one of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from torch import Tensor


class HasCrops(Protocol):
    """What a step needs of a group, its crops among it."""

    @property
    def crops(self) -> Callable[[], Tensor]:
        """Gives the crops of the next step."""


Group = TypeVar("Group", bound=HasCrops)


class Turns(Generic[Group]):
    """The crops and the loss of each step, for `Fitter.fit`.

    Args:
        groups: in their order
        loss_of: the loss of a group's step on its crops
    """

    def __init__(self, groups: Sequence[Group], loss_of: Callable[[Group, Tensor], Tensor]) -> None:
        self._turns, self._turn = itertools.cycle(groups), groups[0]
        self._loss_of = loss_of

    def crops(self) -> Tensor:
        """Crops of the next group; each step's first call, whose loss then is of the same group."""
        self._turn = next(self._turns)
        return self._turn.crops()

    def loss(self, noisy: Tensor) -> Tensor:
        """The loss on them."""
        return self._loss_of(self._turn, noisy)
