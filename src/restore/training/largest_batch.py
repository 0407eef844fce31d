"""What fits where the batch that was asked for did not: an estimate, from what one and two patches take."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from restore.conditions import apply_network, stand_in, told
from restore.memory import is_out_of_memory, machine_memory

SHARE = 0.9  # of the memory that is left; convolutions take some of it for their own use


def largest_batch(
    network: nn.Module, loss: nn.Module, channels: int, side: int, device: torch.device, precision: str, moments: int
) -> int:
    """Estimates how many patches one device takes at once; 0 where not even one fits.

    On a GPU the memory that a forward and backward pass over one patch and over two of them takes is measured; on
    the CPU it is that of the tensors that torch keeps for the backward pass, and as much again for their gradients
    of the widest two.

    Args:
        channels, side: of a patch.
        moments: numbers that the optimiser keeps.
    """
    gc.collect()  # what the failed step held
    network.zero_grad(set_to_none=True)
    network.train()
    try:
        one, two = (_taken(network, loss, (count, channels, side, side), device, precision) for count in (1, 2))
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            return 0
        raise
    finally:
        network.zero_grad(set_to_none=True)
    weights = 4 * (sum(parameter.numel() for parameter in network.parameters()) + moments)  # gradients, and moments
    each = max(1, two - one)
    return max(0, int((SHARE * _left(device) - weights) // each))


def _taken(network: nn.Module, loss: nn.Module, shape: tuple[int, ...], device: torch.device, precision: str) -> int:
    """Bytes that a forward and a backward pass take beyond what is there before."""
    clean = torch.rand(shape, device=device)
    dtype = torch.bfloat16 if precision.startswith("bf16") else torch.float16
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast(device.type, dtype, enabled="16" in precision),
    ):
        value = loss(apply_network(network, clean, stand_in(told(network), clean)).float(), clean)
        value.backward()
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) - before
    return sum(kept.values()) + sum(_largest(kept.values(), 2))


def _largest(sizes: Iterable[int], count: int) -> list[int]:
    return sorted(sizes)[-count:]


def _left(device: torch.device) -> int:
    """Bytes that can still be taken."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(device)[0]
    page = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/statm") as file:
        virtual, resident = (page * int(count) for count in file.read().split()[:2])
    # what nobody has taken of the machine, and what this process has left of its container's or its own limit
    left = min(os.sysconf("SC_AVPHYS_PAGES") * page, machine_memory() - resident)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return left if limit == resource.RLIM_INFINITY else min(left, limit - virtual)
