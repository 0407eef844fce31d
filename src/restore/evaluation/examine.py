"""One test image through degradation, network and scores: the path of validation, test and `restore.evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from restore.data.datamodule import WholeImage
from restore.evaluation.protocol import Protocol


@dataclass(frozen=True)
class Setting:
    """One way of corrupting test images: `name` as in the tables (``sigma=25``), its strength and the degradation."""

    name: str
    strength: float | str
    degradation: nn.Module


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


def examine(
    network: Callable[[Tensor], Tensor], image: WholeImage, protocol: Protocol, setting: Setting, precision: str = "32"
) -> tuple[Tensor, Tensor, Score]:
    """Make a test pair, restore it and score it.

    Args:
        precision: ``32`` computes in float32, even inside a mixed-precision trainer; ``bf16-mixed``
            under bfloat16 autocast.

    Returns:
        Degraded and restored image, ``(1, C, H, W)`` each, and the score.
    """
    clean = image.clean
    degraded = protocol.degrade(clean, setting.degradation, image.name, setting.name)
    with torch.no_grad(), autocast(clean.device.type, precision):
        restored = protocol.restore(network, degraded)
    where = (protocol.name, image.dataset, setting.name, image.name, image.index, clean.shape[1])
    return degraded, restored, Score(*where, *protocol.score(restored, clean), *protocol.score(degraded, clean))


def autocast(device: str, precision: str) -> AbstractContextManager:
    return torch.autocast(device, torch.bfloat16, enabled=precision.startswith("bf16"))


def ordered(scores: Sequence[Score], datasets: Sequence[str]) -> list[Score]:
    """Scores by set, protocol, setting and image, whatever order or rank they came in."""
    settings = list(dict.fromkeys(score.setting for score in sorted(scores, key=lambda s: s.index)))
    protocols = list(dict.fromkeys(score.protocol for score in scores))
    return sorted(
        scores,
        key=lambda s: (datasets.index(s.dataset), protocols.index(s.protocol), settings.index(s.setting), s.index),
    )
