"""Batches of coordinates in, degraded and clean patches on the training device out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import torch
from annotated_types import MinLen
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from restore.bounds import Below1, Count, ImageChannels, Positive, Seed, Share, Text, Whole
from restore.conditions import Pair
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.datasets import AbsentSetError, WholeImage
from restore.data.images import centre, resized
from restore.data.pairs import PairLayout
from restore.data.sampler import CoordinateLoader, PatchCoordinates, StepSampler
from restore.data.split import hold_out, shrunk_copies, spread
from restore.data.windows import Windows
from restore.degradations.base import as_degradation
from restore.degradations.real import RealPairs
from restore.errors import RequestError, unknown_name
from restore.files import MAX_PIXELS

IDLE = -1  # instead of an image, where a rank or a run has none to validate: Lightning refuses an empty loader
ORIENTATIONS, WEIGHTINGS, LUMAS = ("all", "batch", "none"), ("pixels", "images"), ("gray", "y")


class RestorationData(LightningDataModule):
    """Training pairs synthesised on the device, and whole clean images for validation and test.

    The loader yields coordinates; `on_after_batch_transfer` gathers the patches from the image bank
    and degrades them there, each with the surroundings that its degradation asks for (`Windows`): a
    pair of patches is a cut of a pair of images. The generator of a batch is seeded from the run's
    seed and the batch's own coordinates: ranks and steps differ, and a resumed run repeats nothing
    and misses nothing.

    Args:
        train: training sets by name, or folders.
        test_sets: test sets by name, or folders.
        degradation: a `restore.degradations.base.Degradation`, or any ``(clean, generator) -> degraded``.
        channels: 1 or 3.
        test_channels: of the test images; None for as many as of the training images.
        luma: how colour becomes gray where channels is 1: ``gray`` (rgb2gray) or ``y`` (BT.601 studio range).
        patch_size: side of the square training patches in pixels.
        batch_size: over all devices together.
        patches_per_epoch: rounded up to whole batches.
        weighting: ``pixels`` or ``images``: what is drawn alike.
        share: of the training images, in (0, 1]: which are used, evenly spaced by name.
        scales: factors of copies of the training images, each shrunk from the one before it (`shrunk_copies`).
        pool: patches drawn once and gone through in a new order every epoch, or ``images`` for as many as there
            are training images; None draws every patch anew. With a pool, an epoch is the pool.
        orientations: how patches are flipped and rotated: ``all`` (each by one of eight), ``batch`` (a whole batch by
            one of eight) or ``none``.
        validation: share of the training images held out (the last by name of each set), a set's name or a folder,
            or None for no validation.
        validation_size: validation images are cut to this side about their centre; 0 leaves them whole.
        layout: of real pairs, the two patterns of `restore.data.pairs.PairLayout`, where they are not common ones.
        range: level that is 1 of images of more than 8 bits (a camera's 4095); None for 65535, of floats 1.
        resize: side of the square that whole training and validation images are resized to; 0 leaves them.
        on_bad_image: ``stop`` or ``skip``, also at an image of more than `max_pixels`.
        absent_sets: ``stop`` or ``skip``, at test sets that are not on this machine; all of them absent always stops.
        root: folder of the papers' sets.
        seed: of patches and degradations.
        aligned: patches begin where a block of JPEG or a sample of super-resolution does, for a network that says
            so (``aligned = True``): the corner of what it gets is taken for the grid's.
        scores_pairs: real pairs validate and are tested, whatever trains.

    Attributes:
        validation: the images that validate; None where nothing does.
        absent: test sets that were left out, with a sentence for each.

    Raises:
        RequestError: something above cannot be had.
    """

    def __init__(
        self,
        train: Sequence[str],
        test_sets: Sequence[str],
        degradation: Callable,
        channels: ImageChannels = 1,
        test_channels: ImageChannels | None = None,
        luma: Literal["gray", "y"] = "gray",
        patch_size: Count = 50,
        batch_size: Count = 16,
        patches_per_epoch: Count = 204_800,
        weighting: Literal["pixels", "images"] = "pixels",
        share: Share = 1.0,
        scales: Annotated[Sequence[Share], MinLen(1)] = (1,),
        pool: Count | Literal["images"] | None = None,
        orientations: Literal["all", "batch", "none"] = "all",
        validation: Below1 | Text | None = 0.1,
        validation_size: Whole = 180,
        layout: Mapping[Literal["clean", "degraded"], Text] | None = None,
        resize: Whole = 0,
        range: Positive | None = None,
        on_bad_image: Literal["stop", "skip"] = "stop",
        absent_sets: Literal["stop", "skip"] = "stop",
        root: Text | None = None,
        seed: Seed = 0,
        aligned: bool = False,
        scores_pairs: bool = False,
        max_pixels: Count = MAX_PIXELS,
    ):
        super().__init__()
        names = {"data.weighting": weighting, "data.orientations": orientations, "task.luma": luma}
        for (key, name), known in zip(names.items(), (WEIGHTINGS, ORIENTATIONS, LUMAS), strict=True):
            if name not in known:
                raise unknown_name(key, name, known)
        if not isinstance(validation, str) and not 0 <= (validation or 0) < 1:
            raise RequestError(f"data.validation is a share below 1, a set or null, and it is {validation}")
        self.resize, self.peak, self.test_channels = resize, range, test_channels or channels
        self.scores_pairs, self.pairs_train = scores_pairs, isinstance(degradation, RealPairs)
        self.layout = PairLayout(**layout) if layout else None
        self.train_sets, self.test_sets = list(train), list(test_sets)
        self.degradation, self.channels, self.luma = as_degradation(degradation), channels, luma
        self.patch_size, self.batch_size, self.weighting = patch_size, batch_size, weighting
        self.patches_per_epoch, self.share, self.scales, self.pool = patches_per_epoch, share, scales, pool
        self.orientations, self.validates_on, self.absent_sets = orientations, validation or None, absent_sets
        self.validation_size, self.on_bad_image, self.root, self.seed = validation_size, on_bad_image, root, seed
        self.training: datasets.Images | None = None
        self.validation: datasets.Images | None = None
        self.tests: list[datasets.Images] = []
        self.absent: dict[str, str] = {}
        self.batch_seed, self.aligned, self.max_pixels = 0, aligned, max_pixels

    def read_tests(self) -> None:
        """Read the test sets; asked for early, so that a missing one is said before any training."""
        if not self.tests:
            listings = datasets.told_apart(self._present())
            self.tests = [self._read_listing(each, self.test_channels, "as in file") for each in listings]

    def _present(self) -> list[datasets.Listing]:
        """The test sets that are here; those that are not stop it, or are left out and told apart.

        Raises:
            AbsentSetError: the first absent set, where one stops or none is here.
        """
        listings, absent = [], {}
        for name in self.test_sets:
            try:
                listings.append(self._find(name, self.test_channels, training=False))
            except AbsentSetError as error:
                if self.absent_sets == "stop":
                    raise
                absent[name] = error
        if not listings:
            raise next(iter(absent.values()))
        self.absent = {name: str(error) for name, error in absent.items()}
        return listings

    def _find(self, name: str, channels: int, training: bool, resize: int = 0) -> datasets.Listing:
        listing = datasets.find(name, self.root, channels, training=training, layout=self.layout)
        if resize:  # what test images are resized to, their protocol says
            listing = replace(listing, prepare=lambda image: resized(image, resize))
        if not (self.scores_pairs or self.pairs_train):  # noise, say, on GOPRO's sharp frames
            listing = replace(listing, partners=None)
        return listing

    def read_training(self) -> None:
        """Read the training sets, hold out what validates, and choose and shrink what trains."""
        if self.training is not None:
            return
        names = [part for name in self.train_sets for part in datasets.parts(name)]
        sets = [self._read(name, training=True) for name in names]
        images = datasets.Images(" + ".join(self.train_sets))
        for part in sets:
            images.extend(part)
        if images.partners and len(images.partners) != len(images.images):
            raise RequestError(f"{images.name} mixes pairs with images that have no partner")
        held_out = 0.0 if isinstance(self.validates_on, str) else self.validates_on or 0.0
        if held_out and len(images.names) < 2:
            raise RequestError(f"{images.name} has one image, and training needs one more to validate on")
        training, validation = hold_out([part.names for part in sets], held_out)
        self.originals = images.choose([training[i] for i in spread(len(training), self.share)], self.pairs_train)
        self.training = shrunk_copies(self.originals, self.scales, self.patch_size)
        self.training.bad = [bad for part in sets for bad in part.bad]
        if isinstance(self.validates_on, str):
            self.validation = self._read(self.validates_on, training=False)
            self.training.bad += self.validation.bad
        elif validation:
            self.validation = images.choose(validation)
        self._check_sizes()

    def _read(self, name: str, training: bool) -> datasets.Images:
        listing = self._find(name, self.channels, training, resize=self.resize)
        return self._read_listing(listing, self.channels, self.luma)

    def _read_listing(self, listing: datasets.Listing, channels: int, luma: str) -> datasets.Images:
        return datasets.read(listing, channels, self.on_bad_image, luma, self.max_pixels, self.peak)

    @property
    def chooses(self) -> bool:
        """Whether the validation may choose a checkpoint: there is one, and of images that are not tested."""
        return self.validates_on is not None and self.validates_on not in self.test_sets

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
        """What a test image must not be among: the training images, and those that choose a checkpoint."""
        both = datasets.Images(self.training.name)
        both.extend(self.originals)
        if self.validation and self.chooses:
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
    def windows(self) -> Windows:
        """What is cut from an image for each patch: with the margin and on the grid of the degradation."""
        return Windows(self.patch_size, self.degradation.margin, self.degradation.grid, self.aligned)

    def coordinates(self, rank: int, world_size: int) -> PatchCoordinates:
        """The coordinates of every step, this rank's share of them."""
        sizes = torch.stack([self.bank.heights, self.bank.widths], dim=1).cpu()
        place = {"rank": rank, "world_size": world_size}
        how = {"weighting": self.weighting, "orientations": self.orientations, "pool": self.pool_size}
        return PatchCoordinates(
            sizes, self.patch_size, self.batch_size, self.seed, **how, **place, windows=self.windows
        )

    @property
    def pool_size(self) -> int | None:
        """Patches of the fixed pool; None where every patch is drawn anew."""
        return len(self.training.names) if self.pool == "images" else int(self.pool) if self.pool else None

    @property
    def steps_per_epoch(self) -> int:
        return -(-(self.pool_size or self.patches_per_epoch) // self.batch_size)

    def train_dataloader(self) -> CoordinateLoader:
        trainer = self.trainer
        self.check_devices(trainer.world_size)
        steps = StepSampler(self.steps_per_epoch, lambda: trainer.global_step * trainer.accumulate_grad_batches)
        coordinates = self.coordinates(trainer.global_rank, trainer.world_size)
        return CoordinateLoader(coordinates, batch_size=None, sampler=steps)

    def val_dataloader(self) -> DataLoader:
        return self._whole(self.validation) if self.validation else DataLoader([IDLE], batch_size=None)

    def test_dataloader(self) -> list[DataLoader]:
        return [self._whole(images) for images in self.tests]

    def _whole(self, images: datasets.Images) -> DataLoader:
        """Every image once over all ranks, none padded on and none twice; −1 for a rank that has none."""
        mine = list(range(self.trainer.global_rank, len(images.names), self.trainer.world_size))
        return DataLoader(mine or [IDLE], batch_size=None)

    def on_before_batch_transfer(self, batch, dataloader_idx: int):
        if self.trainer.training:
            # a pool's patches come again: then the step tells the noise of one epoch from that of another
            key = f"{self.seed}/{self.trainer.global_step}" if self.pool else str(self.seed)
            digest = hashlib.blake2b(batch.numpy().tobytes(), digest_size=7, key=key.encode())
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
        windows = self.windows
        clean = self.bank.to(device).crop(coordinates[:, :4], windows.side)
        generator = torch.Generator(device).manual_seed(self.batch_seed)
        pair = self.degradation.to(device)(clean, generator)
        if windows.side == self.patch_size:
            return pair
        before = coordinates[:, 4:].unbind(1) if windows.grid else (windows.margin, windows.margin)
        return pair.crop(*before, self.patch_size)

    def whole_image(self, images: datasets.Images, index: int) -> WholeImage:
        device = self.trainer.strategy.root_device
        states = [images.images[index], *([images.partners[index]] if images.partners else [])]
        if images is self.validation:
            states = [centre(levels, self.validation_size) for levels in states]
        return WholeImage(images.name, images.names[index], index, *(levels[None].to(device) for levels in states))

    def summary(self) -> str:
        """What is trained on what, in one line."""
        pixels = sum(image[0].numel() for image in self.training.images)
        copies = len(self.training.names) - len(self.originals.names)
        parts = [f"{self.training.name}: {len(self.originals.names)} images"]
        parts += [f"{copies} shrunk copies of them"] if copies else []
        parts[-1] += f" ({pixels / 1e6:.1f} Mpixel)"
        parts += [f"a pool of {self.pool_size:,} patches"] if self.pool else []
        if self.validation is None:
            return ", ".join([*parts, "no validation"])
        which = f" of {self.validation.name}" if isinstance(self.validates_on, str) else " more"
        return ", ".join([*parts, f"{len(self.validation.names)}{which} for validation"])
