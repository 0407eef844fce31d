"""The learning rate's factor as a function of progress, 0 at the first step and 1 after the last."""

from __future__ import annotations

from math import cos, pi

from restore.bounds import Below1, Positive, Share, Unit


class Constant:
    """The same rate throughout, as RED-Net's paper trains."""

    def __call__(self, progress: float) -> float:
        return 1.0


class Exponential:
    """``final ** progress``: DnCNN's 1e-1 to 1e-4 is a `final` of 1e-3.

    Args:
        final: factor at the end, above 0.
    """

    def __init__(self, final: Share = 1e-3):
        if not 0 < final <= 1:
            raise ValueError(f"optim.schedule.final must lie in (0, 1], and it is {final}")
        self.final = final

    def __call__(self, progress: float) -> float:
        return self.final**progress


class Step:
    """1 before a point and `factor` after it: the authors' released DnCNN code has 1/10 after 60 %."""

    def __init__(self, at: Unit = 0.6, factor: Positive = 0.1):
        if not 0 <= at <= 1 or factor <= 0:
            raise ValueError(f"optim.schedule.at lies in [0, 1] and factor above 0, and they are {at} and {factor}")
        self.at, self.factor = at, factor

    def __call__(self, progress: float) -> float:
        return 1.0 if progress < self.at else self.factor


class WarmupCosine:
    """Linear warm-up over a share of the run, then a cosine to zero.

    Args:
        warmup: share of the run in [0, 1).
    """

    def __init__(self, warmup: Below1 = 0.05):
        if not 0 <= warmup < 1:
            raise ValueError(f"optim.schedule.warmup must be a share in [0, 1), and it is {warmup}")
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        if progress < self.warmup:
            return max(progress / self.warmup, 1e-3)
        done = (min(progress, 1.0) - self.warmup) / (1 - self.warmup)
        return 0.5 * (1 + cos(pi * done))
