"""How a test pair is made and which of its pixels are compared, under a name that stands beside every number.

The protocols themselves are ``conf/protocol/*.yaml``: this file says what their switches do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Le
from torch import Tensor

from restore.bounds import LARGEST, Seed, Whole
from restore.colour import rgb_to_y, to_luma, with_luma
from restore.conditions import Network, Pair, apply_network, told
from restore.degradations.base import Degradation, TestStream
from restore.degradations.real import RealPairs
from restore.errors import RequestError
from restore.evaluation.luma_only import LumaOnly
from restore.evaluation.noise_streams import DESCRIPTIONS, Noise, normal_stream
from restore.evaluation.self_ensemble import self_ensemble
from restore.image import PEAKS, as_stored, quantise, stored_to_unit, to_unit
from restore.resize import imresize

LUMA_RANGE = torch.tensor([16, 235])  # levels of black and white in BT.601's studio range


@dataclass(frozen=True)
class Setting:
    """One way of corrupting test images.

    Attributes:
        name: as in the tables and ``published.csv``: ``sigma=25``, ``scale=3``.
        strength: the value in it.
        degradation: what makes the pair.
        family: what a protocol tells apart: ``noise``, ``sr``, ``jpeg``, ``blur``, ``overlay``, ``pairs``.
        channels: of the network, 1 or 3.
        luma: how colour becomes gray: ``gray`` (MATLAB's rgb2gray) or ``y`` (BT.601 studio range).
        sets: test sets that it belongs to; none for all (see `settings_of`).
        luma_only: colour images are degraded and scored, and a network of one channel restores their Y (see
            `restore.evaluation.luma_only`). Gray images, which validate, are taken as they are.
    """

    name: str
    strength: float | str
    degradation: Degradation
    family: str = "noise"
    channels: int = 1
    luma: str = "gray"
    sets: tuple[str, ...] = ()
    luma_only: bool = False

    @property
    def trained_name(self) -> str:
        """The setting that its networks are trained for: where they restore luma alone, nothing of colour is in it."""
        return self.name.removesuffix(self.degradation.colour_suffix) if self.luma_only else self.name

    def channels_of(self, levels: Tensor) -> int:
        """Channels that an image ``(1, 3 or 1, H, W)`` is degraded and scored in."""
        return levels.shape[1] if self.luma_only else self.channels


def settings_of(settings: Sequence[Setting], dataset: str) -> list[Setting]:
    """The settings that a set is tested in: those that name it and those that name none; all where none names it.

    So a table that has noise on one set and JPEG on another is scored cell by cell, and a set of a person's own in full.
    """
    if not any(dataset in setting.sets for setting in settings):
        return list(settings)
    return [setting for setting in settings if not setting.sets or dataset in setting.sets]


Rules = Mapping[str, Any]


@dataclass(frozen=True)
class Protocol:
    """One way of testing.

    Attributes:
        name: printed with every figure.
        seed: of all that a test pair draws, the noise ``ours`` too: each image and setting has its own
            generator, on the CPU, seeded by (seed, image, setting), so that every device and every network
            sees the same image. Which seed matters little, but not nothing: over seeds 0 to 5 the mean of
            the authors' DnCNN-S on Set12 at sigma 25 is 30.42 dB with a standard deviation of 0.02.
        noise: the stream of the normal numbers (see `restore.evaluation.noise_streams`): ``matlab_v4``,
            ``numpy_0``, ``numpy_0_bgr``, each begun anew for every image, ``ours``, or ``free``.
        resampler: what shrinks the image of super-resolution: ``matlab``, in float; ``matlab_uint8``, of
            8-bit images, rounded to 8 bits after each pass, which `quantise_low` must say too.
        resize: side of the square that whole images are resized to first, bicubic; 0 for not.
        luma: how colour becomes gray where the network is gray: ``gray``, ``y``, or as the task says (empty).
        luma_last: degrade the colour image and take its luma after, in float; else first, in 8 bits.
        quantise_low: round the low-resolution image of super-resolution to 8 bits.
        clip_degraded: clip the degraded image to [0, 1] before it is restored.
        limit_degraded: limit it to 16..235 of 255 before it is restored, the range of BT.601's luma; of a colour
            image its Y.
        quantise_degraded: clip and round the degraded image to 8 bits before it is restored.
        quantise_restored: clip and round the restored image to 8 bits before it is scored.
        ensemble: restore by the self-ensemble over the degradation's symmetries, eight or fewer.
        border: pixels left out of all metrics on every side; −1 for as many as the scale.
        ssim: the metric that stands for ``ssim``: Wang's (``ssim``) or torchmetrics' (``ssim_reflect``).
        families: what differs for some families of settings.

    Raises:
        ValueError: `resampler` is ``matlab_uint8`` and `quantise_low` is not set.
    """

    name: str
    seed: Seed = 1
    noise: Noise = "ours"
    resize: Whole = 0
    luma: Literal["", "gray", "y"] = ""
    luma_last: bool = False
    quantise_low: bool = False
    resampler: Literal["matlab", "matlab_uint8"] = "matlab"
    clip_degraded: bool = False
    limit_degraded: bool = False
    quantise_degraded: bool = False
    quantise_restored: bool = False
    ensemble: bool = False
    border: Annotated[int, Ge(-1), Le(LARGEST)] = 0
    ssim: Literal["ssim", "ssim_reflect"] = "ssim"
    families: Mapping[str, Rules] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen = {family: MappingProxyType(dict(rules)) for family, rules in self.families.items()}
        object.__setattr__(self, "families", MappingProxyType(frozen))
        for rules in ({}, *frozen.values()):
            resampler = rules.get("resampler", self.resampler)
            if resampler == "matlab_uint8" and not rules.get("quantise_low", self.quantise_low):
                raise ValueError("resampler=matlab_uint8 makes an image of 8 bits: it goes with quantise_low=true")

    def __deepcopy__(self, memo: dict) -> Protocol:
        return self  # nothing in it can be changed, and a read-only mapping cannot be copied

    def of(self, family: str) -> Protocol:
        """The same for one family of settings."""
        return replace(self, **self.families.get(family, {}), families={})

    def for_validation(self) -> Protocol:
        """The same for validation during training.

        Without self-ensemble: an eighth of the work. With the noise ``ours``: a published stream begins anew
        for every image, and what chooses the best weights should not be that of the test.
        """
        families = {
            family: {switch: value for switch, value in rules.items() if switch not in ("ensemble", "noise")}
            for family, rules in self.families.items()
        }
        return replace(self, ensemble=False, noise="ours", families=families)

    # -- a test pair -------------------------------------------------------------------------------

    def pair(self, levels: Tensor, setting: Setting, image: str, partner: Tensor | None = None) -> Pair:
        """The test pair of an image.

        It is made on the CPU, where the codecs and the generator are, and returned on the image's device.

        Args:
            levels: the image as in its file ``(1, 3 or 1, H, W)``: uint8, uint16, or float32 in [0, 1].
            image: its name, part of the generator's seed.
            partner: of a real pair, the degraded image as in its file, for a setting of real pairs: nothing is
                synthesised then.

        Raises:
            RequestError: no pixel of it is compared.
        """
        rules = self.of(setting.family)
        luma = rules.luma or setting.luma
        if partner is not None and isinstance(setting.degradation, RealPairs):
            degraded, clean = (stored_to_unit(rules._prepared(state, setting, luma)) for state in (partner, levels))
            return Pair(degraded.to(levels.device), clean.to(levels.device))
        height, width = self.size(levels.shape[-2], levels.shape[-1], setting)
        self.check_compared(height, width, setting, image)
        source = rules._cropped(resize_square(levels.cpu(), rules.resize), setting)
        clean = stored_to_unit(source if rules.luma_last else to_luma(source, setting.channels_of(source), luma))
        pair = rules._degraded(clean, setting, image)
        degraded = rules._received(pair.degraded)
        return Pair(degraded, pair.clean, pair.conditions).to(levels.device)

    def _prepared(self, levels: Tensor, setting: Setting, luma: str) -> Tensor:
        return to_luma(resize_square(levels.cpu(), self.resize), setting.channels_of(levels), luma)

    @staticmethod
    def _cropped(levels: Tensor, setting: Setting) -> Tensor:
        """Super-resolution begins with sides that the scale divides."""
        scale = int(setting.strength) if setting.family == "sr" else 1
        height, width = (side // scale * scale for side in levels.shape[-2:])
        return levels[..., :height, :width]

    def _degraded(self, clean: Tensor, setting: Setting, image: str) -> Pair:
        digest = hashlib.sha256(f"{self.seed}/{image}/{setting.name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
        stream = TestStream(generator, normal_stream(self.noise, generator), self.quantise_low, self.resampler)
        degradation = setting.degradation
        pair = degradation.exact(clean, degradation.draw(len(clean), stream.generator), stream)
        if setting.channels_of(clean) == 1 and clean.shape[1] == 3:
            return Pair(rgb_to_y(pair.degraded), rgb_to_y(pair.clean), pair.conditions)
        return pair

    def _received(self, degraded: Tensor) -> Tensor:
        """The degraded image as the network gets it."""
        degraded = degraded.clamp(0, 1) if self.clip_degraded else degraded
        degraded = _limited(degraded) if self.limit_degraded else degraded
        return quantise(degraded) if self.quantise_degraded else degraded

    # -- sizes -------------------------------------------------------------------------------------

    def size(self, height: int, width: int, setting: Setting) -> tuple[int, int]:
        """The sides in pixels that a test pair has of an image of these: resized, and divided by the scale."""
        side = self.of(setting.family).resize
        scale = int(setting.strength) if setting.family == "sr" else 1
        return (side or height) // scale * scale, (side or width) // scale * scale

    def check_compared(self, height: int, width: int, setting: Setting, image: str) -> None:
        """Refuse a test pair of which no pixel is compared.

        Args:
            height, width: of the pair, see `size`.
            image: what the sentence calls it.

        Raises:
            RequestError: its sides, and the border.
        """
        border = self.border_of(setting)
        if min(height, width) <= 2 * border or not min(height, width):
            raise RequestError(
                f"protocols.{self.name} leaves no pixel of {image} to compare in {setting.name}: it has {width}×{height} "
                f"there, and a border of {border} on every side is left out"
            )

    # -- restored and compared ---------------------------------------------------------------------

    def restore(self, network: Network, pair: Pair, setting: Setting) -> Tensor:
        """The restored image as it is scored: ensembled and quantised as the protocol says."""
        rules = self.of(setting.family)
        if setting.luma_only and pair.degraded.shape[1] == 3:
            network = LumaOnly(network)
        if rules.ensemble:
            orientations = setting.degradation.symmetries(told(network))
            restored = self_ensemble(network, pair.degraded, pair.conditions, orientations)
        else:
            restored = apply_network(network, pair.degraded, pair.conditions)
        return quantise(restored.float()) if rules.quantise_restored else restored.float()

    def recorded_name(self, network: Network, setting: Setting) -> str:
        """The name that stands in a row: with the number of orientations where the self-ensemble has fewer than eight."""
        if not self.of(setting.family).ensemble:
            return self.name
        count = len(setting.degradation.symmetries(told(network)))
        return self.name if count == 8 else f"{self.name}×{count}"

    def border_of(self, setting: Setting) -> int:
        """Pixels left out on every side in a setting."""
        border = self.of(setting.family).border
        return int(setting.strength) if border < 0 else border

    def compared(self, image: Tensor, setting: Setting) -> Tensor:
        """The pixels of an image ``(1, C, H, W)`` that metrics are computed on: without the border."""
        border = self.border_of(setting)
        return image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]

    def describe(self, family: str) -> str:
        """What the name stands for, in one line."""
        rules = self.of(family)
        parts = [f"resized to {rules.resize}×{rules.resize}"] if rules.resize else []
        if family == "sr":
            each = ", rounded after each pass" if rules.resampler == "matlab_uint8" else ""
            parts.append(f"low-resolution image in {'8 bits' if rules.quantise_low else 'float'}{each}")
            parts.append("luma taken after degrading" if rules.luma_last else "8-bit luma degraded")
        elif family == "noise":
            kept = "clipped" if rules.clip_degraded else "in float, not clipped"
            parts.append(f"noisy image {'rounded to 8 bits' if rules.quantise_degraded else kept}")
            parts.append(DESCRIPTIONS.get(rules.noise, f"noise seed {rules.seed}"))
        parts += ["degraded image limited to 16..235"] if rules.limit_degraded else []
        parts.append("×8 self-ensemble, or as many as its name says" if rules.ensemble else "single pass")
        parts.append("output clipped and rounded to 8 bits" if rules.quantise_restored else "float output")
        parts.append("border = scale" if rules.border < 0 else f"border {rules.border}")
        parts += ["metrics per image, then the mean", *([] if rules.ssim == "ssim" else [f"SSIM is {rules.ssim}"])]
        return f"{self.name} ({', '.join(parts)})"


def _limited(image: Tensor) -> Tensor:
    """An image of luma in the range of BT.601's; one in colour whose Y is."""
    low, high = to_unit(LUMA_RANGE).tolist()
    return image.clamp(low, high) if image.shape[1] == 1 else with_luma(image, rgb_to_y(image).clamp(low, high))


def resize_square(levels: Tensor, side: int) -> Tensor:
    """A whole image as a square of `side` pixels, by MATLAB's bicubic, at its depth; 0 leaves it."""
    if not side:
        return levels
    square = imresize(stored_to_unit(levels).double(), side, side).float()
    return as_stored(square * PEAKS.get(levels.dtype, 1.0), levels.dtype)
