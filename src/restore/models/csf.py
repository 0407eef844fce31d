"""CSF: cascades of shrinkage fields, each a shrinkage of filter responses and one division in the Fourier domain.

U. Schmidt, S. Roth, "Shrinkage Fields for Effective Image Restoration", CVPR 2014.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.fft import fftshift, irfft2, rfft2
from torch.nn.functional import conv2d, pad

from restore.bounds import Count, Positive, Whole
from restore.dct import dct_matrix
from restore.image import to_unit
from restore.models import matlab
from restore.models.layers import DEEPEST
from restore.models.radial_basis import MOST_GAUSSIANS, full_precision, influence

# a shrinkage function's table: spacings of the means to either side of them, places in a spacing
BEYOND, PLACES = 50, 40
LARGEST, WIDEST_MARGIN = 31, 1000  # sides in pixels: k² − 1 filters of k² weights, and what an image is continued by


class CSF(nn.Module):
    """Stages ``x ← F⁻¹[(λ F(y) + Σᵢ F(fᵢ)* F(φᵢ(fᵢ ∗ x))) / (λ + Σᵢ |F(fᵢ)|²)]``, x starting as the degraded image y.

    F is the discrete Fourier transform, * the complex conjugate, ∗ the circular convolution, and
    ``φᵢ(v) = Σ_m w_im exp(−precision / 2 · (v − mean_m)²)`` (see `influence`). Each stage has filters fᵢ, weights w
    and λ > 0 of its own. Before each stage x and y are continued by `margin` pixels of
    the nearest one on every side, which are cut off x after it; nothing is clipped between stages.

    Filters have zero mean and unit norm, by projection in every pass. None of them sees the mean of an image, so
    that the output's (with the margin) is that of y: it is set, where the equation's quotient is of roundings alone.

    Args:
        channels: image channels, each restored by itself with the same filters.
        stages: shrinkage fields, one after the other (the authors' files: 5).
        kernel_size: k for all k² − 1 filters of k × k (the authors: 3, 5, 7), or height and width of each filter:
            ``[[1, 2], [2, 1]]`` are those of pairs of neighbours.
        means: of the radial basis, in levels of 0 to 255: the first, their spacing, and their number.
        precision: of its Gaussians, the inverse of their variance in levels.
        margin: pixels on every side, at least as many as the largest filter has in a row or column, less one.

    Shape:
        ``(N, C, H, W)`` to the same, any H and W.

    Raises:
        ValueError: an argument is out of its range.

    Deviations: φ is interpolated linearly in a table, as in the authors' program: at 40 places a spacing, to 50
    spacings beyond the outermost means. Everything is computed in float32 at least, under autocast too. Weights
    start so that φ is the identity at the means, filters as the waves of a DCT, λ at 1: where no response lies
    beyond the means, training starts from the identity.
    """

    def __init__(
        self,
        channels: Count = 1,
        stages: Count = 5,
        kernel_size: Count | Sequence[tuple[Count, Count]] = 7,
        means: Sequence[float] = (-260, 10, 53),
        precision: Positive = 0.01,
        margin: Whole = 10,
    ):
        super().__init__()
        if isinstance(kernel_size, int) and kernel_size > LARGEST:  # k² − 1 filters of k² weights each
            raise ValueError(f"model.kernel_size must be from 2 to {LARGEST}, and it is {kernel_size}")
        sizes = [(kernel_size,) * 2] * (kernel_size**2 - 1) if isinstance(kernel_size, int) else list(kernel_size)
        _check(stages, sizes, means, precision, margin)
        self.channels, self.margin = channels, margin
        first, spacing, count = means
        places = to_unit(first + spacing * torch.arange(count, dtype=torch.float64))
        precision /= to_unit(torch.ones((), dtype=torch.float64)).item() ** 2  # of levels to that of the unit range
        self.stages = nn.ModuleList(ShrinkageField(_supports(sizes), places, precision) for _ in range(stages))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """The network of one of the authors' denoising files (``models/table1``, ``models/table2``), of its sizes.

        Its ``model`` has ``lambda`` (stages), ``f`` (filters × stages, of any sizes) and ``shrink`` (the same, of
        ``precision``, ``means`` and ``weights``).

        Raises:
            ValueError: it is no such file, or one of a deblurring network.
        """
        try:
            return cls._of(*_read(path))
        except Exception as error:  # scipy's, and of arrays that are not where they should be
            raise ValueError(f"{path} is not a cascade of shrinkage fields that can be read ({error})") from error

    @classmethod
    @torch.no_grad()
    def _of(cls, balances: np.ndarray, filters: np.ndarray, functions: np.ndarray) -> Self:
        """Of λ ``(S,)``, of the filters and of their functions' structures, ``(F, S)`` each."""
        means, precision = _basis(functions)
        sizes = [each.shape for each in filters[:, 0]]
        network = cls(stages=len(balances), kernel_size=sizes, means=means, precision=precision)
        for number, stage in enumerate(network.fields()):
            stage.log_lambda.fill_(float(np.log(balances[number])))
            for index, (height, width) in enumerate(sizes):
                stage.filters[index, :height, :width] = _float64(filters[index, number])
                stage.weights[index] = to_unit(_float64(functions[index, number]["weights"]).flatten())
        return network

    def fields(self) -> Iterator[ShrinkageField]:
        """The stages, in order."""
        yield from cast("Iterable[ShrinkageField]", self.stages)

    @property
    def macs_per_pixel(self) -> int:
        """Products of the filters with the image and with the responses; margin and Fourier transforms are left out."""
        return 2 * self.channels * sum(int(stage.supports.sum()) for stage in self.fields())

    def forward(self, degraded: Tensor) -> Tensor:
        with full_precision(degraded):
            planes = degraded.to(torch.promote_types(degraded.dtype, torch.float32)).flatten(0, 1)[:, None]
            height, width = degraded.shape[-2:]
            inside = (..., slice(self.margin, self.margin + height), slice(self.margin, self.margin + width))
            y = x = pad(planes, [self.margin] * 4, mode="replicate")  # (N · C, 1, H + 2 margin, W + 2 margin)
            for stage in self.fields():
                x = pad(stage(x, y)[inside], [self.margin] * 4, mode="replicate")
            return x[inside].view_as(degraded).to(degraded.dtype)


class ShrinkageField(nn.Module):
    """One stage of `CSF`, on images that have their margin.

    Args:
        supports: ``(F, h, w)``, 1 where a filter has coefficients and 0 where it has none.
        means, precision: of the radial basis ``(M,)``, in units of the image, equidistant; float64.
    """

    supports: Tensor
    means: Tensor

    def __init__(self, supports: Tensor, means: Tensor, precision: float):
        super().__init__()
        spacing = float(means[1] - means[0])
        self.precision = precision
        self.table = (float(means[0]) - BEYOND * spacing, spacing / PLACES, (len(means) - 1 + 2 * BEYOND) * PLACES + 1)
        self.register_buffer("supports", supports, persistent=False)
        self.register_buffer("means", means.float(), persistent=False)
        self.filters = nn.Parameter(_cosines(supports))
        self.weights = nn.Parameter(_identity(means, precision).float().repeat(len(supports), 1))  # (F, M)
        self.log_lambda = nn.Parameter(torch.zeros(()))

    def projected(self) -> Tensor:
        """The filters with zero mean and unit norm over their supports, ``(F, h, w)``."""
        filters = self.filters * self.supports
        mean = filters.sum((1, 2), keepdim=True) / self.supports.sum((1, 2), keepdim=True)
        centred = filters - mean * self.supports
        return centred / centred.square().sum((1, 2), keepdim=True).sqrt()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(N, 1, H, W)``, of the image and of the degraded one, to the same."""
        filters = self.projected().to(x.dtype)
        rows, columns = filters.shape[1] - 1, filters.shape[2] - 1
        # convolved, then correlated: each takes its part of the circular continuation off, of x and of the responses
        around = pad(x, (columns, columns, rows, rows), mode="circular")
        responses = conv2d(around, filters.flip(1, 2)[:, None])  # (N, F, H + rows, W + columns)
        shrunk = influence(responses, self.weights, self.means, self.precision, self.table)
        pulled = conv2d(shrunk, filters[None])  # (N, 1, H, W)
        balance, power = self.log_lambda.exp(), power_spectrum(filters, *x.shape[-2:])
        constant = torch.zeros_like(power, dtype=torch.bool)  # the mean, which no filter sees
        constant[0, 0] = True
        observed = rfft2(y)
        solved = (balance * observed + rfft2(pulled)) / (balance + power).masked_fill(constant, 1)
        return irfft2(torch.where(constant, observed, solved), s=x.shape[-2:])


def power_spectrum(filters: Tensor, height: int, width: int) -> Tensor:
    """``Σᵢ |F(fᵢ)|²`` at the non-negative horizontal frequencies of an image: the transform of the autocorrelation.

    In float64, where the device has it: low frequencies are what is left of a filter's coefficients.

    Shape:
        ``(F, h, w)`` to ``(height, width // 2 + 1)``, the image being at least 2h − 1 by 2w − 1.
    """
    precise = filters if filters.device.type == "mps" else filters.double()
    _, rows, columns = filters.shape
    size = (2 * rows - 1, 2 * columns - 1)  # of the autocorrelation
    lags = fftshift(irfft2(rfft2(precise, s=size).abs().square().sum(0), s=size))
    image = pad(lags, (0, width - size[1], 0, height - size[0])).roll((1 - rows, 1 - columns), (0, 1))
    return rfft2(image).real.to(filters.dtype)


def _check(stages: int, sizes: Sequence, means: Sequence[float], precision: float, margin: int) -> None:
    if not 1 <= stages <= DEEPEST:
        raise ValueError(f"model.stages must be from 1 to {DEEPEST}, and it is {stages}")
    if not sizes or any(len(size) != 2 or min(size) < 1 or max(size) < 2 for size in sizes):
        raise ValueError(
            f"model.kernel_size must be at least 2, or [height, width] of each filter, and it is {list(sizes)}"
        )
    if not max(side for size in sizes for side in size) - 1 <= margin <= WIDEST_MARGIN:
        limits = f"at least the largest filter's side less 1, and at most {WIDEST_MARGIN}"
        raise ValueError(f"model.margin must be {limits}, and it is {margin}")
    if len(means) != 3 or means[1] <= 0 or not 2 <= means[2] <= MOST_GAUSSIANS or precision <= 0:
        raise ValueError(
            f"model.means must be a first level, a spacing above 0 and a number from 2 to {MOST_GAUSSIANS}, and "
            f"model.precision above 0, and they are {list(means)} and {precision}"
        )


def _supports(sizes: Sequence[Sequence[int]]) -> Tensor:
    height, width = (max(sides) for sides in zip(*sizes, strict=True))
    supports = torch.zeros(len(sizes), height, width)
    for support, (rows, columns) in zip(supports, sizes, strict=True):
        support[:rows, :columns] = 1
    return supports


def _cosines(supports: Tensor) -> Tensor:
    """Atoms of the DCT but for the constant one, in turn for the filters of each size, ``(F, h, w)``."""
    filters, taken = torch.zeros_like(supports), Counter[tuple[int, int]]()
    for filter_, support in zip(filters, supports, strict=True):
        height, width = size = int(support[:, 0].sum()), int(support[0].sum())
        row, column = divmod(taken[size] % (height * width - 1) + 1, width)
        taken[size] += 1
        filter_[:height, :width] = torch.outer(dct_matrix(height)[row], dct_matrix(width)[column])
    return filters


def _identity(means: Tensor, precision: float) -> Tensor:
    """Weights with which ``φ(v) = v`` at the means."""
    gaussians = torch.exp(-precision / 2 * (means - means[:, None]).square())
    return torch.linalg.pinv(gaussians, hermitian=True) @ means


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """λ ``(S,)``, filters and structures of the functions ``(F, S)`` of a file's ``model``."""
    content: dict[str, Any] = matlab.read(path, ["model"])
    if "model" not in content:
        raise ValueError("there is no model in it")
    model = content["model"]
    missing = [name for name in ("lambda", "f", "shrink") if name not in (model.dtype.names or ())]
    if missing:
        raise ValueError(f"its model has no {missing[0]}")
    if "is_deblurring" in model.dtype.names and model["is_deblurring"][0, 0].any():
        raise ValueError("its model deblurs, and is told the kernel")
    balances, filters, functions = (model[name][0, 0] for name in ("lambda", "f", "shrink"))
    if filters.shape != functions.shape or filters.shape[1] != balances.size:
        shapes = f"{balances.size} stages, {filters.shape} and {functions.shape}"
        raise ValueError(f"lambda, f and shrink are of different stages or filters: {shapes}")
    if not (balances > 0).all():
        raise ValueError("lambda is not above 0 in every stage")
    if any(filters[index, 0].shape != each.shape for index, row in enumerate(filters) for each in row):
        raise ValueError("its stages have filters of different sizes")
    return balances.ravel(), filters, functions


def _basis(functions: np.ndarray) -> tuple[tuple[float, float, int], float]:
    """First mean, spacing and number of means, and the precision, which all functions have in common."""
    means, precision = (_float64(functions[0, 0][name]).flatten() for name in ("means", "precision"))
    for name in ("means", "precision"):
        if any(not np.array_equal(each[name], functions[0, 0][name]) for each in functions.flat):
            raise ValueError(f"its functions differ in their {name}")
    spacings = means.diff()
    if len(precision) != 1 or not torch.allclose(spacings, spacings[:1]):
        raise ValueError("its functions have no one precision, or means that are not equidistant")
    return (means[0].item(), spacings[0].item(), len(means)), precision.item()


def _float64(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float64))  # MATLAB saves whole numbers as integers
