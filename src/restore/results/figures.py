"""Pictures of a run: the sheet of restored images and the PSNR over training."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from restore.errors import unknown_name
from restore.image import to_levels

INSET = 0.4  # share of a picture's width that its zoomed crop takes
ERROR_SCALE = 4  # the error column shows this multiple of |restored − clean|


@dataclass
class Picture:
    """A test image in its three states, ``(1, C, H, W)`` each, with its scores."""

    name: str
    clean: Tensor
    degraded: Tensor
    restored: Tensor
    psnr_input: float
    psnr: float


def sheet(pictures: Sequence[Picture], title: str, path: Path) -> None:
    """Clean | degraded | restored | error, a row per image, each with a zoomed crop in its corner.

    The crop is the most detailed square of the clean image, so that the zoom shows texture and edges.
    """
    plt = pyplot()
    rows = len(pictures)
    ratios = [p.clean.shape[2] / p.clean.shape[3] for p in pictures]
    size = (12, 3 * sum(ratios) + 0.25 * rows + 0.4)
    figure, axes = plt.subplots(rows, 4, figsize=size, squeeze=False, layout="constrained", height_ratios=ratios)
    for line, picture in zip(axes, pictures, strict=True):
        error = (picture.restored - picture.clean).abs() * ERROR_SCALE
        top, left, side = _detail(picture.clean)
        labels = (
            picture.name,
            f"degraded {picture.psnr_input:.2f} dB",
            f"restored {picture.psnr:.2f} dB",
            f"{ERROR_SCALE} × |restored − clean|",
        )
        states = (picture.clean, picture.degraded, picture.restored, error)
        for axis, image, label in zip(line, states, labels, strict=True):
            pixels = _pixels(image)
            axis.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="none")
            axis.set_title(label, fontsize=9)
            axis.set_axis_off()
            zoom = axis.inset_axes((1 - INSET, 0.0, INSET, INSET * pixels.shape[1] / pixels.shape[0]))
            crop = pixels[top : top + side, left : left + side]
            zoom.imshow(crop, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            zoom.set(xticks=[], yticks=[])
            for spine in zoom.spines.values():
                spine.set_color("#ffd54a")
            axis.add_patch(plt.Rectangle((left, top), side, side, fill=False, edgecolor="#ffd54a", linewidth=1))
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=110, pil_kwargs={"quality": 90} if path.suffix == ".jpg" else {"optimize": True})
    plt.close(figure)


def psnr_over_training(history: Path, title: str, path: Path, levels: dict[str, float] | None = None) -> None:
    """Validation PSNR against training seconds, with the patches seen along the top.

    Args:
        history: ``history.csv`` of a run folder.
        levels: horizontal lines to compare with, by label, in dB on the same validation images.
    """
    plt = pyplot()
    with history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    seconds, psnr, patches = ([float(row[key]) for row in rows] for key in ("seconds", "val/psnr", "patches"))
    figure, axis = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    axis.plot(seconds, psnr, marker="o", markersize=3, color="#1b6ca8")
    axis.annotate(
        f"{psnr[-1]:.2f} dB", (seconds[-1], psnr[-1]), textcoords="offset points", xytext=(-4, -14), ha="right"
    )
    for label, level in (levels or {}).items():
        axis.axhline(level, color="#888", linewidth=1, linestyle="--")
        axis.text(seconds[-1], level, f"{label} {level:.2f}", ha="right", va="bottom", fontsize=8, color="#555")
    axis.set(xlabel="training time / s", ylabel="validation PSNR / dB", title=title)
    axis.title.set_fontsize(10)
    axis.grid(alpha=0.3)
    if seconds[-1] > 0 and len(seconds) > 1:
        rate = patches[-1] / seconds[-1] / 1000
        top = axis.secondary_xaxis("top", functions=(lambda s: s * rate, lambda p: p / rate))
        top.set_xlabel("thousand patches", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def layers(network: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """A network's layers by the papers' names, ``conv-2`` and ``deconv-3``, counted from 1.

    Raises:
        RequestError: a name that it has no layer for.
    """
    kinds = {"conv": nn.Conv2d, "deconv": nn.ConvTranspose2d}
    every = {
        f"{kind}-{number}": layer
        for kind, of in kinds.items()
        for number, layer in enumerate((module for module in network.modules() if isinstance(module, of)), start=1)
    }
    for name in names:
        if name not in every:
            raise unknown_name("feature_maps", name, every)
    return {name: every[name] for name in names}


def feature_maps(
    network: nn.Module, picture: Picture, names: Sequence[str], title: str, path: Path, count: int = 8
) -> None:
    """What layers make of one degraded image (RED-Net, Fig. 3): a row each of the `count` liveliest maps after ReLU."""
    plt = pyplot()
    seen: dict[str, Tensor] = {}
    chosen = layers(network, names)
    hooks = [
        layer.register_forward_hook(
            lambda _, __, output, name=name: seen.update({name: output[0].float().relu().cpu()})
        )
        for name, layer in chosen.items()
    ]
    device = next(network.parameters()).device
    with torch.no_grad():
        network(picture.degraded.to(device))
    for hook in hooks:
        hook.remove()
    height, width = picture.degraded.shape[-2:]
    size = (1.6 * count, 1.6 * height / width * len(chosen) + 0.5)
    figure, axes = plt.subplots(len(chosen), count, figsize=size, squeeze=False, layout="constrained")
    for line, (name, maps) in zip(axes, seen.items(), strict=True):
        order = maps.flatten(1).std(dim=1).argsort(descending=True)[:count]
        for axis in line:
            axis.set_axis_off()
        for axis, number in zip(line, order.tolist(), strict=False):
            axis.imshow(maps[number].numpy(), cmap="gray")
            axis.set_title(f"{name} map {number}", fontsize=7)
    figure.suptitle(f"{title}: {picture.name}", fontsize=9)
    figure.savefig(path, dpi=110, pil_kwargs={"optimize": True})
    plt.close(figure)


def pyplot():
    import matplotlib  # heavy, and only figures need it

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _pixels(image: Tensor) -> np.ndarray:
    levels = to_levels(image[0].cpu())
    return levels[0].numpy() if levels.shape[0] == 1 else levels.permute(1, 2, 0).numpy()


def _detail(clean: Tensor) -> tuple[int, int, int]:
    """Top, left and side of the square with the finest detail, among those that the inset leaves in sight."""
    gray = clean[0].mean(dim=0).cpu()
    side = min(max(16, min(gray.shape) // 7), *gray.shape)
    detail = torch.nn.functional.pad(
        (4 * gray[1:-1, 1:-1] - gray[:-2, 1:-1] - gray[2:, 1:-1] - gray[1:-1, :-2] - gray[1:-1, 2:]).abs(), (1, 1, 1, 1)
    )
    step = max(1, side // 4)
    windows = detail.unfold(0, side, step).unfold(1, side, step)  # (rows, columns, side, side)
    energy = windows.clamp(max=0.2).mean(dim=(2, 3))  # clamped: texture rather than one hard edge
    covered = 1 - INSET
    rows, columns = (torch.arange(count) * step + side for count in energy.shape)
    hidden = (rows[:, None] > covered * gray.shape[0]) & (columns > covered * gray.shape[1])
    if not hidden.all():
        energy = energy.masked_fill(hidden, -1)
    row, column = divmod(int(energy.flatten().argmax()), energy.shape[1])
    return row * step, column * step, side
