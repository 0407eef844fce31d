"""How much memory there is, asked before it is taken: of the machine, of a container's limit, of a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch

from restore.errors import RequestError

UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
# what torch says on Linux and on Windows, CUDA, NumPy
UNFIT = ("can't allocate memory", "not enough memory", "out of memory", "Unable to allocate")
GROUPS = Path("/sys/fs/cgroup")  # Linux's limits of groups of processes, which containers and Slurm set


def check_memory(needed: float, what: str, kind: str = "cpu") -> None:
    """Refuse what cannot fit before it is allocated.

    Args:
        needed: bytes, at least.
        what: needs them: the sentence begins with it.
        kind: ``cpu``, ``cuda`` or ``mps``: where they would lie.

    Raises:
        RequestError: there is less, even with nothing else in it.
    """
    there = device_memory(kind)
    if needed > there:
        place = "the GPU" if kind == "cuda" else "this machine"
        raise RequestError(f"{what} needs at least {in_words(needed)} of memory, and {place} has {in_words(there)}")


def device_memory(kind: str) -> int:
    """Bytes that a device has in all; of several GPUs the smallest one's."""
    if kind == "cuda":
        return min(torch.cuda.get_device_properties(index).total_memory for index in range(torch.cuda.device_count()))
    return machine_memory()


@cache
def machine_memory() -> int:
    """Bytes that this process may have: the machine's memory, or what a container or ``ulimit -v`` leaves of it."""
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_group_limits(), *_process_limits()])


def _group_limits() -> Iterator[int]:
    """Of the process's groups and of those that they lie in, by either version of Linux's control groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            place, name = (GROUPS, "memory.max") if not controllers else (GROUPS / "memory", "memory.limit_in_bytes")
            group = place / path.lstrip("/")
            for folder in (group, *group.parents):
                yield from _limit_in(folder / name)
                if folder == place:
                    break


def _limit_in(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:  # a container sees its own group at the top, under another path
        return
    if text.isdigit():  # or max
        yield int(text)


def _process_limits() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY:
            yield limit


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in UNFIT)


def in_words(size: float) -> str:
    """Bytes with the unit in which they are read.

    Example:
        >>> in_words(25_300_000_000), in_words(999), in_words(4e30)
        ('25.3 GB', '999 bytes', '4e+12 EB')
    """
    power = 0
    while size >= 1000 and power < len(UNITS) - 1:
        size, power = size / 1000, power + 1
    digits = "e" if size >= 1e6 else "f"
    return f"{size:.{0 if power == 0 or digits == 'e' else 1}{digits}} {UNITS[power]}"
