"""The deconvolutions' settings: a grid for each kernel on photographs that are not tested, and the best of it.

`restore.evaluation.deconvolution` has the choice in its table; a test holds it to the record of this grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10
from pathlib import Path

import numpy as np
from torch import Tensor

from restore import atomic
from restore.bench.measure import write_csv
from restore.data import datasets
from restore.degradations.base import TestStream
from restore.degradations.blur import Blur
from restore.evaluation.deconvolution import richardson_lucy, wiener
from restore.image import to_unit
from restore.results.tables import markdown

KERNELS = ("disk", "gaussian", "motion")
GRIDS: dict[str, tuple[Callable[..., np.ndarray], tuple[float, ...]]] = {
    "wiener": (wiener, (2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)),
    "richardson_lucy": (richardson_lucy, (10, 20, 30, 40, 60, 100, 200)),
}
SIDE = 384  # of the middle of each photograph, in pixels

Planes = Sequence[tuple[np.ndarray, np.ndarray]]  # degraded and clean, (H, W, 1) each


def run(folder: Path, repeats: int) -> None:
    """Writes ``tuning.csv`` and ``tuning.md``; nothing in it is timed, so that nothing is repeated."""
    listing = datasets.find("photographs", None, 1, training=True)
    images = datasets.read(listing, 1).images
    rows = [row for kernel in KERNELS for row in grid(kernel, pairs(kernel, images, SIDE))]
    write_csv(folder / "tuning.csv", rows)
    lines = [[*choice.values()] for choice in best(rows)]
    table = markdown(("kernel", "method", "setting", "PSNR of the mean squared error, dB", "of the input"), lines)
    text = (
        f"Deconvolution of {len(images)} of scikit-image's photographs that are not tested, gray, their middle "
        f"{SIDE}×{SIDE}, rounded to 8 bits: of each grid in tuning.csv, the setting of the least mean squared error. "
        "The mean is over the images before the logarithm: in a mean of PSNRs the smooth ones, at 40 dB and more, "
        "would decide."
    )
    atomic.write(folder / "tuning.md", f"{text}\n\n{table}\n")
    print(f"{table}\n\n{folder / 'tuning.md'}")


def pairs(kernel: str, images: Sequence[Tensor], side: int) -> Planes:
    """The middles of gray images ``(1, H, W)``, blurred as RED-Net's Table 10 has it."""
    blur, planes = Blur(kernel), []
    for levels in images:
        top, left = (max(0, (length - side) // 2) for length in levels.shape[-2:])
        clean, stream = to_unit(levels[None, :, top : top + side, left : left + side]), TestStream.seeded(0)
        degraded = blur.exact(clean, blur.draw(1, stream.generator), stream).degraded
        one, other = (image[0].permute(1, 2, 0).double().numpy() for image in (degraded, clean))
        planes.append((one, other))
    return planes


def grid(kernel: str, planes: Planes) -> list[dict]:
    """A row for each method and setting: the mean squared error over the images, and the PSNR that it is."""
    told = Blur(kernel).kernels[0].double().numpy()[::-1, ::-1]  # correlated there, convolved with here
    before = mean_error(planes, lambda degraded: degraded)
    rows = []
    for name, (method, settings) in GRIDS.items():
        for setting in settings:
            error = mean_error(planes, lambda degraded, m=method, s=setting: m(degraded, told, s))
            place = {"kernel": kernel, "method": name, "setting": setting}
            rows.append(place | {"mse": error, "psnr": decibels(error), "psnr_input": decibels(before)})
    return rows


def mean_error(planes: Planes, method: Callable[[np.ndarray], np.ndarray]) -> float:
    return float(np.mean([np.square(method(degraded) - clean).mean() for degraded, clean in planes]))


def decibels(error: float) -> float:
    return -10 * log10(error)


def best(rows: Sequence[dict]) -> list[dict[str, str]]:
    """Of each kernel and method the row of the least error, as a table has it."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["kernel"], row["method"]), []).append(row)
    least = [min(group, key=lambda row: float(row["mse"])) for group in groups.values()]
    return [
        {key: str(row[key]) for key in ("kernel", "method", "setting")}
        | {key: f"{float(row[key]):.2f}" for key in ("psnr", "psnr_input")}
        for row in least
    ]
