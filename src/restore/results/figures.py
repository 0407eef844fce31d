"""Pictures of a run: the sheet of restored images, and feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from restore import atomic
from restore.conditions import Pair, apply_network
from restore.errors import RequestError, unknown_name
from restore.evaluation.score import Restoration
from restore.results.crops import detailed_square, pixels
from restore.results.curves import metric_over_training, validated_metrics
from restore.results.grid import without_seed
from restore.results.panels import stack, write
from restore.results.pyplot import pyplot
from restore.results.quantities import quantity

INSET = 0.4  # share of a picture's width that its zoomed crop takes
MAPS = "maps.png"  # of a run's folder, and of a sweep's
CONTRAST = (0.5, 99.5)  # percentiles of a feature map that are black and white
ERROR_SCALE = 4  # the error column shows this multiple of |restored − clean|


@dataclass
class Picture:
    """A test pair and what was made of it, ``(1, C, H, W)`` each, on the CPU.

    Attributes:
        title_input, title: value of the degraded and of the restored image, ``30.12 dB``.
    """

    name: str
    pair: Pair
    restored: Tensor
    title_input: str = ""
    title: str = ""


class Gallery:
    """Keeps the first tested images of the first set, setting and protocol, to be drawn."""

    def __init__(self, size: int = 3):
        self.size = size
        self.place: tuple[str, str, str] | None = None
        self.pictures: list[Picture] = []

    def keep(self, restoration: Restoration) -> None:
        """Take a restored image, with its value by the first metric."""
        if not restoration.scores:
            return
        score = restoration.scores[0]
        place = (score.protocol, score.dataset, score.setting)
        self.place = self.place or place
        if place == self.place and len(self.pictures) < self.size:
            known = quantity(score.metric)
            values = (known.caption(value) for value in (score.value_input, score.value))
            pair, restored = restoration.pair.to(torch.device("cpu")), restoration.restored.cpu()
            self.pictures.append(Picture(score.image, pair, restored, *values))


def draw(folder: Path, gallery: Gallery, title: str) -> list[Path]:
    """The picture sheet and the first validated metric over training, where there is something to draw."""
    drawn = []
    if gallery.pictures:
        drawn.append(folder / "sheet.png")
        sheet(gallery.pictures, f"{title}; {', '.join(gallery.place)}", drawn[-1])
    history = folder / "history.csv"
    for metric in validated_metrics(history)[:1]:  # the one that chose the best checkpoint
        drawn.append(folder / f"{quantity(metric).name}.png")
        metric_over_training(history, metric, title, drawn[-1])
    return drawn


# -- test images -----------------------------------------------------------------------------------


def sheet(pictures: Sequence[Picture], title: str, path: Path) -> None:
    """Clean | degraded | restored | error, a row per image, each with a zoomed crop in its corner.

    The crop is the most detailed square of the clean image, so that the zoom shows texture and edges.
    """
    plt = pyplot()
    rows = len(pictures)
    ratios = [p.restored.shape[2] / p.restored.shape[3] for p in pictures]
    size = (12, 3 * sum(ratios) + 0.25 * rows + 0.4)
    figure, axes = plt.subplots(rows, 4, figsize=size, squeeze=False, layout="constrained", height_ratios=ratios)
    for line, picture in zip(axes, pictures, strict=True):
        degraded, clean = picture.pair.degraded, picture.pair.clean
        error = (picture.restored - clean).abs() * ERROR_SCALE
        top, left, side = detailed_square(clean, max(16, min(clean.shape[-2:]) // 7), shown=1 - INSET)
        labels = (
            picture.name,
            f"degraded {picture.title_input}",
            f"restored {picture.title}",
            f"{ERROR_SCALE} × |restored − clean|",
        )
        states = (clean, degraded, picture.restored, error)
        for axis, image, label in zip(line, states, labels, strict=True):
            shown = pixels(image)
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="none")
            axis.set_title(label, fontsize=9)
            axis.set_axis_off()
            zoom = axis.inset_axes((1 - INSET, 0.0, INSET, INSET * shown.shape[1] / shown.shape[0]))
            crop = shown[top : top + side, left : left + side]
            zoom.imshow(crop, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            zoom.set(xticks=[], yticks=[])
            for spine in zoom.spines.values():
                spine.set_color("#ffd54a")
            axis.add_patch(plt.Rectangle((left, top), side, side, fill=False, edgecolor="#ffd54a", linewidth=1))
    figure.suptitle(title, fontsize=10)
    kind, how = ("jpeg", {"quality": 90}) if path.suffix == ".jpg" else ("png", {"optimize": True})
    with atomic.replacing(path) as partial:
        figure.savefig(partial, dpi=110, format=kind, pil_kwargs=how)
    plt.close(figure)


# -- feature maps ----------------------------------------------------------------------------------


def layers_of(feature_maps: Sequence[str] | Mapping[str, Sequence[str]] | None, model: str) -> list[str]:
    """The layers to draw of a model: ``feature_maps`` is a list for whatever is trained, or a list by model name.

    Raises:
        RequestError: lists by model name, and none for this one.
    """
    if not isinstance(feature_maps, Mapping):
        return list(feature_maps or ())
    if feature_maps and model not in feature_maps:
        raise RequestError(f"feature_maps has layers of {', '.join(feature_maps)}, and none of model={model}")
    return list(feature_maps.get(model, ()))


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
    """What layers make of one degraded image (RED-Net, Fig. 3): a row each of the `count` liveliest maps after ReLU.

    The last layer, which no ReLU follows, has one map a channel of the image. Every map has a scale of gray of its own.
    """
    plt = pyplot()
    maps_by_layer: dict[str, Tensor] = {}
    named_layers = layers(network, names)
    hooks = [
        layer.register_forward_hook(
            lambda _, __, output, name=name: maps_by_layer.update({name: output[0].float().cpu()})
        )
        for name, layer in named_layers.items()
    ]
    device = next(network.parameters()).device
    pair = picture.pair.to(device)
    with torch.no_grad():
        apply_network(network, pair.degraded, pair.conditions)
    for hook in hooks:
        hook.remove()
    height, width = picture.restored.shape[-2:]
    size = (1.6 * count, 1.6 * height / width * len(named_layers) + 0.5)
    figure, axes = plt.subplots(len(named_layers), count, figsize=size, squeeze=False, layout="constrained")
    for line, (name, maps) in zip(axes, maps_by_layer.items(), strict=True):
        maps = maps.relu() if len(maps) > picture.restored.shape[1] else maps
        order = maps.flatten(1).std(dim=1).argsort(descending=True)[:count]
        for axis in line:
            axis.set_axis_off()
        for axis, number in zip(line, order.tolist(), strict=False):
            low, high = np.percentile(maps[number].numpy(), CONTRAST)
            axis.imshow(maps[number].numpy(), cmap="gray", vmin=low, vmax=high)
            axis.set_title(f"{name} map {number}", fontsize=7)
    figure.suptitle(f"{title}: {picture.name}", fontsize=9)
    with atomic.replacing(path) as partial:
        figure.savefig(partial, dpi=110, format="png", pil_kwargs={"optimize": True})
    plt.close(figure)


def stack_maps(jobs: Sequence[Path], out: Path) -> Path | None:
    """Draw ``maps.png``: the feature maps of a sweep's networks under each other, of several seeds the first's.

    RED-Net's Fig. 3 has two networks so.

    Args:
        jobs: folders of runs, of which some have a ``maps.png`` of their own.
        out: the folder that the picture goes to, another than those.
    """
    files: dict[str, Path] = {}
    for job in jobs:
        if (job / MAPS).is_file():
            files.setdefault(without_seed(job.name), job / MAPS)
    if not files or out / MAPS in files.values():
        return None
    pictures = []
    for file in files.values():
        with Image.open(file) as picture:
            pictures.append(picture.convert("L"))
    stacked = stack(pictures)
    return write(lambda size: ImageOps.scale(stacked, size), out / MAPS)
