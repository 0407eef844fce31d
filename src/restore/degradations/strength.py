"""How strong a degradation is: one value, any value of a range, or one of a set, drawn per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from numbers import Real
from typing import Annotated, NamedTuple

import torch
from torch import Tensor


class Bounds(NamedTuple):
    """Where a strength may lie, ends included; an integer one is a whole number."""

    low: float
    high: float = inf
    integer: bool = False


LARGEST = float(torch.finfo(torch.float32).max)  # strengths are drawn in float32
Value = float | Sequence[float] | Mapping[str, Sequence[float]]  # a number, a range or a set
SIGMA = Bounds(0)  # of noise in levels, of a kernel in pixels
SCALE = Bounds(1, 8, integer=True)
QUALITY = Bounds(1, 100, integer=True)
Sigma = Annotated[Value, SIGMA]
Scale = Annotated[Value, SCALE]
Quality = Annotated[Value, QUALITY]


class Strength:
    """A strength as a person writes it: ``25``, ``[0, 55]`` (uniform) or ``{set: [10, 30, 50, 70]}``.

    The members of a set are drawn alike often, or as its weights say, which need not sum to anything:
    ``{set: [10, 30, 50, 70], weights: [1102, 1000, 1102, 1000]}``.

    Args:
        value: number, range of two numbers, or mapping with the key ``set``, and ``weights`` if they differ.
        name: what the message calls it, such as ``task.sigma``.
        low: smallest value allowed.
        high: largest value allowed.
        integer: the strength is a whole number: a range means the whole numbers in it, ends included.

    Raises:
        ValueError: the value is none of these, is reversed, is not finite, or leaves [low, high]; weights that are
            not one for each member, or not positive.

    Example:
        >>> Strength([0, 55], "task.sigma", 0).sample(2, torch.Generator().manual_seed(0)).shape
        torch.Size([2])
    """

    def __init__(self, value, name: str, low: float, high: float = inf, integer: bool = False):
        self.integer = integer
        self.range: tuple[float, float] | None = None
        self.set: tuple[float, ...] = ()
        self.weights: tuple[float, ...] = ()
        if isinstance(value, Mapping):
            if not set(value) <= {"set", "weights"} or not _numbers(value.get("set")) or len(value["set"]) == 0:
                form = "{set:[10,30]} or {set:[10,30],weights:[2,1]}"
                raise ValueError(f"{name} as a set is written {form}, and it is {dict(value)}")
            self.set = tuple(value["set"])
            if "weights" in value:
                self.weights = _weights(value["weights"], len(self.set), name)
        elif isinstance(value, Real) and not isinstance(value, bool):
            self.set = (value,)  # type: ignore[assignment]  # a whole number stays one: sigma=25, not 25.0
        elif _numbers(value) and len(value) == 2:
            self.range = (value[0], value[1])
            if self.range[0] > self.range[1]:
                raise ValueError(f"{name} as a range goes from low to high, and it is {list(value)}")
        else:
            raise ValueError(f"{name} must be a number, a range [low,high] or {{set:[...]}}, and it is {value!r}")
        for number in self.range or self.set:
            if not abs(number) <= LARGEST:  # also refuses nan
                raise ValueError(f"{name} must be a finite number, and it is {number}")
            if not low <= number <= high:
                limits = f"at least {low:g}" if high == inf else f"from {low:g} to {high:g}"
                raise ValueError(f"{name} must be {limits}, and it is {number}")
            if integer and number != int(number):
                raise ValueError(f"{name} must be a whole number, and it is {number}")
        if self.range is not None:
            self.range = (float(self.range[0]), float(self.range[1]))

    def __str__(self) -> str:
        """As it stands in a setting's name: ``25``, ``0..55``, ``10/30``."""
        if self.range is not None:
            return f"{self.range[0]:g}..{self.range[1]:g}"
        return "/".join(f"{member:g}" for member in self.set)

    @property
    def fixed(self) -> bool:
        return len(self.set) == 1

    @property
    def members(self) -> list[float]:
        """Every strength that can be drawn; of a range, which has to be of whole numbers, all in it."""
        if self.range is None:
            return list(self.set)
        if not self.integer:
            raise ValueError("a range of any numbers has no members to list")
        return list(range(int(self.range[0]), int(self.range[1]) + 1))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """One strength per sample, float32 ``(count,)``, on the generator's device."""
        device = generator.device
        if self.range is not None:
            low, high = self.range
            if self.integer:
                drawn = torch.randint(int(low), int(high) + 1, (count,), generator=generator, device=device)
                return drawn.to(torch.float32)
            return low + (high - low) * torch.rand(count, generator=generator, device=device)
        if self.fixed:
            return torch.full((count,), float(self.set[0]), device=device)
        return torch.tensor(self.set, dtype=torch.float32, device=device)[self.choose(count, generator)]

    def choose(self, count: int, generator: torch.Generator) -> Tensor:
        """Places in the set, int64 ``(count,)``, by the weights, on the generator's device."""
        if self.weights:
            weights = torch.tensor(self.weights, dtype=torch.float32, device=generator.device)
            return torch.multinomial(weights, count, replacement=True, generator=generator)
        return torch.randint(len(self.set), (count,), generator=generator, device=generator.device)


def _numbers(value) -> bool:
    sequence = isinstance(value, Sequence) and not isinstance(value, str)
    return sequence and all(isinstance(v, Real) and not isinstance(v, bool) for v in value)


def _weights(value, count: int, name: str) -> tuple[float, ...]:
    if not _numbers(value) or len(value) != count or not all(0 < weight < float("inf") for weight in value):
        raise ValueError(f"{name}: weights are a positive number for each member of the set, and they are {value!r}")
    return tuple(float(weight) for weight in value)


def levels_to_test(value, within_range: Sequence[float], name: str) -> list:
    """The strengths a model trained on `value` is tested at.

    A number is tested at itself and a set at its members; a range at those of the papers' usual
    strengths (`within_range`) that lie in it, or at its two ends where none does.

    Example:
        >>> levels_to_test([0, 55], [15, 25, 50, 70], "task.sigma")
        [15, 25, 50]
    """
    strength = Strength(value, name, -inf)
    if strength.range is None:
        return list(strength.set)
    low, high = strength.range
    return [level for level in within_range if low <= level <= high] or [low, high]
