"""Batches of coordinates in, degraded and clean patches on the training device out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from restore.conditions import Pair
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.datasets import WholeImage
from restore.data.images import resized
from restore.data.pairs import PairLayout
from restore.data.sampler import CoordinateLoader, PatchCoordinates, StepSampler
from restore.degradations.base import as_degradation
from restore.degradations.real import RealPairs
from restore.errors import RequestError, unknown_name

VALIDATION_SHARE = 0.1
IDLE = -1  # instead of an image, on a rank that has none: Lightning refuses an empty loader


class RestorationData(LightningDataModule):
    """Training pairs synthesised on the device, and whole clean images for validation and test.

    The loader yields coordinates ``(B, 4)``; `on_after_batch_transfer` gathers the patches from the
    image bank and degrades them there. The generator of a batch is seeded from the run's seed and
    the batch's own coordinates: ranks and steps differ, and a resumed run repeats nothing and
    misses nothing.

    Args:
        train: training sets by name, or folders.
        test_sets: test sets by name, or folders.
        degradation: a `restore.degradations.base.Degradation`, or any ``(clean, generator) -> degraded``.
        channels: 1 or 3.
        luma: how colour becomes gray where channels is 1: ``gray`` (rgb2gray) or ``y`` (BT.601 studio range).
        patch_size: side of the square training patches in pixels.
        batch_size: over all devices together.
        patches_per_epoch: rounded up to whole batches.
        weighting: ``pixels`` or ``images``: what is drawn alike.
        validation_size: validation images are cut to this side about their centre; 0 leaves them whole.
        layout: of real pairs, the two patterns of `restore.data.pairs.PairLayout`, where they are not common ones.
        resize: of real pairs, side of the square that whole images are resized to; 0 leaves them.
        on_bad_image: ``stop`` or ``skip``.
        root: folder of the papers' sets.
        seed: of patches and degradations.

    Raises:
        RequestError: something above cannot be had.
    """

    def __init__(
        self,
        train: Sequence[str],
        test_sets: Sequence[str],
        degradation: Callable,
        channels: int = 1,
        luma: str = "gray",
        patch_size: int = 50,
        batch_size: int = 16,
        patches_per_epoch: int = 204_800,
        weighting: str = "pixels",
        validation_size: int = 180,
        layout: Mapping[str, str] | None = None,
        resize: int = 0,
        on_bad_image: str = "stop",
        root: str | None = None,
        seed: int = 0,
    ):
        super().__init__()
        if channels not in (1, 3):
            raise RequestError(f"task.channels is 1 (gray) or 3 (colour), and it is {channels}")
        if batch_size < 1 or patches_per_epoch < 1 or patch_size < 1:
            raise RequestError("data.batch_size, data.patches_per_epoch and data.patch_size are at least 1")
        if weighting not in ("pixels", "images"):
            raise unknown_name("data.weighting", weighting, ["pixels", "images"])
        self.resize = resize
        self.layout = PairLayout(**layout) if layout else None
        self.train_sets, self.test_sets = list(train), list(test_sets)
        if luma not in ("gray", "y"):
            raise unknown_name("task.luma", luma, ["gray", "y"])
        self.degradation, self.channels, self.luma = as_degradation(degradation), channels, luma
        self.patch_size, self.batch_size, self.weighting = patch_size, batch_size, weighting
        self.steps_per_epoch = -(-patches_per_epoch // batch_size)
        self.validation_size, self.on_bad_image, self.root, self.seed = validation_size, on_bad_image, root, seed
        self.training: datasets.Images | None = None
        self.validation: datasets.Images | None = None
        self.tests: list[datasets.Images] = []
        self.batch_seed = 0

    def read_tests(self) -> None:
        """Read the test sets; asked for early, so that a missing one is said before any training."""
        if not self.tests:
            listings = [self._find(name, training=False) for name in self.test_sets]
            self.tests = [
                datasets.read(listing, self.channels, self.on_bad_image, "as in file") for listing in listings
            ]

    def _find(self, name: str, training: bool) -> datasets.Listing:
        listing = datasets.find(name, self.root, self.channels, training=training, layout=self.layout)
        if listing.partners and self.resize and training:  # what test images are resized to, their protocol says
            listing = replace(listing, prepare=lambda image: resized(image, self.resize))
        if not isinstance(self.degradation, RealPairs):  # noise, say, on GOPRO's sharp frames
            listing = replace(listing, partners=None)
        return listing

    def read_training(self) -> None:
        """Read the training sets and keep their last tenth by sorted name for validation."""
        if self.training is not None:
            return
        images = datasets.Images(" + ".join(self.train_sets))
        for name in self.train_sets:
            part = datasets.read(self._find(name, training=True), self.channels, self.on_bad_image, self.luma)
            images.extend(part)
            images.bad += part.bad
        if images.partners and len(images.partners) != len(images.images):
            raise RequestError(f"{images.name} mixes pairs with images that have no partner")
        order = sorted(range(len(images.names)), key=lambda i: images.names[i])
        held_out = max(1, round(len(order) * VALIDATION_SHARE))
        if len(order) < 2:
            raise RequestError(f"{images.name} has one image, and training needs one more to validate on")
        self.training, self.validation = (images.choose(part) for part in (order[:-held_out], order[-held_out:]))
        self.training.bad = images.bad
        self._check_sizes()

    def _check_sizes(self) -> None:
        """A patch must fit into every image; its margin need not, and is then the image's own border."""
        sizes = [min(image.shape[-2:]) for image in self.training.images]
        smallest = min(range(len(sizes)), key=sizes.__getitem__)
        if sizes[smallest] < self.patch_size:
            height, width = self.training.images[smallest].shape[-2:]
            raise RequestError(
                f"data.patch_size={self.patch_size} is larger than the smallest training image, "
                f"{self.training.names[smallest]} of {width}×{height} pixels"
            )

    def everything_read(self) -> datasets.Images:
        """Training and validation images together: what a test image must not be among."""
        both = datasets.Images(self.training.name)
        both.extend(self.training)
        both.extend(self.validation)
        return both

    def check_devices(self, world_size: int) -> None:
        if self.batch_size % world_size:
            raise RequestError(
                f"data.batch_size={self.batch_size} does not divide over {world_size} devices: "
                f"{self.batch_size // world_size * world_size or world_size} would"
            )

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.read_training()
            self.fill_bank()
        if stage == "test":
            self.read_tests()

    def fill_bank(self) -> None:
        self.bank = ImageBank(self.training.images, self.training.names)
        if self.training.partners:
            self.degraded_bank = ImageBank(self.training.partners, self.training.names)

    @property
    def window(self) -> int:
        """Side of what is cut from an image: a patch, and the margin that its degradation needs around it."""
        return self.patch_size + 2 * self.degradation.margin

    def coordinates(self, rank: int, world_size: int) -> PatchCoordinates:
        """The coordinates of every step, this rank's share of them."""
        sizes = torch.stack([self.bank.heights, self.bank.widths], dim=1).cpu()
        return PatchCoordinates(sizes, self.window, self.batch_size, self.seed, self.weighting, rank, world_size)

    def train_dataloader(self) -> CoordinateLoader:
        trainer = self.trainer
        self.check_devices(trainer.world_size)
        steps = StepSampler(self.steps_per_epoch, lambda: trainer.global_step * trainer.accumulate_grad_batches)
        coordinates = self.coordinates(trainer.global_rank, trainer.world_size)
        return CoordinateLoader(coordinates, batch_size=None, sampler=steps)

    def val_dataloader(self) -> DataLoader:
        return self._whole(self.validation)

    def test_dataloader(self) -> list[DataLoader]:
        return [self._whole(images) for images in self.tests]

    def _whole(self, images: datasets.Images) -> DataLoader:
        """Every image once over all ranks, none padded on and none twice; −1 for a rank that has none."""
        mine = list(range(self.trainer.global_rank, len(images.names), self.trainer.world_size))
        return DataLoader(mine or [IDLE], batch_size=None)

    def on_before_batch_transfer(self, batch, dataloader_idx: int):
        if self.trainer.training:
            digest = hashlib.blake2b(batch.numpy().tobytes(), digest_size=7, key=str(self.seed).encode())
            self.batch_seed = int.from_bytes(digest.digest(), "little")
        return batch

    def on_after_batch_transfer(self, batch, dataloader_idx: int):
        if self.trainer.training:
            return self.pairs(batch)
        images = self.tests[dataloader_idx] if self.trainer.testing else self.validation
        return self.whole_image(images, int(batch)) if batch != IDLE else None

    def pairs(self, coordinates: Tensor) -> Pair:
        """Degraded and clean patches of the coordinates, ``(B, C, P, P)``, made on their device, and what is known."""
        device = coordinates.device
        if self.training.partners:  # both halves of a pair are cut and turned alike
            banks = (self.degraded_bank, self.bank)
            return Pair(*(bank.to(device).crop(coordinates, self.patch_size) for bank in banks))
        clean = self.bank.to(device).crop(coordinates, self.window)
        generator = torch.Generator(device).manual_seed(self.batch_seed)
        degradation = self.degradation.to(device)
        if not degradation.margin:
            return degradation(clean, generator)
        top, left = self._inner(coordinates, generator)
        return degradation(clean, generator).crop(top, left, self.patch_size)

    def _inner(self, coordinates: Tensor, generator: torch.Generator) -> tuple[Tensor | int, Tensor | int]:
        """Where in its window each patch lies: in the middle, or, where a grid matters, anywhere in the margin."""
        margin = self.degradation.margin
        if not self.degradation.grid:
            return margin, margin
        image = coordinates[:, 0].to(self.bank.device)
        sides = torch.minimum(self.bank.heights[image], self.bank.widths[image]).to(coordinates.device)
        reach = ((sides - self.patch_size) // 2).clamp(max=margin)  # no further than a small image goes
        drawn = torch.rand(2, len(image), generator=generator, device=coordinates.device)
        top, left = (margin - reach + (drawn * (2 * reach + 1)).long()).unbind(0)
        return top, left

    def whole_image(self, images: datasets.Images, index: int) -> WholeImage:
        device = self.trainer.strategy.root_device
        states = [images.images[index], *([images.partners[index]] if images.partners else [])]
        if images is self.validation:
            states = [centre(levels, self.validation_size) for levels in states]
        return WholeImage(images.name, images.names[index], index, *(levels[None].to(device) for levels in states))

    def summary(self) -> str:
        """What is trained on what, in one line."""
        pixels = sum(image[0].numel() for image in self.training.images)
        return (
            f"{self.training.name}: {len(self.training.names)} images ({pixels / 1e6:.1f} Mpixel), "
            f"{len(self.validation.names)} more for validation"
        )


def centre(levels: Tensor, side: int) -> Tensor:
    """The square of at most `side` pixels in the middle of an image ``(C, H, W)``; 0 leaves it whole."""
    if not side:
        return levels
    height, width = levels.shape[-2:]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return levels[:, top : top + side, left : left + side]
