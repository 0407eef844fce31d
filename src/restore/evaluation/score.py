"""One test image through degradation, network and metrics: the path of validation, test and `restore.evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import torch
from torch import Tensor

from restore.conditions import Network, Pair
from restore.data.datasets import Images, WholeImage
from restore.evaluation import metrics as functions
from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol, Setting

STANDING_FOR_SSIM = {"ssim": functions.ssim, "ssim_reflect": functions.ssim_reflect}


@dataclass(frozen=True)
class Score:
    """A metric of one restored image, and where it belongs.

    Attributes:
        index: the image's place in its set.
        fingerprint: of the test pair (see `fingerprint`).
        metric: the metric's label.
        value, value_input: of the restored image, and of the degraded one that it was made from.
    """

    protocol: str
    dataset: str
    setting: str
    family: str
    image: str
    index: int
    channels: int
    fingerprint: str
    metric: str
    value: float
    value_input: float


@dataclass(frozen=True)
class Restoration:
    """A test pair, ``(1, C, H, W)`` each, what a network made of it, and the scores."""

    pair: Pair
    restored: Tensor
    scores: tuple[Score, ...] = ()


def restore_pair(
    network: Network, image: WholeImage, protocol: Protocol, setting: Setting, precision: str = "32"
) -> Restoration:
    """Make a test pair and restore it, without scores.

    Args:
        precision: ``32`` computes in float32, even inside a mixed-precision trainer; ``bf16-mixed``
            under bfloat16 autocast.
    """
    with autocast("cpu", "32"):  # where pairs are made: a mixed-precision trainer's would round blurs and resizings
        pair = protocol.pair(image.levels, setting, image.name, image.degraded)
    with torch.no_grad(), autocast(pair.clean.device.type, precision):
        restored = protocol.restore(network, pair, setting)
    return Restoration(pair, restored)


def score_image(
    network: Network,
    image: WholeImage,
    protocol: Protocol,
    setting: Setting,
    metrics: Sequence[Metric],
    precision: str = "32",
) -> Restoration:
    """Make a test pair, restore it, and score it by the metrics that are defined for it."""
    restoration = restore_pair(network, image, protocol, setting, precision)
    pair = restoration.pair
    before = measure(pair.degraded, pair.clean, protocol, setting, metrics)
    after = measure(restoration.restored, pair.clean, protocol, setting, metrics)
    place = (protocol.recorded_name(network, setting), image.dataset, setting.name, setting.family, image.name)
    known = (image.index, pair.clean.shape[1], fingerprint(pair))
    scores = (Score(*place, *known, label, value, before.get(label, nan)) for label, value in after.items())
    return replace(restoration, scores=tuple(scores))


def measure(
    image: Tensor, clean: Tensor, protocol: Protocol, setting: Setting, metrics: Sequence[Metric]
) -> dict[str, float]:
    """Values by the metrics' labels, on the pixels that the protocol compares; without those that are not defined."""
    values = {}
    restored, target = (protocol.compared(each, setting) for each in (image, clean))
    for metric in metrics:
        if metric.name == "ssim":
            metric = replace(metric, function=STANDING_FOR_SSIM[protocol.of(setting.family).ssim])
        value = metric(restored, target, family=setting.family)
        if value is not None:
            values[metric.label] = value
    return values


def score_set(
    network: Network,
    images: Images,
    protocol: Protocol,
    setting: Setting,
    metrics: Sequence[Metric],
    precision: str = "32",
    device: torch.device | str = "cpu",
    keep: Callable[[Restoration], None] | None = None,
) -> Iterator[Score]:
    """`score_image` of every image of a set, on one device.

    Args:
        keep: called with every restored image, to draw it.
    """
    for index, levels in enumerate(images.images):
        states = (levels, *images.partners[index : index + 1])
        image = WholeImage(images.name, images.names[index], index, *(state[None].to(device) for state in states))
        restoration = score_image(network, image, protocol, setting, metrics, precision)
        if keep is not None:
            keep(restoration)
        yield from restoration.scores


def autocast(device: str, precision: str) -> AbstractContextManager:
    return torch.autocast(device, torch.bfloat16, enabled=precision.startswith("bf16"))


def sort_scores(scores: Sequence[Score], datasets: Sequence[str]) -> list[Score]:
    """Scores by set, protocol, setting and image, whatever order or rank they came in."""
    settings = list(dict.fromkeys(score.setting for score in sorted(scores, key=lambda s: s.index)))
    protocols = list(dict.fromkeys(score.protocol for score in scores))
    return sorted(
        scores,
        key=lambda s: (datasets.index(s.dataset), protocols.index(s.protocol), settings.index(s.setting), s.index),
    )


# -- did two people restore the same image? --------------------------------------------------------


def fingerprint(pair: Pair) -> str:
    """Mean and deviation of ``degraded − clean`` and three fixed ± projections of ``degraded``, in units of [0, 1].

    Two builds of the same libraries differ by a last bit here and there, so a hash would not survive
    where these five numbers agree within 1e-5. The projections are of the degraded image itself: a
    published stream of noise is the same for all images of one size.
    """
    degraded, clean = (image.double().cpu().flatten().numpy() for image in (pair.degraded, pair.clean))
    residual = degraded - clean
    numbers = [residual.mean(), residual.std(), *((signs * degraded).mean() for signs in _signs(degraded.size))]
    return " ".join(f"{number:+.6f}" for number in numbers)


def _signs(size: int) -> Iterator[np.ndarray]:
    """Three fixed sequences of ±1, from the bits of a generator whose stream NumPy keeps."""
    for key in range(3):
        words = np.random.Philox(key=key).random_raw(-(-size // 64))
        bits = np.unpackbits(np.ascontiguousarray(words).astype("<u8").view(np.uint8))[:size]
        yield 2.0 * bits - 1


def same_fingerprint(one: str, other: str) -> bool:
    """Whether two fingerprints are of the same pair, within what builds of the libraries differ by."""
    pairs = zip(one.split(), other.split(), strict=True)
    return all(abs(float(a) - float(b)) <= 1e-5 for a, b in pairs)
