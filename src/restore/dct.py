"""The discrete cosine transform of blocks, and the tables by which JPEG quantises it."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sqrt

import torch
from torch import Tensor
from torch.nn.functional import pad

# ITU-T T.81 Annex K, tables K.1 and K.2, row by row
LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *([99] * 32),
)
SIDE = 8  # of JPEG's blocks, in pixels


def dct_matrix(size: int) -> Tensor:
    """The orthonormal DCT-II, ``C[k, n] = √((1 or 2) / size) cos(π (2 n + 1) k / (2 size))``, 1 where k is 0.

    Shape:
        ``(size, size)``, float64: ``C @ x`` transforms, ``C.T @ y`` transforms back, row k is the wave of frequency k.
    """
    rows = [
        [sqrt((1 if k == 0 else 2) / size) * cos(pi * (2 * n + 1) * k / (2 * size)) for n in range(size)]
        for k in range(size)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def quantisation_table(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """libjpeg's table for each quality: ``⌊(base · scale + 50) / 100⌋`` limited to 1..255.

    The scale is ⌊5000 / quality⌋ below 50, else 200 − 2 quality.

    Args:
        base: `LUMA` or `CHROMA`.
        quality: libjpeg's, 1 to 100.

    Shape:
        ``(N,)`` to ``(N, 64)``, row by row, float32.
    """
    scale = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    return ((_tables(quality.device)[0 if base is LUMA else 1] * scale[:, None] + 50) / 100).floor().clamp(1, 255)


def whole_blocks(planes: Tensor) -> Tensor:
    """Planes ``(N, 1, H, W)`` continued to whole blocks by their last row and column, as libjpeg does."""
    height, width = planes.shape[-2:]
    return pad(planes, (0, -width % SIDE, 0, -height % SIDE), mode="replicate")


def block_dct(planes: Tensor) -> Tensor:
    """Coefficients ``(N, blocks, 64)`` of planes ``(N, 1, H, W)`` of whole blocks, row by row, float32."""
    n, _, height, width = planes.shape
    blocks = planes.reshape(n, height // SIDE, SIDE, width // SIDE, SIDE).transpose(2, 3)
    return blocks.reshape(n, -1, SIDE * SIDE) @ _transform(planes.device).T


def inverse_block_dct(coefficients: Tensor, height: int, width: int) -> Tensor:
    """Planes ``(N, 1, height, width)`` of the coefficients of their blocks: undoes `block_dct`."""
    blocks = coefficients @ _transform(coefficients.device)
    blocks = blocks.view(-1, height // SIDE, width // SIDE, SIDE, SIDE).transpose(2, 3)
    return blocks.reshape(-1, 1, height, width)


@lru_cache(maxsize=8)
def _transform(device: torch.device) -> Tensor:
    """The transform of a flattened block as one matrix, ``(64, 64)``."""
    matrix = dct_matrix(SIDE)
    return torch.kron(matrix, matrix).float().to(device)


@lru_cache(maxsize=8)
def _tables(device: torch.device) -> Tensor:
    """Both tables on a device, ``(2, 64)``."""
    return torch.tensor([LUMA, CHROMA], dtype=torch.float32, device=device)
