"""Which patches a step trains on: a pure function of the seed and the step's number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from restore.data.windows import Windows


class PatchCoordinates(Dataset):
    """Item k is the LongTensor ``(B, 4)`` of step k: image, top, left, orientation; or ``(B, 6)``, see `Windows`.

    The global batch of a step is drawn whole and each rank takes its own share of it, so that the
    patches of a step do not depend on how many devices there are, and a resumed run needs no
    sampler state but the step's number.

    Args:
        sizes: height and width of every image, ``(images, 2)``.
        patch_size: side of the square patch in pixels.
        batch_size: global, over all ranks.
        seed: of the run.
        weighting: ``pixels`` draws every position of the set alike, ``images`` every image alike.
        rank, world_size: this process among all.
        orientations: ``all`` draws one of eight for every patch, ``batch`` one for a whole batch, ``none`` turns none.
        pool: patches drawn once from the seed, and gone through in a new order every epoch; None draws every
            patch anew. The pool is spread evenly over the positions (or images) of the set: one of as many
            patches as there are whole images of one size holds each of them once.
        windows: what is cut around each patch to be degraded; None for the patch alone.
    """

    def __init__(
        self,
        sizes: Tensor,
        patch_size: int,
        batch_size: int,
        seed: int,
        weighting: str,
        rank: int = 0,
        world_size: int = 1,
        orientations: str = "all",
        pool: int | None = None,
        windows: Windows | None = None,
    ):
        self.sizes, self.windows = sizes.numpy(), windows  # (images, 2)
        self.positions = np.maximum(self.sizes - patch_size + 1, 1)
        counts = self.positions.prod(axis=1).astype(np.float64)
        shares = counts if weighting == "pixels" else np.ones_like(counts)
        self.cumulative = np.cumsum(shares / shares.sum())
        self.batch_size, self.seed, self.rank, self.world_size = batch_size, seed, rank, world_size

        self.orientations = orientations
        self.pool = self._drawn_pool(pool) if pool else None
        self.order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))  # an epoch's number and its order of the pool

    def __getitem__(self, step: int) -> Tensor:
        random = self._generator(step).random((self.batch_size, 4))
        places = self._places(random[:, :3]) if self.pool is None else self.pool[self._numbers(step)]
        coordinates = np.column_stack([places, self._oriented(random[:, 3])]).astype(np.int64)
        coordinates = coordinates[self.rank :: self.world_size].copy()
        if self.windows is not None:
            coordinates = self.windows.around(coordinates, self.sizes[coordinates[:, 0]])
        return torch.from_numpy(coordinates)

    def _generator(self, number: int, stream: int = 0) -> np.random.Generator:
        """A stream of the seed's: 0 for the steps, 1 for the pool, 2 for the orders of the epochs."""
        return np.random.Generator(np.random.Philox(key=[self.seed, number], counter=[0, 0, 0, stream]))

    def _places(self, random: np.ndarray) -> np.ndarray:
        """Image, top and left of uniform numbers ``(n, 3)``."""
        image = np.searchsorted(self.cumulative[:-1], random[:, 0], side="right")
        top_left = np.floor(random[:, 1:] * self.positions[image])
        return np.column_stack([image, top_left])

    def _oriented(self, random: np.ndarray) -> np.ndarray:
        if self.orientations == "none":
            return np.zeros_like(random)
        return (np.full_like(random, random[0]) if self.orientations == "batch" else random) * 8

    def _drawn_pool(self, count: int) -> np.ndarray:
        random = self._generator(0, stream=1).random((count, 3))
        random[:, 0] = (np.arange(count) + random[:, 0]) / count  # one of each equal share of the positions
        return self._places(random)

    def _numbers(self, step: int) -> np.ndarray:
        """Which patches of the pool a step has: the next ones in the order of its epoch."""
        numbers = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = numbers // len(self.pool)
        return np.concatenate(
            [self._shuffled(epoch)[numbers[epochs == epoch] % len(self.pool)] for epoch in np.unique(epochs)]
        )

    def _shuffled(self, epoch: int) -> np.ndarray:
        if self.order[0] != epoch:
            self.order = (epoch, self._generator(int(epoch), stream=2).permutation(len(self.pool)))
        return self.order[1]


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
