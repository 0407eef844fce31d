"""What a grid of runs shows, and what it does not: means over seeds, and paired differences with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from restore.results.quantities import Quantity


@dataclass(frozen=True)
class Difference:
    """A paired difference: its mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def distinguishable(self) -> bool:
        return self.low > 0 or self.high < 0

    def text(self, quantity: Quantity, digits: int | None = None) -> str:
        """The difference in the metric's own unit, with its interval."""
        digits = quantity.fine_digits if digits is None else digits
        return f"{quantity.with_unit(self.mean, digits, '+')} [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation over seeds; a deviation of nan where there is one seed.

    Example:
        >>> mean_and_deviation([30.0, 30.2])[0]
        30.1
    """
    return mean(values), stdev(values) if len(values) > 1 else float("nan")


def paired_difference(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]], draws: int = 10_000, seed: int = 0
) -> Difference:
    """Mean over images of second − first, with a percentile bootstrap interval of 95 %.

    Both the images and the seeds are drawn again: an image is one drawing, since its noise is the
    same for both, and so is each setting's seed, since another one would have trained another network.

    Args:
        first, second: the metric's value of each image, one a seed.

    Raises:
        ValueError: the two were scored on different images, or on none.
    """
    names = sorted(first)
    if not names or names != sorted(second):
        raise ValueError("a paired difference needs the same images on both sides")
    one, two = (np.array([side[name] for name in names], dtype=float) for side in (first, second))  # (images, seeds)
    random = np.random.default_rng(seed)
    images = random.integers(len(names), size=(draws, len(names)))

    def resampled(values: np.ndarray) -> np.ndarray:
        seeds = random.integers(values.shape[1], size=(draws, values.shape[1]))
        return values[images[:, :, None], seeds[:, None, :]].mean(axis=(1, 2))

    differences = resampled(two) - resampled(one)
    low, high = np.percentile(differences, (2.5, 97.5))
    return Difference(float(two.mean() - one.mean()), float(low), float(high))
