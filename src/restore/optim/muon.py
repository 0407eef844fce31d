"""Muon: momentum whose matrix is made orthogonal, for the filters between feature maps; Adam for the rest.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon/.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn

from restore.bounds import Below1, NotNegative, Positive
from restore.training.torch_compat import lerp, lerp_

IMAGE_CHANNELS = 3  # a filter bank with more than this many maps on both sides is a hidden layer's
QUINTIC = (3.4445, -4.7750, 2.0315)  # steepest at zero of the polynomials that keep singular values near 1


def newton_schulz(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Computes about the nearest semi-orthogonal matrix ``U Vᵀ`` of each ``U S Vᵀ``, by Newton–Schulz iterations.

    Each iteration is ``X ← a X + (b A + c A²) X`` with ``A = X Xᵀ``, which takes all but the
    smallest singular values of the normalised matrix to between 0.7 and 1.2; none is computed.

    Shape:
        ``(N, rows, columns)`` to the same, float32.
    """
    a, b, c = QUINTIC
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    x = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        gram = torch.bmm(x, x.mT)  # (N, rows, rows), the smaller side
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide is matrices else x.mT


class AdamArguments(TypedDict, total=False):
    """What `torch.optim.Adam` takes beside its rate."""

    betas: tuple[Below1, Below1]
    eps: NotNegative
    weight_decay: NotNegative
    amsgrad: bool
    foreach: bool | None
    maximize: bool
    capturable: bool
    differentiable: bool
    fused: bool | None
    decoupled_weight_decay: bool


class Muon(torch.optim.Adam):
    """``w ← w − lr · √max(1, rows / columns) · newton_schulz(d)`` on hidden filters, Adam on all else.

    A filter bank of shape (maps, maps, k, k) is the matrix (maps, k² · maps). With momentum
    ``m ← μ m + (1 − μ) g`` the direction is Nesterov's, ``d = μ m + (1 − μ) g``. The first and last
    layers' filters, biases and batch norm follow Adam at its own rate.

    Args:
        params: parameters of a network.
        lr: learning rate of the hidden filters: about how far all their singular values may move a step.
        adam_share: Adam's learning rate, as a share of `lr`.
        momentum: μ.
        adam: what else `torch.optim.Adam` takes (``betas``, ``eps``, ``fused``).

    Raises:
        ValueError: a rate or the momentum is out of its range.
        TypeError: it is given groups of parameters.

    Deviation: torch's own Muon takes matrices only, no filters, one by one; here those of one shape
    are iterated as one batch, and in float32, in two thirds of its time on a CPU or less.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: Positive = 1e-2,
        adam_share: Positive = 0.2,
        momentum: Below1 = 0.95,
        **adam: Unpack[AdamArguments],
    ):
        if not (lr > 0 and adam_share > 0):
            raise ValueError(f"lr and adam_share must be above 0, and they are {lr} and {adam_share}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), and it is {momentum}")
        params = list(params)
        if any(isinstance(group, dict) for group in params):
            raise TypeError("Muon makes its groups itself, of parameters: leave optim.decay=convolutions out")
        filters: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for parameter in params:
            hidden = parameter.ndim == 4 and min(parameter.shape[:2]) > IMAGE_CHANNELS
            (filters if hidden else rest).append(parameter)
        groups = [{"params": filters, "lr": lr, "momentum": momentum}, {"params": rest, "lr": adam_share * lr}]
        super().__init__([group for group in groups if group["params"]], **adam)

    @torch.no_grad()
    def step(self, closure=None):
        """Takes one step of both, each on its own groups."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if "momentum" in group:
                self._orthogonal_step(group)
        self._adam_step()
        return loss

    def _adam_step(self) -> None:
        """Lets Adam see its own groups alone: it would step on every parameter that has a gradient."""
        groups = self.param_groups
        self.param_groups = [group for group in groups if "momentum" not in group]
        try:
            if self.param_groups:
                super().step()
        finally:
            self.param_groups = groups

    def _orthogonal_step(self, group: dict) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for parameter in group["params"]:
            if parameter.grad is not None:
                by_shape[parameter.shape].append(parameter)
        for shape, parameters in by_shape.items():
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            momenta = [self._momentum(parameter) for parameter in parameters]
            lerp_(momenta, gradients, 1 - group["momentum"])
            ahead = lerp(gradients, momenta, group["momentum"])
            # in the order of channels-last weights, (N, maps, k² · maps): the columns' order does not matter
            matrices = torch.stack([each.permute(0, 2, 3, 1).reshape(shape[0], -1) for each in ahead])
            rate = -group["lr"] * max(1.0, matrices.shape[1] / matrices.shape[2]) ** 0.5
            for parameter, update in zip(parameters, newton_schulz(matrices.float()), strict=True):
                parameter.add_(update.view(shape[0], *shape[2:], shape[1]).permute(0, 3, 1, 2), alpha=rate)

    def _momentum(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if not state:  # Adam wants a step of every state that it loads
            state["step"], state["momentum"] = torch.zeros(()), torch.zeros_like(parameter)
        return state["momentum"]
