"""What this machine can do, asked of it and not assumed."""

from __future__ import annotations

import contextlib
import ctypes
import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch

from restore.training.torch_compat import cpu_has_bf16_units

PEAK_SECONDS = 0.8  # that a measurement of peak may take, and half of it where that is enough for five calls
HEADROOM = 2.5  # a larger product may take so many times as long as its operations say: caches end


def device_kind(accelerator: str = "auto") -> str:
    """``cuda``, ``mps`` or ``cpu``: where ``accelerator=auto`` would train."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return "cuda"
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def has_bf16_units(kind: str) -> bool:
    """Whether matrix products in bfloat16 run on units of their own, and so faster than float32."""
    if kind == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    return kind == "cpu" and cpu_has_bf16_units()


def default_precision(accelerator: str = "auto") -> str:
    """``bf16-mixed`` where there are units for it, else ``32-true``."""
    return "bf16-mixed" if has_bf16_units(device_kind(accelerator)) else "32-true"


def disable_tf32() -> None:
    """Switches TensorFloat-32 off in what is said to be float32: torch leaves it on for cuDNN's convolutions."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def keep_freed_memory() -> None:
    """Lets glibc keep the memory of freed activations for the next step instead of giving it back to the system.

    Each layer's activations are several MB, which glibc maps anew, page by page, at every allocation:
    DnCNN-S at 128×50×50 trains 1.9 times as fast without that (two cores, bfloat16). Elsewhere than on
    Linux with glibc nothing happens.
    """
    trim_threshold, mmap_max = -1, -4  # of mallopt(3)
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, 2**31 - 1)


def compute_dtype(kind: str, precision: str) -> torch.dtype:
    """The type in which a precision multiplies: Lightning takes 16-mixed on a CPU for bf16-mixed.

    Example:
        >>> compute_dtype("cpu", "bf16-mixed"), compute_dtype("cpu", "32-true")
        (torch.bfloat16, torch.float32)
    """
    if kind == "mps":
        return torch.float32
    if precision.startswith("bf16") or _computes_as_bf16(kind, precision):
        return torch.bfloat16
    return {"16": torch.float16, "64": torch.float64}.get(precision[:2], torch.float32)


def _computes_as_bf16(kind: str, precision: str) -> bool:
    return kind == "cpu" and precision in ("16", "16-mixed")


def slow_precision(kind: str, precision: str) -> str | None:
    """One sentence where a precision is not what it seems on this machine, None where it is.

    It says by what factor products in a precision without units take longer than in float32, as
    measured (two seconds at most, and nothing where there are units), and that 16-mixed on a CPU is bf16-mixed.
    """
    sentences = []
    if _computes_as_bf16(kind, precision):
        sentences.append("16-mixed is computed as bf16-mixed on a CPU")
    if not _has_units(kind, compute_dtype(kind, precision)):
        peak, float32 = matrix_peak(kind, precision), matrix_peak(kind, "32-true")
        if float32 > 1.5 * peak:
            sentences.append(
                f"{precision} is slow on this machine, which only emulates it: a matrix product takes "
                f"{float32 / peak:.0f} times as long as in float32 "
                f"({peak / 1e9:.3g} and {float32 / 1e9:.3g} GFLOP/s measured)"
            )
    return "; ".join(sentences) or None


def _has_units(kind: str, dtype: torch.dtype) -> bool:
    if dtype == torch.bfloat16:
        return has_bf16_units(kind)
    if dtype == torch.float16:
        return kind == "cuda" and torch.cuda.get_device_capability() >= (7, 0)
    return True


@lru_cache(maxsize=8)
def matrix_peak(kind: str, precision: str) -> float:
    """Measures FLOP/s of a large matrix product in the precision in use: the yardstick of "share of peak".

    Products of 64³ to 2048³ (8192³ on a GPU): the largest that a second has room for.
    """
    dtype, largest = compute_dtype(kind, precision), 8192 if kind == "cuda" else 2048
    sizes = [2**power for power in range(6, int(math.log2(largest)) + 1)]
    return measure_peak(lambda size: _product(kind, dtype, size), sizes, lambda size: 2 * size**3)


def _product(kind: str, dtype: torch.dtype, size: int) -> Callable[[], None]:
    """A product of two square matrices, done when the call returns."""
    generator = torch.Generator(kind).manual_seed(0)  # the global one is the run's
    a, b = (torch.randn(size, size, device=kind, dtype=dtype, generator=generator) for _ in range(2))
    product = torch.empty_like(a)

    def multiply() -> None:
        torch.mm(a, b, out=product)
        synchronise(kind)

    return multiply


def synchronise(kind: str) -> None:
    """Waits for all that a device was asked to do."""
    if kind == "cuda":
        torch.cuda.synchronize()
    elif kind == "mps":
        torch.mps.synchronize()


def measure_peak(
    make: Callable[[Any], Callable[[], None]], sizes: Sequence[Any], work: Callable[[Any], float]
) -> float:
    """Measures FLOP/s at the largest of growing sizes for which a second has room, whatever the machine.

    A size is begun only where the one before says that the time left suffices, `HEADROOM` times over. The fastest of
    many counts, since a peak is what the machine reaches undisturbed.

    Args:
        make: size to a call that does the work and returns when it is done.
        sizes: ascending; the first is small enough for any machine, and done once beforehand, as what loads libraries.
        work: size to floating-point operations of one call.
    """
    make(sizes[0])()
    deadline = time.perf_counter() + PEAK_SECONDS
    size, seconds = sizes[0], []
    for following in sizes:
        if seconds and HEADROOM * min(seconds) * work(following) / work(size) > deadline - time.perf_counter():
            break
        size, call = following, make(following)
        seconds = [_seconds(call)]
        _repeat(call, seconds, deadline, at_most=3)
    _repeat(call, seconds, deadline, at_most=5)
    _repeat(call, seconds, deadline - PEAK_SECONDS / 2)
    return work(size) / min(seconds)


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _repeat(call: Callable[[], None], seconds: list[float], deadline: float, at_most: float = math.inf) -> None:
    """Adds the seconds of further calls, none begun that by those before it would end after the deadline."""
    while len(seconds) < at_most and 1.2 * min(seconds) < deadline - time.perf_counter():
        seconds.append(_seconds(call))
