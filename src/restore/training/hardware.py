"""What this machine can do, asked of it and not assumed."""

from __future__ import annotations

import contextlib
import ctypes
import time
from functools import lru_cache

import torch


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
    if kind == "cpu":
        # torch offers no public question for these
        asked = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
        return any(question is not None and question() for question in asked)
    return False


def default_precision(accelerator: str = "auto") -> str:
    return "bf16-mixed" if has_bf16_units(device_kind(accelerator)) else "32-true"


def disable_tf32() -> None:
    """No TensorFloat-32 in what is said to be float32: torch leaves it on for cuDNN's convolutions."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def keep_freed_memory() -> None:
    """Let glibc keep the memory of freed activations for the next step instead of giving it back to the system.

    Each layer's activations are several MB, which glibc maps anew, page by page, at every allocation:
    DnCNN-S at 128×50×50 trains 1.9 times as fast without that (two cores, bfloat16). Elsewhere than on
    Linux with glibc nothing happens.
    """
    trim_threshold, mmap_max = -1, -4  # of mallopt(3)
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, 2**31 - 1)


@lru_cache(maxsize=8)
def matrix_peak(kind: str, precision: str) -> float:
    """Measured FLOP/s of a large matrix product in the precision in use: the yardstick of "share of peak".

    Half a second or so; the fastest of many, since a peak is what the machine reaches undisturbed.
    """
    bf16 = precision.startswith("bf16") and kind != "mps"
    size = 8192 if kind == "cuda" else 2048
    a, b = (torch.randn(size, size, device=kind, dtype=torch.bfloat16 if bf16 else torch.float32) for _ in range(2))
    synchronise = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(kind, lambda: None)
    product = a @ b
    seconds = []
    begin = time.perf_counter()
    while len(seconds) < 5 or time.perf_counter() - begin < 0.5:
        synchronise()
        start = time.perf_counter()
        torch.mm(a, b, out=product)
        synchronise()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)
