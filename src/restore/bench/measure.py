"""How things are measured here: medians of repeats, interleaved where they are compared, the machine named."""

from __future__ import annotations

import csv
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from restore import atomic
from restore.conditions import apply_network, stand_in, told
from restore.evaluation.score import autocast
from restore.training.hardware import compute_dtype, device_kind, measure_peak


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_of(call: Callable[[], object]) -> float:
    synchronise()
    start = time.perf_counter()
    call()
    synchronise()
    return time.perf_counter() - start


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Median over repeats, after one that is not counted."""
    call()
    return statistics.median(seconds_of(call) for _ in range(repeats))


def interleaved(calls: dict[str, Callable[[], object]], repeats: int, warm: bool = False) -> dict[str, float]:
    """Median seconds of several calls, taken in turn, so that a machine that slows down slows all of them.

    Args:
        warm: the calls need no first one that is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in () if warm else calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds_of(call))
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def training_step(network: nn.Module, clean: torch.Tensor, precision: str) -> Callable[[], None]:
    """Forward, backward and update on one batch, and nothing else: the plain loop that others are held to."""
    kind = clean.device.type
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    clean = clean.contiguous(memory_format=torch.channels_last)
    degraded = clean + 0.1 * torch.randn_like(clean)
    given = stand_in(told(network), degraded)

    def step() -> None:
        with autocast(kind, precision):
            restored = apply_network(network, degraded, given)
        loss = (restored.float() - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def convolution_peak(precision: str, maps: int = 64, batch: int = 16, side: int = 50) -> float:
    """FLOP/s of one 3×3 convolution of 64 maps, forward and backward: what the networks are made of."""
    kind = device_kind()
    dtype = compute_dtype(kind, precision)
    layer = nn.Conv2d(maps, maps, 3, padding=1).to(kind, dtype, memory_format=torch.channels_last)

    def make(shape: tuple[int, int]) -> Callable[[], None]:
        count, length = shape
        x = torch.randn(count, maps, length, length, device=kind, dtype=dtype)
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        gradient = torch.randn_like(x)

        def both_ways() -> None:
            layer(x).backward(gradient)
            synchronise()

        return both_ways

    growing = [(1, side // 8), (1, side // 4), (1, side // 2), *((2**n, side) for n in range(batch.bit_length()))]
    return measure_peak(make, growing, lambda shape: 6 * maps * maps * 9 * shape[0] * shape[1] ** 2)


def slope(work: Sequence[float], seconds: Sequence[float]) -> float:
    """Exponent of cost against counted work: 1 where cost grows as the work does."""
    x, y = ([math.log(value) for value in values] for values in (work, seconds))
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def machine() -> str:
    """Processor or GPU, threads and torch, in one phrase."""
    kind = device_kind()
    cores = "" if kind == "cuda" else f", {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    return f"{machine_name()}{cores}, {kind}, torch {torch.__version__}"


def machine_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


Section = Callable[[int], tuple[list[dict], str]]


def report(folder: Path, name: str, heading: str, sections: Sequence[Section], repeats: int) -> None:
    """Measure section by section; write ``<name>.csv`` with all rows and ``<name>.md`` with what each says."""
    parts, rows = [f"{heading}, medians of {repeats} in one run on {machine()}."], []
    for section in sections:
        times, text = section(repeats)
        rows += times
        parts.append(text)
        print(f"\n{text}", flush=True)
    write_csv(folder / f"{name}.csv", rows)
    atomic.write(folder / f"{name}.md", "\n\n".join(parts) + "\n")
    print(f"\n{folder / f'{name}.md'}")


def write_csv(path: Path, rows: Sequence[dict]) -> None:
    with atomic.replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows({key: f"{v:.5g}" if isinstance(v, float) else v for key, v in row.items()} for row in rows)
