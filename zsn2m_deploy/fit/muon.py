"""Muon: momentum whose update is orthogonalised, for the kernels of convolutions; Adam for everything else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

# Jordan et al.: five rounds of a polynomial that is steep at zero; singular values end within 0.7 to 1.2.
_ROUNDS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_LEAST_NORM = 1e-12  # a gradient of zeros stays zero instead of becoming NaN
_MOMENTUM = 0.9  # 0.95 is alike: docs/decisions/muon.md
_SQUARES = 0.99  # Adam's second decay; chosen, as its usual 0.999 averages over more steps than a short run has
_EPSILON = 1e-8  # Kingma and Ba, Adam, 2015, Algorithm 1
_KERNEL_RATIO = 2.0  # step of a kernel over that of a bias: docs/decisions/muon.md


def orthogonalised(matrix: Tensor) -> Tensor:
    """An approximation of the nearest matrix with all singular values one, by five Newton-Schulz iterations.

    Shape:
        matrix: (m, n)
        returns: (m, n)
    """
    wide = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    x: Tensor = wide / wide.norm().clamp_min(_LEAST_NORM)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Muon for the kernels of convolutions, Adam for biases.

    A kernel is taken as a matrix of m output channels by n other weights. Its step is 2 lr sqrt(max(1, m / n)) times
    the orthogonalised Nesterov momentum.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; docs/decisions/muon.md.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float) -> None:
        super().__init__(weights, {"lr": lr, "beta1": _MOMENTUM, "beta2": _SQUARES, "kernel_ratio": _KERNEL_RATIO})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state |= {"momentum": torch.zeros_like(weight), "square": torch.zeros_like(weight), "steps": 0}
                state["steps"] += 1
                state["momentum"].lerp_(weight.grad, 1 - group["beta1"])
                if weight.ndim == 4:
                    self._step_kernel(weight, state["momentum"], group)
                else:
                    self._step_bias(weight, state, group)

    @staticmethod
    def _step_kernel(weight: Tensor, momentum: Tensor, group: dict[str, float]) -> None:
        ahead = weight.grad.lerp(momentum, group["beta1"]).flatten(1)  # type: ignore[union-attr]
        size = group["lr"] * group["kernel_ratio"] * max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
        weight.sub_(orthogonalised(ahead).view(weight.shape), alpha=size)

    @staticmethod
    def _step_bias(weight: Tensor, state: dict[str, Any], group: dict[str, float]) -> None:
        state["square"].lerp_(weight.grad.square(), 1 - group["beta2"])  # type: ignore[union-attr]
        mean = state["momentum"] / (1 - group["beta1"] ** state["steps"])
        square = state["square"] / (1 - group["beta2"] ** state["steps"])
        weight.addcdiv_(mean, square.sqrt() + _EPSILON, value=-group["lr"])
