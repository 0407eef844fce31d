"""TNRD: a few steps of a diffusion whose filters and influence functions are trained, step by step.

Y. Chen, T. Pock, "Trainable Nonlinear Reaction Diffusion: A Flexible Framework for Fast and Effective Image
Restoration", IEEE TPAMI 2017, arXiv 1508.02848.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, normalize

from restore.bounds import Count, Positive
from restore.dct import LUMA, block_dct, dct_matrix, inverse_block_dct, quantisation_table, whole_blocks
from restore.image import LEVELS, to_unit
from restore.models import matlab
from restore.models.layers import DEEPEST, check
from restore.models.radial_basis import MOST_GAUSSIANS, full_precision, influence
from restore.resize import down_up

Reaction = Callable[[Tensor, Tensor, Tensor], Tensor]  # diffused, the step's input, p: the step's output
CONDITIONS = {"noise": (), "sr": ("scale",), "jpeg": ("quality",)}
STARTS = {"noise": 0.1, "sr": 4.0}  # of p
BELIEF = 0.4  # how far a coefficient may move from a JPEG file's, in steps of its quantisation: the authors' value


class TNRD(nn.Module):
    """``u_t = u_{t−1} − Σ_i k_iᵀ ∗ φ_i(k_i ∗ u_{t−1}) − reaction(u_{t−1})`` for t = 1 … `stages`, u in levels 0..255.

    Every step has filters k_i, functions φ_i and a weight p of its own. A filter is a sum of the k² − 1 orthonormal
    DCT atoms that have no mean, divided by its norm; k ∗ is a correlation, kᵀ the filter turned by 180°; a
    function is a sum of Gaussians (`restore.models.radial_basis.influence`). The image is mirrored at its
    border, the outermost pixel repeated, anew in every step. With f the degraded image the data terms are

    - ``noise``: u_0 = f, reaction p (u − f), nothing clipped.
    - ``sr``: u_0 = f, reaction p / s² · up(down(u) − low), then clipped to 0..255. Enlarging is linear and f is
      up(low), so that it is up(down(u)) − f, and the low-resolution image is not needed, only the factor s.
    - ``jpeg``: no p. The file's DCT coefficients are those of f, rounded to whole steps Q of the table of
      its quality; u_0 is what they decode to, in float. After the diffusion each coefficient of u is clipped to the
      file's ± 0.4 Q, and the image to 0..255.

    Args:
        channels: image channels; each is restored by itself, with the same filters.
        stages: steps.
        kernel_size: k, odd, at least 3; there are k² − 1 filters a step.
        basis: Gaussians a function.
        spacing: levels between two Gaussians, and their standard deviation; the table of each function goes on
            for 10 levels beyond them, in steps of spacing / 50. The authors' is 10, but 12.5 at sigma 50.
        data_term: ``noise``, ``sr`` or ``jpeg``; the last is of gray images alone.

    Attributes:
        conditions: what it is told: nothing, the ``scale``, or the ``quality``.
        not_in_file: the arguments that an authors' file does not tell.
        aligned: whether training patches have to begin where a block of JPEG or a sample of the low-resolution
            image does; they end there too if their size is a multiple of 8, or of the scale.
        coefficients: of the atoms, ``(stages, k² − 1, k² − 1)``, vertical frequency running fastest.
        weights: of the Gaussians, ``(stages, k² − 1, basis)``.
        log_reaction: log p, ``(stages,)``; None for ``jpeg``.

    Shape:
        ``(N, C, H, W)`` in [0, 1], scale or quality ``(N,)``, to ``(N, C, H, W)``. Computed in float32, under
        autocast too: a function of responses in levels, sampled every 0.2, means nothing in bfloat16.

    Raises:
        ValueError: an argument is out of its range.

    Start: the atoms themselves as filters, p = 0.1 (``sr``: 4), and functions fitted to
    ``0.8 / (k² stages) · v / (1 + (v / 20)²)``, a small step that leaves large responses alone.

    Deviations: the steps are trained together from there, by the optimiser of the run; the authors' files are of a
    joint training too, from a start and by an optimiser of theirs. JPEG's coefficients are recovered from the decoded
    image, whose first block begins in its upper left corner. In whole blocks that is exact but where many pixels were
    clipped (1 image of LIVE1 in 29 at quality 10, by 0.0003 dB); in a block that the image's side cuts through it is
    not: over LIVE1, of whose images 6 have such sides, 29.143 dB in place of 29.148, on one of them 0.057 less.
    Continue an image to whole blocks before it is encoded, and crop what is restored, to be rid of it.
    Images that begin inside a block, or that are turned, have other blocks or another table than it assumes: training
    patches are asked to begin with one (`aligned`).
    """

    def __init__(
        self,
        channels: Count = 1,
        stages: Count = 5,
        kernel_size: Count = 7,
        basis: Count = 63,
        spacing: Positive = 10.0,
        data_term: Literal["noise", "jpeg", "sr"] = "noise",
    ):
        super().__init__()
        check(kernel_size=kernel_size)
        if kernel_size < 3 or not 1 <= stages <= DEEPEST or not 2 <= basis <= MOST_GAUSSIANS or not spacing > 0:
            raise ValueError(
                f"model.kernel_size must be at least 3, model.stages from 1 to {DEEPEST}, model.basis from 2 to "
                f"{MOST_GAUSSIANS}, and model.spacing above 0: they are {kernel_size}, {stages}, {basis} and {spacing}"
            )
        if data_term not in CONDITIONS:
            raise ValueError(f"model.data_term must be one of {', '.join(CONDITIONS)}, and it is '{data_term}'")
        if data_term == "jpeg" and channels != 1:
            raise ValueError(f"model.data_term=jpeg is of gray images, and model.channels is {channels}")
        self.channels, self.data_term, self.conditions = channels, data_term, CONDITIONS[data_term]
        self.not_in_file = {"data_term": data_term}
        self.aligned = data_term != "noise"
        outermost = spacing * (basis - 1) / 2
        means = torch.linspace(-outermost, outermost, basis)
        ends = torch.tensor([-outermost - 10, outermost + 10])
        self.diffusion = Diffusion(kernel_size, means, spacing**-2, ends, round(100 * (outermost + 10) / spacing) + 1)
        filters = kernel_size**2 - 1
        self.coefficients = nn.Parameter(torch.eye(filters).repeat(stages, 1, 1))
        strength = 0.8 / (kernel_size**2 * stages)
        start = self.diffusion.fit(lambda v: strength * v / (1 + (v / 20) ** 2))
        self.weights = nn.Parameter(start.repeat(stages, filters, 1))
        self.log_reaction: nn.Parameter | None = None
        if data_term in STARTS:
            self.log_reaction = nn.Parameter(torch.full((stages,), STARTS[data_term]).log())

    @classmethod
    def from_file(cls, path: Path, data_term: Literal["noise", "jpeg", "sr"] | None = None) -> Self:
        """The network of an authors' MATLAB file, all of its sizes, places of the Gaussians and tables from there.

        A column of ``cof`` is a step: coefficients filter after filter, log p, weights filter after filter; ``MFS``
        has the Gaussians' means and precision and the table's places. A file of denoising or super-resolution has p,
        and which of the two it is it does not say; one of JPEG has none.

        Args:
            data_term: as of the network; None for what the file may be, ``noise`` where it has p.

        Raises:
            ValueError: the file is no such network, or not one of this data term.
        """
        steps, means, precision, places = _read(path)
        count = means.numel()
        for kernel_size in range(3, 32, 2):
            filters = kernel_size**2 - 1
            extra = steps.shape[1] - filters * (filters + count)
            if extra in (0, 1):
                break
        else:
            raise ValueError(f"{path} has steps of {steps.shape[1]} numbers, which are no filters of one size")
        data_term = data_term or ("noise" if extra else "jpeg")
        if (data_term in STARTS) != bool(extra):
            has = "has reaction weights" if extra else "has no reaction weights"
            raise ValueError(f"{path} {has}, so it is not of data_term={data_term}")
        network = cls(1, len(steps), kernel_size, count, data_term=data_term)
        network.diffusion = Diffusion(kernel_size, means, precision, places[[0, -1]], len(places))
        coefficients, reaction, weights = steps.split([filters**2, extra, filters * count], dim=1)
        with torch.no_grad():
            network.coefficients.copy_(coefficients.view_as(network.coefficients))
            network.weights.copy_(weights.view_as(network.weights))
            if network.log_reaction is not None:
                network.log_reaction.copy_(reaction[:, 0])
        return network

    def forward(self, degraded: Tensor, scale: Tensor | None = None, quality: Tensor | None = None) -> Tensor:
        with full_precision(degraded):
            f = degraded.float().flatten(0, 1)[:, None] * LEVELS  # (N C, 1, H, W)
            u, reaction = self._data_term(f, scale, quality)
            none = f.new_zeros(self.weights.shape[0])  # jpeg's reaction has no weight
            steps = none if self.log_reaction is None else self.log_reaction.float().exp()
            for filters, weights, p in zip(self.filters(), self.weights, steps, strict=True):
                u = reaction(u - self.diffusion(u, filters, weights), u, p)
            restored = u[..., : degraded.shape[-2], : degraded.shape[-1]]
            return to_unit(restored).view_as(degraded).to(degraded.dtype)

    def filters(self) -> Tensor:
        """All filters, ``(stages, k² − 1, 1, k, k)``, of norm 1 and mean 0."""
        filters = normalize(self.coefficients.float() @ self.diffusion.atoms, dim=2)
        return filters.unflatten(2, (1, self.diffusion.kernel_size, self.diffusion.kernel_size))

    def _data_term(self, f: Tensor, scale: Tensor | None, quality: Tensor | None) -> tuple[Tensor, Reaction]:
        if self.data_term == "jpeg":
            assert quality is not None, "it is told the quality"
            return _towards_coefficients(f, quality)
        if self.data_term == "sr":
            assert scale is not None, "it is told the scale"
            return f, _towards_low_resolution(f, scale.repeat_interleave(self.channels))
        return f, _towards_noisy(f)


class Diffusion(nn.Module):
    """``Σ_i k_iᵀ ∗ φ_i(k_i ∗ u)``, with what all steps have in common: the Gaussians' places, and the atoms.

    Args:
        kernel_size: k.
        means: of the Gaussians, ``(M,)``.
        precision: of each.
        ends: the first and the last place of a function's table, ``(2,)``.
        places: how many there are.

    Shape:
        u ``(N, 1, H, W)``, filters ``(F, 1, k, k)`` and weights ``(F, M)`` to ``(N, 1, H, W)``.
    """

    means: Tensor
    precision: Tensor
    ends: Tensor
    atoms: Tensor  # (k² − 1, k²)

    def __init__(self, kernel_size: int, means: Tensor, precision: float, ends: Tensor, places: int):
        super().__init__()
        self.kernel_size, self.places = kernel_size, places
        for name, values in (("means", means), ("precision", torch.tensor(precision)), ("ends", ends)):
            self.register_buffer(name, values.float())
        self.register_buffer("atoms", _atoms(kernel_size), persistent=False)

    def forward(self, u: Tensor, filters: Tensor, weights: Tensor) -> Tensor:
        height, width = u.shape[-2:]
        responses = conv2d(_mirrored(u, self.kernel_size - 1), filters)  # (N, F, H + k − 1, W + k − 1)
        flow = influence(responses, weights, self.means, self.precision, self._grid())
        # a transposed convolution, cropped to the image
        windows = filters.flatten(1).T @ flow.flatten(2)  # (N, k², ...)
        return fold(windows, (height, width), self.kernel_size, padding=self.kernel_size - 1)

    def fit(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Weights ``(M,)`` with which the Gaussians sum to a function at their means."""
        means = self.means.double()
        gaussians = torch.exp(-self.precision.double() / 2 * (means - means[:, None]).square())
        return torch.linalg.solve(gaussians, function(means)).float()

    def _grid(self) -> Tensor:
        steps = torch.arange(self.places, device=self.ends.device) / (self.places - 1)
        return torch.lerp(self.ends[0], self.ends[1], steps)


def _atoms(size: int) -> Tensor:
    """The orthonormal DCT's atoms but for the constant one, ``(size² − 1, size²)``, vertical frequency fastest."""
    waves = dct_matrix(size)  # (frequency, pixel)
    return torch.einsum("vy,hx->hvyx", waves, waves).reshape(size**2, size**2)[1:].float()


def _mirrored(u: Tensor, margin: int) -> Tensor:
    """An image continued on every side by its mirror image, the outermost pixel repeated: … 1 0 | 0 1 2 …"""
    for axis in (2, 3):
        size = u.shape[axis]
        source = torch.arange(-margin, size + margin, device=u.device).remainder(2 * size)
        u = u.index_select(axis, torch.where(source < size, source, 2 * size - 1 - source))
    return u


def _towards_noisy(f: Tensor) -> Reaction:
    """The reaction of denoising."""

    def react(diffused: Tensor, u: Tensor, p: Tensor) -> Tensor:
        return diffused - p * (u - f)

    return react


def _towards_low_resolution(f: Tensor, scales: Tensor) -> Reaction:
    """The reaction of super-resolution, factors ``(N,)``."""
    factors, squares = scales.round().long(), scales.square().view(-1, 1, 1, 1)

    def react(diffused: Tensor, u: Tensor, p: Tensor) -> Tensor:
        return (diffused - p / squares * (down_up(u, factors) - f)).clamp(0, LEVELS)

    return react


def _towards_coefficients(f: Tensor, quality: Tensor) -> tuple[Tensor, Reaction]:
    """The start and the reaction of JPEG deblocking, qualities ``(N,)``."""
    f = whole_blocks(f)
    sides = f.shape[-2:]
    step = quantisation_table(LUMA, quality)[:, None]  # (N, 1, 64)
    coefficients = (block_dct(f - 128) / step).round() * step

    def decoded(values: Tensor) -> Tensor:
        return (inverse_block_dct(values, *sides) + 128).clamp(0, LEVELS)

    def react(diffused: Tensor, u: Tensor, p: Tensor) -> Tensor:
        return decoded(block_dct(diffused - 128).clamp(coefficients - BELIEF * step, coefficients + BELIEF * step))

    return decoded(coefficients), react


def _read(path: Path) -> tuple[Tensor, Tensor, float, Tensor]:
    """Of an authors' file: a row of numbers a step, means and precision of the Gaussians, places of the table."""
    try:
        content = matlab.read(path, ["cof", "MFS"])
        steps = np.ascontiguousarray(content["cof"].T, dtype=np.float64)
        gaussians = {name: content["MFS"][name][0, 0].astype(np.float64) for name in ("means", "precision", "D")}
        means, precision, places = (torch.from_numpy(values.ravel()) for values in gaussians.values())
        return torch.from_numpy(steps), means, precision.item(), places
    except Exception as error:  # scipy's own, and arrays that are not where they should be
        raise ValueError(f"{path} is not a TNRD network that can be read ({error})") from error
