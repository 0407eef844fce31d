"""How a test pair is made and how a restored image is scored, under a name that stands beside every number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from restore.colour import rgb_to_gray, rgb_to_y
from restore.evaluation.metrics import psnr, ssim, ssim_torchmetrics
from restore.evaluation.self_ensemble import self_ensemble
from restore.image import quantise, to_levels, to_unit
from restore.resize import imresize


@dataclass(frozen=True)
class Setting:
    """One way of corrupting test images.

    Attributes:
        name: as in the tables and ``published.csv``: ``sigma=25``, ``scale=3``.
        strength: the value in it.
        degradation: ``(clean, generator) -> degraded``.
        family: what a protocol tells apart: ``noise``, ``sr``, ``jpeg``, ``blur``, ``overlay``, ``pairs``.
        channels: of the network, 1 or 3.
        luma: how colour becomes gray: ``gray`` (MATLAB's rgb2gray) or ``y`` (BT.601 studio range).
    """

    name: str
    strength: float | str
    degradation: nn.Module
    family: str = "noise"
    channels: int = 1
    luma: str = "gray"


@dataclass(frozen=True)
class Protocol:
    """One way of testing; the papers' are in ``conf/protocol/``, with their sources.

    Attributes:
        name: printed with every figure.
        seed: of the noise: each image and setting has its own generator, on the CPU, seeded by
            (seed, image, setting), so that every device and every network sees the same image.
            Which seed matters little, but not nothing: over seeds 0 to 5 the mean of the authors'
            DnCNN-S on Set12 at sigma 25 is 30.42 dB with a standard deviation of 0.02.
        resize: side of the square that whole images are resized to first, bicubic; 0 for not.
        luma: how colour becomes gray where the network is gray: ``gray``, ``y``, or as the task says (empty).
        luma_last: degrade the colour image and take its luma after, in float; else first, in 8 bits.
        quantise_low: round the low-resolution image of super-resolution to 8 bits.
        clip_degraded: clip the degraded image to [0, 1] before it is restored.
        quantise_degraded: clip and round the degraded image to 8 bits before it is restored.
        quantise_restored: clip and round the restored image to 8 bits before it is scored.
        ensemble: restore by the ×8 self-ensemble.
        border: pixels left out of both scores on every side; −1 for as many as the scale.
        ssim: the metric that stands for ``ssim``: Wang's, as the papers have it, or ``ssim_reflect``, with
            torchmetrics' padding.
        families: what differs for some families of settings.
    """

    name: str
    seed: int = 1
    resize: int = 0
    luma: Literal["", "gray", "y"] = ""
    luma_last: bool = False
    quantise_low: bool = False
    clip_degraded: bool = False
    quantise_degraded: bool = False
    quantise_restored: bool = False
    ensemble: bool = False
    border: int = 0
    ssim: Literal["ssim", "ssim_reflect"] = "ssim"
    families: Mapping[str, Mapping[str, bool | int | str]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        families = {name: MappingProxyType(dict(rules)) for name, rules in self.families.items()}
        object.__setattr__(self, "families", MappingProxyType(families))

    def __deepcopy__(self, memo: dict) -> Protocol:
        return self  # nothing in it can be changed, and a read-only mapping cannot be copied

    def of(self, family: str) -> Protocol:
        """The same for one family of settings."""
        return replace(self, **self.families.get(family, {}), families=MappingProxyType({}))

    def pair(
        self, levels: Tensor, setting: Setting, image: str, partner: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Degraded and clean image of a test pair.

        It is made on the CPU, where the codecs and the generator are, and returned on the image's device.

        Args:
            levels: the image as in its file, uint8 ``(1, 3 or 1, H, W)``.
            image: its name, part of the generator's seed.
            partner: of a real pair, the degraded image as in its file; nothing is synthesised then.
        """
        rules = self.of(setting.family)
        setting = replace(setting, luma=rules.luma or setting.luma)
        if partner is not None:
            states = (self._square(image.cpu(), rules.resize) for image in (partner, levels))
            degraded, clean = (to_unit(self._luma(state, setting)).to(levels.device) for state in states)
            return degraded, clean
        digest = hashlib.sha256(f"{rules.seed}/{image}/{setting.name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
        source = self._square(levels.cpu(), rules.resize)
        if setting.family == "sr":
            scale = int(setting.strength)
            source = source[..., : source.shape[-2] // scale * scale, : source.shape[-1] // scale * scale]
        clean = to_unit(source if rules.luma_last else self._luma(source, setting))
        if hasattr(setting.degradation, "exact"):
            degraded = setting.degradation.exact(clean, generator, quantise_low=rules.quantise_low)
        else:
            degraded = setting.degradation(clean, generator)
        if setting.channels == 1 and clean.shape[1] == 3:
            clean, degraded = rgb_to_y(clean), rgb_to_y(degraded)
        if rules.clip_degraded:
            degraded = degraded.clamp(0, 1)
        if rules.quantise_degraded:
            degraded = quantise(degraded)
        return degraded.to(levels.device), clean.to(levels.device)

    @staticmethod
    def _square(levels: Tensor, side: int) -> Tensor:
        return to_levels(imresize(to_unit(levels).double(), side, side)) if side else levels

    @staticmethod
    def _luma(levels: Tensor, setting: Setting) -> Tensor:
        if setting.channels == 3 or levels.shape[1] == 1:
            return levels
        return rgb_to_gray(levels) if setting.luma == "gray" else to_levels(rgb_to_y(to_unit(levels)))

    def restore(self, network: Callable[[Tensor], Tensor], degraded: Tensor, setting: Setting) -> Tensor:
        """The restored image as it is scored: ensembled and quantised as the protocol says."""
        rules = self.of(setting.family)
        restored = (self_ensemble(network, degraded) if rules.ensemble else network(degraded)).float()
        return quantise(restored) if rules.quantise_restored else restored

    def score(self, image: Tensor, clean: Tensor, setting: Setting) -> tuple[float, float]:
        """PSNR in dB over all channels and Wang's SSIM, the mean over channels, of one image ``(1, C, H, W)``."""
        rules = self.of(setting.family)
        border = int(setting.strength) if rules.border < 0 else rules.border
        return psnr(image, clean, border).item(), SSIMS[rules.ssim](image, clean, border).item()

    def describe(self, family: str) -> str:
        """What the name stands for, in one line."""
        rules = self.of(family)
        parts = [f"resized to {rules.resize}×{rules.resize}"] if rules.resize else []
        if family == "sr":
            parts.append("low-resolution image in 8 bits" if rules.quantise_low else "low-resolution image in float")
            parts.append("luma taken after degrading" if rules.luma_last else "8-bit luma degraded")
        elif family == "noise":
            kept = "clipped" if rules.clip_degraded else "in float, not clipped"
            parts.append(f"noisy image {'rounded to 8 bits' if rules.quantise_degraded else kept}")
            parts.append(f"noise seed {rules.seed}")
        parts.append("×8 self-ensemble" if rules.ensemble else "single pass")
        parts.append("output clipped and rounded to 8 bits" if rules.quantise_restored else "float output")
        parts.append("border = scale" if rules.border < 0 else f"border {rules.border}")
        parts += ["PSNR per image, then the mean", {"ssim": "Wang's SSIM"}.get(rules.ssim, f"{rules.ssim} for SSIM")]
        return f"{self.name} ({', '.join(parts)})"


SSIMS = {"ssim": ssim, "ssim_reflect": ssim_torchmetrics}


def plain(one: Protocol) -> Protocol:
    """The same without self-ensemble: an eighth of the work, for validation during training."""
    return replace(one, ensemble=False)
