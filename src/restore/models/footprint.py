"""How much memory a network takes to restore an image: counted in a trial on a small one."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from restore.conditions import Network, apply_network

TRIAL = 192  # pixels a side, at least


def bytes_per_pixel(network: Network, like: Tensor, conditions: Mapping[str, Tensor], grid: int = 1) -> float:
    """The most bytes that tensors take at once while a network restores an image, for each pixel of it.

    Counted as torch makes and frees storages, in a trial on random pixels, so that skips that are held
    and temporary copies are in it; the working memory of a library's convolutions is not.

    Args:
        like: any image of the channels and on the device of those that are to be restored.
        grid: period that the trial's sides are multiples of.
    """
    side = -(-TRIAL // grid) * grid
    image = torch.rand(1, like.shape[1], side, side, generator=torch.Generator().manual_seed(0)).to(like.device)
    own = {n: c if c.dim() != 4 else c.flatten()[0].expand(1, 1, side, side) for n, c in conditions.items()}
    if like.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(like.device)
        before = torch.cuda.memory_allocated(like.device)
        with torch.no_grad():
            apply_network(network, image, own)
        return (torch.cuda.max_memory_allocated(like.device) - before) / side**2
    with torch.no_grad(), Storages() as storages:
        apply_network(network, image, own)
    return storages.most / side**2


class Storages(TorchDispatchMode):
    """Counts the bytes of the storages that are made while it is on.

    Attributes:
        now, most: bytes of those that still live, and the most that lived at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        for tensor in output if isinstance(output, tuple | list) else (output,):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return output

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
