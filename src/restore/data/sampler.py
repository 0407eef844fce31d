"""Which patches a step trains on: a pure function of the seed and the step's number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler


class PatchCoordinates(Dataset):
    """Item k is the LongTensor ``(B, 4)`` of step k: image, top, left, orientation.

    The global batch of a step is drawn whole and each rank takes its own share of it, so that the
    patches of a step do not depend on how many devices there are, and a resumed run needs no
    sampler state but the step's number.

    Args:
        sizes: height and width of every image, ``(images, 2)``.
        patch_size: side of the square patch in pixels, its margin included.
        batch_size: global, over all ranks.
        seed: of the run.
        weighting: ``pixels`` draws every position of the set alike, ``images`` every image alike.
        rank, world_size: this process among all.
    """

    def __init__(
        self, sizes: Tensor, patch_size: int, batch_size: int, seed: int, weighting: str, rank=0, world_size=1
    ):
        sizes = sizes.numpy()  # (images, 2)
        self.positions = np.maximum(sizes - patch_size + 1, 1)
        self.first = np.minimum((sizes - patch_size) // 2, 0)  # an image smaller than the patch lies in its middle
        counts = self.positions.prod(axis=1).astype(np.float64)
        shares = counts if weighting == "pixels" else np.ones_like(counts)
        self.cumulative = np.cumsum(shares / shares.sum())
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size

    def __getitem__(self, step: int) -> Tensor:
        random = np.random.Generator(np.random.Philox(key=[self.seed, step])).random((self.batch_size, 4))
        image = np.searchsorted(self.cumulative[:-1], random[:, 0], side="right")
        top_left = np.floor(random[:, 1:3] * self.positions[image]) + self.first[image]
        coordinates = np.column_stack([image, top_left, random[:, 3] * 8]).astype(np.int64)
        return torch.from_numpy(coordinates[self.rank :: self.world_size].copy())


class StepSampler(Sampler[int]):
    """The step numbers of one epoch, from wherever the run stands (mid-epoch too, after `resume`).

    Args:
        steps_per_epoch: batches in an epoch.
        steps_done: asked at the start of each epoch: batches trained on so far.
    """

    def __init__(self, steps_per_epoch: int, steps_done: Callable[[], int]):
        self.steps_per_epoch, self.steps_done = steps_per_epoch, steps_done

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[int]:
        first = self.steps_done()
        return iter(range(first, first - first % self.steps_per_epoch + self.steps_per_epoch))


class CoordinateLoader(DataLoader):
    """A DataLoader that Lightning may resume within an epoch: its place follows from the step count."""

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state: dict) -> None:
        pass
