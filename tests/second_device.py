"""A stand-in for a GPU: tensors that say they are elsewhere, computed on the CPU, and refused what CUDA refuses.

A tensor of the second device wraps a CPU tensor and says that its device is ``meta``. Under
`second_device` every operation is taken apart, computed on what is wrapped, and wrapped again.
Refused, as on a GPU, are operations on tensors of both devices, a generator of the other device,
and ``.numpy()``. Allowed, as there: scalars (tensors of no dimension) and indices from the CPU, and copies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from restore import dct, resize

ELSEWHERE = torch.device("meta")
MOVES = ("aten::copy_", "aten::_to_copy")  # from one device to the other
TAKES_INDICES = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class Remote(torch.Tensor):
    """A tensor of the second device around the CPU tensor that holds its values."""

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> Remote:
        like = {"strides": values.stride(), "storage_offset": values.storage_offset(), "dtype": values.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, values.size(), device=ELSEWHERE, **like)

    def __init__(self, values: torch.Tensor):
        self.values_here = values.detach()

    def __repr__(self) -> str:
        return f"Remote({self.values_here})"

    def numpy(self, **_):
        raise TypeError("a tensor of the second device has no NumPy array: .cpu() first")

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


class RemoteGenerator(torch.Generator):
    """A generator that says on which of the two devices it is."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")

    def __init__(self, device="cpu"):
        self.place = torch.device(device)

    @property
    def device(self) -> torch.device:
        return self.place


def compute(operation, args, kwargs):
    """One operation on the wrapped values; its results are where its arguments, or the asked device, are."""
    name = operation._schema.name
    remote = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Remote)]
    if remote and name not in MOVES:
        refuse_mixtures(name, args, kwargs)
    asked = kwargs.get("device")
    there = bool(remote) if asked is None else torch.device(asked).type == ELSEWHERE.type
    if name == "aten::copy_":
        there = isinstance(args[0], Remote)
    if asked is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    here = tree_map_only(Remote, lambda leaf: leaf.values_here, (args, kwargs))
    result = operation(*here[0], **here[1])
    if operation._schema.is_mutable and args and isinstance(args[0], Remote) and result is here[0][0]:
        return args[0]  # in place: the same tensor, not another one around the same values
    return tree_map_only(torch.Tensor, Remote, result) if there else result


def refuse_mixtures(name: str, args, kwargs) -> None:
    indices = tree_leaves(args[1]) if name in TAKES_INDICES else []
    for leaf in tree_leaves((args, kwargs)):
        local = isinstance(leaf, torch.Tensor) and not isinstance(leaf, Remote) and leaf.dim()
        if local and not any(leaf is index for index in indices):
            raise RuntimeError(f"{name}: a tensor of the CPU, {tuple(leaf.shape)}, among the second device's")


class Operations(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


class Calls(TorchFunctionMode):
    """What dispatch is too late for: generators have lost their place there, and ``torch.tensor`` its device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            place = torch.device(kwargs.pop("device"))
            return function(*args, **kwargs).to(place)
        if (generator := kwargs.get("generator")) is not None:
            tensors = [argument for argument in args if isinstance(argument, torch.Tensor)]
            place = kwargs.get("device") or (tensors[0].device if tensors else "cpu")
            if torch.device(place).type != generator.device.type:
                raise RuntimeError(f"{function.__name__}: a generator of {generator.device} for {place}")
        return function(*args, **kwargs)


@contextlib.contextmanager
def second_device() -> Iterator[torch.device]:
    """The second device, while it exists; constants kept for the real ``meta``, which costs are counted on, are not its."""
    autocast = torch.autocast
    forget_constants()

    def autocast_here(kind: str, *args, **kwargs):
        return autocast("cpu" if kind == ELSEWHERE.type else kind, *args, **kwargs)

    with (
        mock.patch.object(torch, "Generator", RemoteGenerator),
        mock.patch.object(torch, "autocast", autocast_here),
        Calls(),
        Operations(),
    ):
        try:
            yield ELSEWHERE
        finally:
            forget_constants()


def forget_constants() -> None:
    """Empty the caches of tensors by device."""
    for function in (dct._transform, dct._tables, resize._down_up):
        function.cache_clear()
