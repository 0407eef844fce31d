"""How large a network is before it is built: on torch's meta device, where tensors have a shape and no numbers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from restore.conditions import stand_in, told
from restore.errors import RequestError
from restore.memory import check_memory

MOST_TENSORS = 10_000  # weights and biases of a network; the deepest here have a hundred
PATIENCE = 1.5  # seconds that a network without numbers may take to be put together
SIDE = 2**5 * 3**5  # of the image that maps are counted on: strides of 2 and 3 divide it
KEEPERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)  # layers whose inputs a backward pass needs


def build_within_memory(build: Callable[[], nn.Module], name: str) -> nn.Module:
    """Build a network that the machine's memory holds; it is put together once without numbers first.

    A network that cannot be put together so, one that computes with its weights, say, is built at once, and counted
    as its weights come to be.

    Args:
        build: makes it.
        name: what the sentence calls it.

    Raises:
        RequestError: the weights do not fit, or there are too many layers to be meant.
    """
    sketch: nn.Module | None = None
    try:
        with _counted(name, PATIENCE), torch.random.fork_rng(devices=[]), torch.device("meta"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sketch = build()
    except RequestError as error:
        if isinstance(error, TooLargeError):
            raise
    except Exception as error:  # whatever else a constructor says is said where it is built
        if "overflow" in str(error):
            raise TooLargeError(f"{name} has more weights than can be counted") from error
    if sketch is not None:
        check_memory(4 * sum(parameter.numel() for parameter in sketch.parameters()), name)
    with _counted(name):
        return build()


class TooLargeError(RequestError):
    """A network that no machine holds."""


@contextmanager
def _counted(name: str, patience: float = float("inf")) -> Iterator[None]:
    """Stops whoever builds a network of too many or too large tensors."""
    begun, numbers, tensors = time.monotonic(), 0, 0

    def count(module: nn.Module, key: str, tensor: torch.Tensor | None) -> None:
        nonlocal numbers, tensors
        numbers, tensors = numbers + (0 if tensor is None else tensor.numel()), tensors + 1
        if tensors > MOST_TENSORS or time.monotonic() - begun > patience:
            raise TooLargeError(f"{name} has more than {min(tensors, MOST_TENSORS)} weights and biases, too many layers")
        try:
            check_memory(4 * numbers / 2, name)  # half: a layer may replace what it registered
        except RequestError as error:
            raise TooLargeError(str(error)) from error

    hooks = (register_module_parameter_registration_hook, register_module_buffer_registration_hook)
    handles = [hook(count) for hook in hooks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class Maps:
    """What a network's layers hold for each pixel of the image that it restores, in numbers.

    Attributes:
        kept: of all that a backward pass needs: every convolution's input.
        widest: of the largest input and output of one convolution, which lie side by side.
    """

    kept: float
    widest: float


def count_maps(network: nn.Module, channels: int) -> Maps:
    """Count the feature maps of a forward pass, none of which is computed; at least: additions keep some more.

    A network that cannot be run without numbers is counted as if it had none.
    """
    kept = widest = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal kept, widest
        kept += inputs[0].numel()
        widest = max(widest, inputs[0].numel() + output.numel())

    layers = [layer for layer in network.modules() if isinstance(layer, KEEPERS)]
    handles = [layer.register_forward_hook(count) for layer in layers]
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    image = torch.empty(1, channels, SIDE, SIDE, device="meta")
    training = network.training
    try:
        with torch.no_grad():
            numberless = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
            functional_call(network.eval(), numberless, (image,), stand_in(told(network), image))
    except Exception:  # one that looks at its numbers, or whose layers do not fit together: running it says so
        return Maps(0, 0)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return Maps(kept / SIDE**2, widest / SIDE**2)
