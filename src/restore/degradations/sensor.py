"""Noise of an image sensor: photons counted one by one, and the electronics that read the count."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from restore.conditions import Pair
from restore.degradations.base import Degradation, Strengths, TestStream
from restore.degradations.strength import SIGMA, Sigma, Strength
from restore.image import LEVELS, to_unit

Unit = Literal["levels", "electrons"]
CLIPPED = 8  # levels: the noise of pixels as near as that to black or white was cut off


class PoissonGaussian(Degradation):
    """``y = x + a (P(x / a) − x / a) + b · n`` with P(λ) ~ Poisson(λ) and n ~ N(0, 1) per pixel and channel.

    So y has the mean x and the variance ``a x + b²``, the model of

    A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian, "Practical Poissonian-Gaussian noise modeling and
    fitting for single-image raw-data", IEEE TIP 17(10), 2008.

    a is the gain and b the read noise, in units of the image; each sample draws its own two. y is
    neither clipped nor rounded. Where x is below 0, as after a resampling, no photon is counted.

    Args:
        gain: in ``levels``: 8-bit levels an electron, at least 0 (none: no photon noise). In ``electrons``:
            electrons a level, above 0. A number, a range or a set.
        read_noise: standard deviation, in levels or in electrons, at least 0: a number, a range or a set.
        unit: of both.
        together: gain and read noise are sets of one length, drawn member by member: those of a camera
            at each of its sensitivities. One of them that is a single number goes with any of the other.

    Shape:
        ``(N, C, H, W)``, on any device; the generator must be on it too.

    Conditions:
        gain, read_noise: a and b, in units of the image.

    Raises:
        ValueError: a strength is malformed or out of its range, the unit is neither, or what is drawn
            together is not two sets of one length.

    Deviation: a sensor counts in linear light and before colours are interpolated; here the image is
    taken as it is, and the noise of neighbouring pixels and of channels is independent.
    """

    conditions = ("gain", "read_noise")

    def __init__(self, gain: Sigma, read_noise: Sigma, unit: Unit = "levels", together: bool = False):
        super().__init__()
        if unit not in get_args(Unit):
            raise ValueError(f"unit must be levels or electrons, and it is '{unit}'")
        self.unit, self.together = unit, together
        self.gain, self.read_noise = Strength(gain, "gain", *SIGMA), Strength(read_noise, "read_noise", *SIGMA)
        if unit == "electrons" and min(self.gain.range or self.gain.set) == 0:
            raise ValueError("gain must be above 0 electrons a level, and it is 0")
        if together and not (self.gain.fixed or self.read_noise.fixed):
            sizes = [0 if strength.range else len(strength.set) for strength in (self.gain, self.read_noise)]
            if sizes[0] != sizes[1] or not sizes[0]:
                raise ValueError("together wants gain and read_noise as sets of one length, {set:[...]} each")
            if self.read_noise.weights:
                raise ValueError("read_noise has weights, and drawn together those of gain count")
        self.suffix = f" read={_label(self.read_noise)}" + (" electrons" if unit == "electrons" else "")

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        if not self.together or self.gain.fixed or self.read_noise.fixed:
            return {name: getattr(self, name).sample(count, generator) for name in self.conditions}
        member = self.gain.choose(count, generator)
        gain, read_noise = (
            torch.tensor(strength.set, dtype=torch.float32, device=generator.device)[member]
            for strength in (self.gain, self.read_noise)
        )
        return {"gain": gain, "read_noise": read_noise}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        gain, read_noise = self._in_units_of_the_image(strengths)
        photons = _photon_noise(clean.float(), gain, generator)
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        return self._pair(clean, gain, read_noise, photons, noise)

    def exact(self, clean: Tensor, strengths: Strengths, stream: TestStream) -> Pair:
        """The same with the protocol's own normal numbers; the counts are of its generator."""
        gain, read_noise = self._in_units_of_the_image(strengths)
        photons = _photon_noise(clean.float(), gain, stream.generator)
        return self._pair(clean, gain, read_noise, photons, stream.normal(clean.shape))

    def _in_units_of_the_image(self, strengths: Strengths) -> tuple[Tensor, Tensor]:
        gain, read_noise = strengths["gain"], strengths["read_noise"]
        if self.unit == "electrons":
            gain, read_noise = 1 / gain, read_noise / gain
        return to_unit(gain), to_unit(read_noise)

    @staticmethod
    def _pair(clean: Tensor, gain: Tensor, read_noise: Tensor, photons: Tensor, noise: Tensor) -> Pair:
        degraded = clean.to(noise.dtype) + photons + read_noise.view(-1, 1, 1, 1) * noise
        conditions = {"gain": gain.to(clean.dtype), "read_noise": read_noise.to(clean.dtype)}
        return Pair(degraded.to(clean.dtype), clean, conditions)


def _photon_noise(clean: Tensor, gain: Tensor, generator: torch.Generator) -> Tensor:
    """``a (P(x / a) − x / a)`` per pixel, 0 where the gain is, ``(N, C, H, W)``."""
    gain = gain.view(-1, 1, 1, 1)
    light = clean.clamp(min=0)
    electrons = light / gain.where(gain > 0, 1)
    return torch.where(gain > 0, gain * torch.poisson(electrons, generator=generator) - light, 0)


def _label(strength: Strength) -> str:
    low, high = strength.range or (min(strength.set), max(strength.set))
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


class SensorFit(NamedTuple):
    """Gain and read noise in levels, as `PoissonGaussian` takes them, and how well they describe the noise.

    Attributes:
        explained: of what the mean squared differences of 16 classes of brightness vary by, the share that
            ``a x + b²`` explains: near 1 for photon noise, near 0 for noise that does not vary with
            brightness or varies by another law, as after a tone curve.
    """

    gain: float
    read_noise: float
    explained: float


def fit_sensor(clean: Tensor, degraded: Tensor) -> SensorFit:
    """Gain and read noise of a real pair: least squares of ``(y − x)²`` on ``a x + b²``, a and b² not negative.

    All pixels count alike, so that the fitted noise has the pair's mean squared difference wherever
    ``b² > 0``, whether or not the model fits. Pixels of the clean image within 8 levels of black or
    white are left out: their noise was clipped.

    Args:
        clean: of one pair or of several of one camera and sensitivity, in [0, 1], any shape.
        degraded: the same.

    Raises:
        ValueError: the shapes differ, or there are not two levels of brightness to fit by.

    Example:
        >>> clean = torch.linspace(0.1, 0.9, 90_000).view(1, 1, 300, 300)
        >>> noisy = PoissonGaussian(2, 5)(clean, torch.Generator().manual_seed(0)).degraded
        >>> fit = fit_sensor(clean, noisy)
        >>> round(fit.gain), round(fit.read_noise), round(fit.explained, 1)
        (2, 5, 1.0)
    """
    if clean.shape != degraded.shape:
        raise ValueError(f"a pair is of one shape, and it is {tuple(clean.shape)} and {tuple(degraded.shape)}")
    x, y = clean.double().flatten(), degraded.double().flatten()
    inside = (x * LEVELS > CLIPPED) & (x * LEVELS < LEVELS - CLIPPED)
    x, square = x[inside], (y[inside] - x[inside]) ** 2
    if not len(x) or x.min() == x.max():
        raise ValueError("gain and read noise are fitted to pixels of different brightness, and there is one at most")
    gain = ((x - x.mean()) * (square - square.mean())).mean() / x.var(correction=0)
    gain = gain.clamp(min=0)
    variance = square.mean() - gain * x.mean()
    if variance < 0:  # more than photons explain at the bright end: then there are only photons
        gain, variance = (x * square).mean() / (x * x).mean(), torch.zeros_like(variance)
    return SensorFit(float(gain * LEVELS), float(variance.sqrt() * LEVELS), _explained(x, square, gain * x + variance))


def _explained(x: Tensor, square: Tensor, model: Tensor) -> float:
    classes = ((x - x.min()) / (x.max() - x.min()) * 16).long().clamp(max=15)
    counts = torch.bincount(classes, minlength=16)
    sums = (torch.bincount(classes, weights=values, minlength=16) for values in (square, model))
    means, models = (each[counts > 0] / counts[counts > 0] for each in sums)
    spread = counts[counts > 0] * (means - square.mean()) ** 2
    return float(1 - (counts[counts > 0] * (means - models) ** 2).sum() / spread.sum())
