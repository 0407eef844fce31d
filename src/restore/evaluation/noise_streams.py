"""The streams of normal numbers that published noise was made of, under the names of ``Protocol.noise``.

A degradation asks a test pair's stream for numbers, ``normal(shape)``, and scales them by its sigma. All
streams but `ours` give float64, which is added to the image in float64 and rounded to float32 after, as in
the programs that they are of. The image is in float32 before as well: a last bit beside MATLAB's im2double.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

Noise = Literal["matlab_v4", "numpy_0", "numpy_0_bgr", "ours", "free"]
Normal = Callable[[Sequence[int]], Tensor]

DESCRIPTIONS = {
    "matlab_v4": "noise of MATLAB's randn('seed',0)",
    "numpy_0": "noise of NumPy's np.random.seed(0)",
    "numpy_0_bgr": "noise of NumPy's np.random.seed(0), channels in the order blue, green, red",
    "free": "noise of no seed, not reproducible",
}


def normal_stream(noise: Noise, generator: torch.Generator) -> Normal:
    """Begin a stream: a function of a shape that goes on where the call before it stopped.

    Args:
        noise: ``matlab_v4``: MATLAB's generator of version 4, ``randn('seed',0)`` before every image, which
            the authors of DnCNN, FFDNet and IRCNN test with (see `matlab_v4`), filled column by column: H, then
            W, then C. ``numpy_0``: ``np.random.seed(0)`` before every image and NumPy's legacy ``normal``,
            filled as an array ``(H, W, C)`` is, channels in the order red, green, blue: KAIR, DPIR, Restormer.
            ``numpy_0_bgr``: the same, channels in the order blue, green, red: SwinIR. ``ours``: torch's
            numbers, float32, of `generator`. ``free``: NumPy's, seeded by the operating system, so that no two
            runs agree: DnCNN-PyTorch, MMagic, deepinv.
        generator: of the test pair, on the CPU; only ``ours`` draws from it.

    Returns:
        ``shape -> N(0, 1)``: of ``(N, C, H, W)``, N images in turn.

    Raises:
        ValueError: an unknown stream.
    """
    if noise == "ours":
        return lambda shape: torch.randn(tuple(shape), generator=generator)
    if noise == "matlab_v4":
        place = 0

        def matlab(shape: Sequence[int]) -> Tensor:
            nonlocal place
            first, place = place, place + prod(shape)
            count, channels, height, width = shape
            columns = matlab_v4(place)[first:].reshape(count, channels, width, height)
            return torch.from_numpy(columns.swapaxes(2, 3).copy())

        return matlab
    if noise not in get_args(Noise):
        raise ValueError(f"noise is one of {', '.join(get_args(Noise))}, and it is '{noise}'")
    random = np.random.default_rng() if noise == "free" else np.random.RandomState(0)

    def rows(shape: Sequence[int]) -> Tensor:
        count, channels, height, width = shape
        image = random.normal(0, 1, (count, height, width, channels))
        image = image[..., ::-1] if noise == "numpy_0_bgr" else image
        return torch.from_numpy(np.moveaxis(image, -1, 1).copy())

    return rows


# -- MATLAB's ---------------------------------------------------------------------------------------

MULTIPLIER, MODULUS = 16807, 2**31 - 1  # Park and Miller's
FIRST_STATE = 1144108930  # after randn('seed', 0)


def matlab_v4(count: int) -> np.ndarray:
    """The first numbers that MATLAB's ``randn`` gives after ``randn('seed',0)``.

    Uniform numbers are ``u = s / (2³¹ − 1)`` with ``s ← 16807 s mod (2³¹ − 1)``, taken in pairs to a point
    (a, b) of the square (−1, 1)²; those outside the unit circle are dropped, and each other one gives
    ``a √(−2 ln r / r)``, ``r = a² + b²`` (Marsaglia's polar method; MATLAB does not use its second number).

    Returns:
        float64 ``(count,)``, read-only: the stream always begins at the same place, and what was computed of
        it is kept.

    Example:
        >>> matlab_v4(4).round(4).tolist()
        [1.165, 0.6268, 0.0751, 0.3516]
    """
    return _beginning((max(count, 2**16) - 1).bit_length())[:count]


@lru_cache(maxsize=4)
def _beginning(bits: int) -> np.ndarray:
    """At least ``2 ** bits`` numbers: π/4 of the pairs are kept, so that 1.4 pairs for each are enough."""
    pairs = int(1.4 * 2**bits)
    u = _states(2 * pairs) / MODULUS
    a, b = 2 * u[0::2] - 1, 2 * u[1::2] - 1
    r = a * a + b * b
    inside = r <= 1
    a, r = a[inside], r[inside]
    numbers = a * np.sqrt(-2 * np.log(r) / r)
    numbers.flags.writeable = False
    return numbers


def _states(count: int) -> np.ndarray:
    """States of the generator after each of its steps, int64: twice as many at a time, by powers of the multiplier."""
    states = np.array([MULTIPLIER * FIRST_STATE % MODULUS], dtype=np.int64)
    while len(states) < count:
        jump = pow(MULTIPLIER, len(states), MODULUS)
        states = np.concatenate([states, states * jump % MODULUS])  # products stay below 2⁶²
    return states[:count]
