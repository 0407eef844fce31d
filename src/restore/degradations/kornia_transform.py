"""kornia's intensity transforms as degradations."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from kornia.augmentation import IntensityAugmentationBase2D
from kornia.augmentation.random_generator import RandomGeneratorBase
from torch import Tensor, nn

from restore.bounds import ImageChannels, Whole
from restore.conditions import ORIENTATIONS, Pair, turn
from restore.degradations.base import Degradation, Strengths

PREFIX = "kornia_"  # before kornia's names of its parameters: its `sigma` is a blur's, and the noise's here
COUNT, SIDE = 5, 61  # images that a transform is tried on; odd, so that nothing is symmetric for the size alone
OF_EVERY_TRANSFORM = ("batch_prob", "forward_input_shape")  # of kornia's parameters, those that say nothing


class KorniaTransform(Degradation):
    """``y = t(x; θ)``: a transform of ``kornia.augmentation`` that moves no pixel, each sample with its own θ ~ kornia.

    kornia draws from torch's global generators, on the CPU by default. Here they are seeded from the
    passed generator while kornia draws, and put back as they were (`seeded_from`); parameters are drawn
    on the CPU on every machine, and the image is transformed where it is. All samples are
    transformed (``p`` of 1), each by its own parameters (``same_on_batch`` false); the few
    parameters that kornia draws once for a batch, such as the order of ``ColorJitter``'s steps, stay so.

    Where each parameter is one number a sample whatever the image's size, `draw` gives them under
    kornia's names; else there is nothing to draw apart, and `apply` draws all.

    Args:
        transform: an ``IntensityAugmentationBase2D``, or a mapping of its class, as ``_target_``, and its arguments.
        channels: of the images, on which it is tried when it is built.
        margin: pixels around a training patch that its border depends on: of a filter, half its side.
        grid: period in pixels at which it matters where in the image a patch begins: 16 for ``RandomJPEG``.

    Shape:
        ``(N, C, H, W)``, on any device, to the same. Computed in float32, neither clipped nor rounded here.

    Conditions:
        kornia_<name>: each parameter that is one number a sample, under kornia's name and in kornia's units.

    Raises:
        ValueError: no such class, one that is no intensity transform, arguments that kornia refuses or that
            would not be followed, or a transform that cannot degrade images of so many channels.

    Example:
        >>> gamma = KorniaTransform({"_target_": "kornia.augmentation.RandomGamma", "gamma": [0.5, 2]})
        >>> gamma.conditions
        ('kornia_gamma_factor', 'kornia_gain_factor')
        >>> pair = gamma(torch.full((8, 3, 16, 16), 0.5), torch.Generator().manual_seed(0))
        >>> expected = 0.5 ** pair.conditions["kornia_gamma_factor"]
        >>> bool(torch.allclose(pair.degraded[:, 0, 0, 0], expected))
        True
    """

    def __init__(
        self,
        transform: IntensityAugmentationBase2D | Mapping[str, Any],
        channels: ImageChannels = 3,
        margin: Whole = 0,
        grid: Whole = 0,
    ):
        super().__init__()
        for name, pixels in (("margin", margin), ("grid", grid)):
            if pixels < 0:
                raise ValueError(f"{name} must be at least 0 pixels, and it is {pixels}")
        self.margin, self.grid, self.channels = margin, grid, channels
        self.transform = build_transform(transform) if isinstance(transform, Mapping) else transform
        check_per_sample(self.transform)
        self.suffix = f" {_name(self.transform)}"
        if isinstance(transform, Mapping):
            self.suffix += "".join(f" {key}={_shown(v)}" for key, v in transform.items() if key != "_target_")
        parameters, self._symmetries = self._try()
        values = tuple(name for name, drawn in parameters.items() if drawn.shape == (COUNT,))
        self.conditions = tuple(PREFIX + name for name in values)
        self.drawn_first = values if len(values) == len(parameters) and self._are_free_of_size() else ()

    def _try(self) -> tuple[dict[str, Tensor], tuple[int, ...]]:
        """What is drawn for a few images, and the orientations in which the transform then does the same."""
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(COUNT, self.channels, SIDE, SIDE, generator=generator)
        channels = f"{self.channels} channel{'s' if self.channels > 1 else ''}"
        with _refusal(f"transform {_name(self.transform)} on images of {channels}"), seeded_from(generator):
            parameters = self._draw_all(image.shape)
            upright = self._transformed(image, parameters)
            turned = [self._transformed(turn(image, orientation), parameters) for orientation in ORIENTATIONS]
            if upright.shape != image.shape:
                raise ValueError(f"it makes {tuple(image.shape)} into {tuple(upright.shape)}")
        if any(drawn.dim() > 2 for drawn in parameters.values()):  # maps and places, which lie as they are drawn
            return parameters, (0,)
        same = [torch.allclose(turned[o], turn(upright, o), atol=1e-4) for o in ORIENTATIONS]
        return parameters, (0, *(o for o in ORIENTATIONS[1:] if same[o]))

    def _are_free_of_size(self) -> bool:
        """Whether parameters are the same for images of another size."""
        draws = []
        for height in (SIDE, 2 * SIDE):
            with seeded_from(torch.Generator().manual_seed(0)):
                draws.append(self._draw_all(torch.Size((COUNT, self.channels, height, SIDE))))
        return all(torch.equal(drawn, draws[1][name]) for name, drawn in draws[0].items())

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """kornia's parameters, under its names, where each is a number a sample; else nothing, and `apply` draws them."""
        if not self.drawn_first:
            return {}
        with seeded_from(generator):
            drawn = self._draw_all(torch.Size((count, self.channels, SIDE, SIDE)))
        return {name: drawn[name].to(generator.device, non_blocking=True) for name in self.drawn_first}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        with seeded_from(generator):
            parameters = dict(strengths) if self.drawn_first else self._draw_all(clean.shape)
            degraded = self._transformed(clean.float(), parameters)
        conditions = {
            name: parameters[name.removeprefix(PREFIX)].to(clean.device, clean.dtype, non_blocking=True)
            for name in self.conditions
        }
        return Pair(degraded.to(clean.dtype), clean, conditions)

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """Those in which it was seen to do the same with the same parameters; upright alone where it draws maps or places."""
        return self._symmetries

    def _draw_all(self, shape: torch.Size) -> dict[str, Tensor]:
        """What kornia draws for a batch, but for which samples are transformed: all."""
        drawn = self.transform.forward_parameters(shape)
        return {name: value for name, value in drawn.items() if name not in OF_EVERY_TRANSFORM}

    def _transformed(self, image: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        count = image.shape[0]
        common = {"batch_prob": torch.ones(count), "forward_input_shape": torch.tensor(image.shape)}
        return self.transform.apply_transform(image, dict(parameters) | common, self.transform.flags, None)

    def _apply(self, fn, recurse: bool = True) -> KorniaTransform:
        """Moves what the transform holds; what draws its parameters stays on the CPU, where kornia has it."""
        for module in self.transform.modules():
            if not isinstance(module, RandomGeneratorBase):
                nn.Module._apply(module, fn, recurse=False)
        return self


@contextlib.contextmanager
def seeded_from(generator: torch.Generator) -> Iterator[None]:
    """torch's global generators, of the CPU and of the generator's GPU, seeded from it; afterwards they are as before.

    The seed is a digest of the generator's state, which is known without waiting for a GPU; the generator moves on.
    """
    state = generator.get_state().numpy().tobytes()
    seed = int.from_bytes(hashlib.blake2b(state, digest_size=7).digest())
    torch.rand(1, generator=generator, device=generator.device)
    gpus = [generator.device] if generator.device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed is every GPU's too
        for gpu in gpus:
            torch.cuda.default_generators[gpu.index].manual_seed(seed)
        yield


def build_transform(words: Mapping[str, Any]) -> IntensityAugmentationBase2D:
    """The transform of a class's path, ``_target_``, and its arguments, with ``p`` of 1 where that is not said.

    Raises:
        ValueError: see `KorniaTransform`.
    """
    path = str(words.get("_target_"))
    module, _, name = path.rpartition(".")
    with _refusal(f"transform {path}"):
        kind = getattr(importlib.import_module(module), name)
    if not isinstance(kind, type) or not issubclass(kind, IntensityAugmentationBase2D):
        raise ValueError(f"transform must be an intensity transform of kornia.augmentation, and it is {path}")
    arguments: dict[str, Any] = {"p": 1.0} if "p" in inspect.signature(kind).parameters else {}
    arguments |= {key: _tuples(value) for key, value in words.items() if key != "_target_"}
    with _refusal(f"transform {name}"):
        return kind(**arguments)


def check_per_sample(transform: object) -> None:
    """Refuse what is no intensity transform, and one that leaves samples clean or is told to treat all alike.

    Raises:
        ValueError: says which.
    """
    name = _name(transform)
    if not isinstance(transform, IntensityAugmentationBase2D):
        raise ValueError(f"transform must be an intensity transform of kornia.augmentation, and it is {name}")
    if transform.p != 1 or transform.p_batch != 1:
        raise ValueError(f"transform {name} must degrade every sample, p of 1, and its p is {transform.p:g}")
    if transform.same_on_batch and "same_on_batch" in inspect.signature(type(transform)).parameters:
        raise ValueError(f"transform {name} must draw for each sample, and its same_on_batch is true")


def _tuples(value: Any) -> Any:
    """Lists as tuples: of ranges, some of kornia's transforms take no other."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@contextlib.contextmanager
def _refusal(what: str) -> Iterator[None]:
    """Whatever kornia raises, and it has errors of its own, as a sentence."""
    try:
        yield
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{what}: {reason[0]}") from error


def _name(transform: object) -> str:
    return type(transform).__name__


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
