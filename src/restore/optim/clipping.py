"""How far a step's gradients are clipped."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from restore.errors import RequestError, unknown_name

KINDS = ("norm", "value", "value_per_rate")


class Clipping:
    """Clips the gradients that an optimiser is about to step by, in place.

    - ``norm``: all of them together to a 2-norm of at most this.
    - ``value``: each element to ± this.
    - ``value_per_rate``: each element of the gradient *summed* over the step's patches to ± this /
      (learning rate), as DnCNN's released training program does before it divides by their number: of a
      loss that is a mean over N patches, an element lies within ± this / (N · learning rate) then.

    Args:
        rule: one of these and its bound, such as ``{norm: 1.0}``; empty for no clipping.

    Raises:
        RequestError: it is none of these, or not above 0.
    """

    def __init__(self, rule: Mapping[str, float] | None = None):
        rules = dict(rule or {})
        if len(rules) > 1:
            raise RequestError(f"optim.clip is one of {', '.join(KINDS)}, and it is {', '.join(rules)}")
        self.kind, self.bound = next(iter(rules.items()), ("", 0.0))
        if rules and self.kind not in KINDS:
            raise unknown_name("optim.clip", self.kind, KINDS)
        if rules and not self.bound > 0:
            raise RequestError(f"optim.clip.{self.kind} must be above 0, and it is {self.bound}")

    def __call__(self, optimizer: torch.optim.Optimizer, patches: int) -> None:
        """Clip; `patches` are those of the step, over all devices."""
        groups = optimizer.param_groups
        if self.kind == "norm":
            nn.utils.clip_grad_norm_([p for group in groups for p in group["params"]], self.bound)
        elif self.kind == "value":
            nn.utils.clip_grad_value_([p for group in groups for p in group["params"]], self.bound)
        elif self.kind == "value_per_rate":
            for group in groups:
                if group["lr"] > 0:
                    nn.utils.clip_grad_value_(group["params"], self.bound / (patches * group["lr"]))
