"""One test image through degradation, network and scores: the path of validation, test and `restore.evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from restore.data.datamodule import WholeImage
from restore.data.datasets import Images
from restore.evaluation.protocol import Protocol, Setting


@dataclass(frozen=True)
class Score:
    """One restored image: where it belongs, and its scores (PSNR in dB, Wang's SSIM)."""

    protocol: str
    dataset: str
    setting: str
    image: str
    index: int
    channels: int
    psnr: float
    ssim: float
    psnr_input: float
    ssim_input: float

    def row(self) -> dict:
        """The columns of ``results.csv`` that a score fills."""
        return {key: value for key, value in asdict(self).items() if key != "index"}


def score_image(
    network: Callable[[Tensor], Tensor], image: WholeImage, protocol: Protocol, setting: Setting, precision: str = "32"
) -> tuple[Tensor, Tensor, Tensor, Score]:
    """Make a test pair, restore it and score it.

    Args:
        precision: ``32`` computes in float32, even inside a mixed-precision trainer; ``bf16-mixed``
            under bfloat16 autocast.

    Returns:
        Degraded, restored and clean image, ``(1, C, H, W)`` each, and the score.
    """
    degraded, clean = protocol.pair(image.levels, setting, image.name, image.degraded)
    if getattr(network, "needs_mask", False):  # a classical method that is given the mask, upright
        network.mask, protocol = (degraded != clean).any(dim=1), replace(protocol, ensemble=False)
    with torch.no_grad(), autocast(clean.device.type, precision):
        restored = protocol.restore(network, degraded, setting)
    where = (protocol.name, image.dataset, setting.name, image.name, image.index, clean.shape[1])
    scores = (*protocol.score(restored, clean, setting), *protocol.score(degraded, clean, setting))
    return degraded, restored, clean, Score(*where, *scores)


def score_set(
    network: Callable[[Tensor], Tensor],
    images: Images,
    protocol: Protocol,
    setting: Setting,
    precision: str = "32",
    device: torch.device | str = "cpu",
) -> Iterator[Score]:
    """`examine` every image of a set, on one device."""
    for index, levels in enumerate(images.images):
        states = (levels, *images.partners[index : index + 1])
        image = WholeImage(images.name, images.names[index], index, *(state[None].to(device) for state in states))
        yield score_image(network, image, protocol, setting, precision)[3]


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
