"""How large a network is before it is built: on torch's meta device, where tensors have a shape and no numbers."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
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
from restore.memory import check_memory, in_words, machine_memory

MOST_TENSORS = 10_000  # weights and biases of a network; the deepest here have a hundred
SIDE = 2**5 * 3**5  # of the image that maps are counted on: strides of 2 and 3 divide it
FLOAT = 4  # bytes
UNFIT = ("can't allocate memory", "calculation overflowed", "Unable to allocate")  # torch's, and NumPy's
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
    sketch = None
    try:
        with _counted(name), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.random.fork_rng(devices=[]), torch.device("meta"):
                sketch = build()
    except Refused:
        raise
    except Exception:  # what else its constructor has to say, it says below
        pass
    if sketch is not None:
        check_memory(FLOAT * sum(parameter.numel() for parameter in sketch.parameters()), name)
    with _counted(name):
        return build()


@contextlib.contextmanager
def _counted(name: str) -> Iterator[None]:
    """Stops whoever builds a network of too many or too large tensors.

    Raises:
        RequestError: whatever that made of it on its way.
    """
    numbers = tensors = 0
    refusals: list[RequestError] = []

    def count(module: nn.Module, key: str, tensor: torch.Tensor | None) -> None:
        nonlocal numbers, tensors
        numbers, tensors = numbers + (0 if tensor is None else tensor.numel()), tensors + 1
        try:
            if tensors > MOST_TENSORS:
                raise RequestError(f"{name} has more than {MOST_TENSORS} weights and biases: too many layers")
            check_memory(FLOAT * numbers / 2, name)  # half: a layer may replace what it registered
        except RequestError as error:
            refusals.append(error)
            raise

    hooks = (register_module_parameter_registration_hook, register_module_buffer_registration_hook)
    handles = [hook(count) for hook in hooks]
    try:
        yield
    except Exception as error:
        if refusals:
            raise Refused(str(refusals[0])) from error
        if any(words in str(error) for words in UNFIT):
            raise Refused(f"{name} needs more memory than the {in_words(machine_memory())} of this machine") from error
        raise
    finally:
        for handle in handles:
            handle.remove()


class Refused(RequestError):
    """A network that this machine does not hold."""


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
