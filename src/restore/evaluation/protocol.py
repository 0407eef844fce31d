"""How a test pair is made and how a restored image is scored, under a name that stands beside every number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from restore.evaluation.metrics import psnr, ssim
from restore.evaluation.self_ensemble import self_ensemble
from restore.image import quantise
from restore.request import unknown


@dataclass(frozen=True)
class Protocol:
    """One way of testing; the papers' are in `PROTOCOLS`.

    Attributes:
        name: printed with every figure.
        quantise_degraded: clip and round the degraded image to 8 bits before it is restored.
        quantise_restored: clip and round the restored image to 8 bits before it is scored.
        ensemble: restore by the ×8 self-ensemble.
        border: pixels left out of both scores on every side.
        seed: of the noise: each image and setting has its own generator, on the CPU, seeded by
            (seed, image, setting), so that every device and every network sees the same image.
            Which seed matters little, but not nothing: over seeds 0 to 5 the mean of the authors'
            DnCNN-S on Set12 at sigma 25 is 30.42 dB with a standard deviation of 0.02.
    """

    name: str
    quantise_degraded: bool = False
    quantise_restored: bool = False
    ensemble: bool = False
    border: int = 0
    seed: int = 1

    def degrade(self, clean: Tensor, degradation: nn.Module, image: str, setting: str) -> Tensor:
        """The degraded image of a test pair, made on the CPU and returned on the clean image's device."""
        digest = hashlib.sha256(f"{self.seed}/{image}/{setting}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
        degraded = degradation(clean.cpu(), generator)
        return (quantise(degraded) if self.quantise_degraded else degraded).to(clean.device)

    def restore(self, network: Callable[[Tensor], Tensor], degraded: Tensor) -> Tensor:
        """The restored image as it is scored: ensembled and quantised as the protocol says."""
        restored = (self_ensemble(network, degraded) if self.ensemble else network(degraded)).float()
        return quantise(restored) if self.quantise_restored else restored

    def score(self, image: Tensor, clean: Tensor) -> tuple[float, float]:
        """PSNR in dB and SSIM of one image ``(1, C, H, W)``."""
        return psnr(image, clean, self.border).item(), ssim(image, clean, self.border).item()

    def __str__(self) -> str:
        parts = [
            "degraded image rounded to 8 bits" if self.quantise_degraded else "degraded image in float",
            "×8 self-ensemble" if self.ensemble else "single pass",
            "output clipped and rounded to 8 bits" if self.quantise_restored else "float output",
            f"border {self.border}",
            f"noise seed {self.seed}",
            "PSNR per image, then the mean; Wang SSIM",
        ]
        return f"{self.name} ({', '.join(parts)})"


# RED-Net's released test program; DnCNN's released test program
PROTOCOLS = {
    "red": Protocol("red", ensemble=True),
    "dncnn": Protocol("dncnn", quantise_restored=True),
}


def protocol(name: str) -> Protocol:
    """A protocol by name.

    Raises:
        RequestError: an unknown name.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def plain(one: Protocol) -> Protocol:
    """The same without self-ensemble: an eighth of the work, for validation during training."""
    return replace(one, ensemble=False)
