"""Convolutions computed pixel by pixel, and the authors' `.mat` files of them, for the tests that read these."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.io import savemat

from restore.conditions import Network
from restore.data.datasets import find, read
from restore.evaluation.metrics import psnr
from restore.evaluation.protocol import Protocol, Setting

Layer = tuple[np.ndarray, np.ndarray]  # taps (row, column, in, out) and biases (out,)


def draw(maps: Sequence[int], sides: Sequence[int], seed: int = 0) -> list[Layer]:
    """Layers of unsymmetric filters, with biases that keep maps from ending in a ReLU."""
    rng = np.random.default_rng(seed)
    pairs = zip(maps[:-1], maps[1:], sides, strict=True)
    return [
        (0.5 * rng.normal(size=(k, k, inside, outside)), 1 + rng.uniform(size=outside)) for inside, outside, k in pairs
    ]


def plainly(layers: Sequence[Layer], image: np.ndarray, mode: str) -> np.ndarray:
    """Correlations with a ReLU between two, each input continued as `np.pad` does, in loops over all pixels."""
    maps = image[..., None]  # (row, column, channel)
    for number, (taps, bias) in enumerate(layers):
        maps = np.maximum(maps, 0) if number else maps
        reach = len(taps) // 2
        padded = np.pad(maps, [(reach, reach), (reach, reach), (0, 0)], mode=mode)
        output = np.zeros((*maps.shape[:2], len(bias)))
        for row, column in np.ndindex(output.shape[:2]):
            window = padded[row : row + len(taps), column : column + len(taps)]
            output[row, column] = np.einsum("rci,rcio->o", window, taps) + bias
        maps = output
    return maps[..., 0]


def write_patches(path: Path, layers: Sequence[Layer], names: Sequence[str]) -> None:
    """SRCNN's and AR-CNN's files: ``(in, k · k, out)``, a patch column by column, axes of length 1 at the ends left out."""
    content = {}
    for name, (taps, bias) in zip(names, layers, strict=True):
        weight = taps.transpose(2, 1, 0, 3).reshape(taps.shape[2], -1, taps.shape[3])  # column after column
        weight = weight[0] if weight.shape[0] == 1 else weight
        content[f"weights_{name}"] = weight[..., 0] if weight.shape[-1] == 1 else weight
        content[f"biases_{name}"] = bias[:, None]
    savemat(path, content)


def write_cells(path: Path, layers: Sequence[Layer]) -> None:
    """VDSR's files: a structure of two cells."""
    cells = {"weight": np.empty((1, len(layers)), object), "bias": np.empty((1, len(layers)), object)}
    for number, (taps, bias) in enumerate(layers):
        cells["weight"][0, number] = (taps[..., 0] if taps.shape[-1] == 1 else taps).astype(np.float32)
        cells["bias"][0, number] = bias[:, None].astype(np.float32)
    savemat(path, {"model": cells})


def mean_psnr(network: Network, root: Path, dataset: str, rules: Protocol, setting: Setting, count: int = 100) -> float:
    """Mean PSNR in dB over the first images of a set under a protocol."""
    images = read(find(dataset, root, 1, training=False), 1, luma="as in file")
    values = []
    for name, levels in list(zip(images.names, images.images, strict=True))[:count]:
        pair = rules.pair(levels[None], setting, name)
        with torch.no_grad():
            restored = rules.restore(network, pair, setting)
        values.append(psnr(*(rules.compared(image, setting) for image in (restored, pair.clean))).item())
    return float(np.mean(values))
