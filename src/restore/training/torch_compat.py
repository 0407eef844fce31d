"""What has no public name in torch 2.11–2.13: each in a function that fails when it is gone. Lightning is not imported for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def cpu_has_bf16_units() -> bool:
    """Whether this CPU has AMX or AVX512-BF16; torch 2.13 has no public question, and one without it gets no."""
    questions = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return any(question is not None and question() for question in questions)


def lerp(starts: Sequence[Tensor], ends: Sequence[Tensor], weight: float) -> tuple[Tensor, ...]:
    """``start + weight · (end − start)`` of many tensors in one call; torch names what its own optimisers use so."""
    return torch._foreach_lerp(starts, ends, weight)


def lerp_(starts: Sequence[Tensor], ends: Sequence[Tensor], weight: float) -> None:
    """The same in place of the starts."""
    torch._foreach_lerp_(starts, ends, weight)
