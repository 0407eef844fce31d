"""Pixel transforms of albumentations 2.0.8 as a degradation: on the CPU, image by image, seeded per sample."""

from __future__ import annotations

import inspect
import os
import random
import warnings
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Le
from torch import Tensor

from restore.bounds import ImageChannels
from restore.conditions import Pair
from restore.degradations.base import Degradation, Strengths
from restore.errors import unknown_name

IMAGE = "wants a second image with every call"
MASK = "wants a mask of objects with every call"
KIND = "changes what kind of numbers there are, not the image"
REFUSED = {  # transforms that leave pixels in place, and that cannot be had all the same
    "FDA": IMAGE,
    "HistogramMatching": IMAGE,
    "PixelDistributionAdaptation": IMAGE,
    "MaskDropout": MASK,
    "ConstrainedCoarseDropout": MASK,
    "TextImage": "wants a font and a text with every call; task=inpaint_text draws text",
    "Normalize": "leaves the range of an image",
    "ToFloat": KIND,
    "FromFloat": KIND,
    "ToRGB": "changes the number of channels, not the image",
}
SIDE = 64  # of the image that a transform is tried on

Pixels = Annotated[int, Ge(0), Le(64)]


class AlbumentationsTransforms(Degradation):
    """Applies transforms of albumentations in a row to a CPU copy of each image, and takes the result back.

    Albumentations draws from a state of its own, which every transform holds. Here one integer is drawn for each
    sample from the passed generator; it seeds one NumPy and one Python generator, from which all transforms of the
    sample draw in turn. (``Compose(seed=…)`` would give each transform the same seed, so that two noises in a row
    are the same noise.) NumPy's and Python's global generators are neither read nor moved.

    Args:
        transforms: names, or mappings of a ``name`` and the transform's arguments; ``p``, the share of the samples
            that it is applied to, is 1 where it is not given (albumentations' own default is mostly 0.5).
            ``{name: OneOf, transforms: […]}`` applies one of several, drawn by their ``p``.
        channels: 1 or 3: every transform is tried on such an image when it is built.
        margin: pixels around a training patch that its own border depends on.
        grid: period in pixels at which it matters where a patch begins, such as a codec's blocks; 0 for none.

    Shape:
        ``(N, C, H, W)``, C of 1 or 3, any size and device, to the same. The image is handed over as float32 of
        [0, 1], clipped to it; a transform that computes in 8 bits rounds it (see `restore.degradations.albumentations_catalogue`).

    Deviations:
        albumentations hands RGB to OpenCV's encoders, which read it as BGR, so that red and blue change places in
        the luma that a file keeps best. ``ImageCompression`` gets its channels in OpenCV's order here, and its
        files are those that a camera or Pillow writes.

    Raises:
        RequestError: a name or an argument that there is not, with the nearest one.
        ValueError: transforms, an argument's value, `margin` or `grid` out of what they may be; a transform that
            does not take such images.
    """

    def __init__(
        self,
        transforms: Sequence[str | Mapping[str, Any]],
        channels: ImageChannels = 3,
        margin: Pixels = 0,
        grid: Pixels = 0,
    ):
        super().__init__()
        if isinstance(transforms, (str, Mapping)) or not transforms:
            raise ValueError(f"transforms is a list of at least one, [{{name: GaussNoise}}], and it is {transforms!r}")
        if channels not in (1, 3):
            raise ValueError(f"channels is 1 (gray) or 3 (colour), and it is {channels}")
        for name, pixels in (("margin", margin), ("grid", grid)):
            if not isinstance(pixels, int) or not 0 <= pixels <= 64:
                raise ValueError(f"{name} is a whole number of pixels from 0 to 64, and it is {pixels}")
        self.margin, self.grid = margin, grid
        self.transforms = [_built(entry, channels) for entry in transforms]
        self.suffix = " " + "+".join(map(_in_words, transforms))

    def draw(self, count: int, generator: torch.Generator) -> Strengths:
        """Seeds, one a sample, int64."""
        return {"seed": torch.randint(2**62, (count,), generator=generator, device=generator.device)}

    def apply(self, clean: Tensor, strengths: Strengths, generator: torch.Generator) -> Pair:
        images = clean.float().clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()  # (N, H, W, C)
        seeds = strengths["seed"].cpu().tolist()
        degraded = np.stack([self._transformed(image, seed) for image, seed in zip(images, seeds, strict=True)])
        result = torch.from_numpy(degraded).permute(0, 3, 1, 2).contiguous()
        return Pair(result.to(clean.device, clean.dtype), clean)

    def _transformed(self, image: np.ndarray, seed: int) -> np.ndarray:
        numbers, choices = np.random.default_rng(seed), random.Random(seed)
        image = image.copy()
        for transform in self.transforms:
            transform.set_random_state(numbers, choices)
            image = transform(image=image)["image"]
        return image

    def symmetries(self, told: Collection[str] = ()) -> tuple[int, ...]:
        """The identity alone: of most transforms no other is known."""
        return (0,)


@lru_cache(maxsize=1)
def pixel_transforms() -> dict[str, type]:
    """Albumentations' transforms that leave every pixel in its place, by name; imported without its call home.

    They are its image-only transforms and those that drop pixels; what cannot be had of them is in `REFUSED`.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or its import asks a server for its newest version
    import albumentations

    return {
        name: kind
        for name, kind in vars(albumentations).items()
        if inspect.isclass(kind)
        and issubclass(kind, albumentations.BasicTransform)
        and (issubclass(kind, albumentations.ImageOnlyTransform) or ".dropout." in kind.__module__)
        and name != "ImageOnlyTransform"
    }


def _built(entry: str | Mapping[str, Any], channels: int) -> Any:
    """A transform of albumentations from its name and arguments, found to take an image of so many channels."""
    arguments = dict(entry) if isinstance(entry, Mapping) else {"name": entry}
    name = arguments.pop("name", None)
    if not isinstance(name, str):
        raise ValueError(
            f"transforms has one without a name, written {{name: GaussNoise, std_range: [0,0.1]}}: it is {entry!r}"
        )
    arguments = {"p": 1.0} | arguments
    if name == "OneOf":
        return _one_of(arguments, channels)
    _check_name(name)
    kind = _compression() if name == "ImageCompression" else pixel_transforms()[name]
    known = [*inspect.signature(pixel_transforms()[name]).parameters]
    for argument in arguments:
        if argument not in known:
            raise unknown_name(f"argument of {name}", str(argument), known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            transform = kind(**arguments)
        except (ValueError, TypeError) as error:
            raise ValueError(_sentence(name, error)) from error
        _try(transform, name, channels)
    return transform


def _check_name(name: str) -> None:
    known = pixel_transforms()
    import albumentations  # after its call home is silenced

    if name in REFUSED:
        raise ValueError(f"transforms cannot have {name}: it {REFUSED[name]}")
    if name not in known and inspect.isclass(getattr(albumentations, name, None)):
        raise ValueError(f"transforms cannot have {name}: it is none that changes pixels and leaves them in place")
    if name not in known:
        raise unknown_name("transform of albumentations", name, ["OneOf", *(set(known) - set(REFUSED))])


def _one_of(arguments: dict[str, Any], channels: int) -> Any:
    from albumentations import OneOf

    entries, share = arguments.pop("transforms", None), arguments.pop("p")
    if isinstance(entries, (str, Mapping)) or not entries or arguments:
        raise ValueError("transforms has OneOf as {name: OneOf, transforms: [{name: GaussNoise}, {name: Blur}]}")
    parts = [_built(entry, channels) for entry in entries]
    if not isinstance(share, (int, float)) or not 0 <= share <= 1 or not sum(part.p for part in parts):
        raise ValueError(f"transforms has OneOf with a p from 0 to 1 and a part of p above 0, and its p is {share!r}")
    return OneOf(parts, p=share)


@lru_cache(maxsize=1)
def _compression() -> type:
    """``ImageCompression`` that gets colour in OpenCV's order."""
    from albumentations import ImageCompression

    class Compression(ImageCompression):
        def apply(self, img: np.ndarray, *args: Any, **params: Any) -> np.ndarray:
            swapped = np.ascontiguousarray(img[..., ::-1])  # of one channel, itself
            return np.ascontiguousarray(super().apply(swapped, *args, **params)[..., ::-1])

    return Compression


def _try(transform: Any, name: str, channels: int) -> None:
    """Refuse a transform that does not turn an image into one of its kind.

    Raises:
        ValueError: why it does not.
    """
    ramp = np.linspace(0.1, 0.9, SIDE, dtype=np.float32)
    image = np.stack([np.outer(ramp, ramp[::step]) for step in (1, -1, 1)[:channels]], axis=-1)
    transform.set_random_state(np.random.default_rng(0), random.Random(0))
    try:
        result = transform(image=image, force_apply=True)["image"]
    except Exception as error:
        gray = channels == 1 and any(word in str(error) for word in ("3-channel", "one channel"))
        why = "it is for colour images (task.channels=3)" if gray else _first_line(error)
        raise ValueError(f"transforms has {name}, which cannot be applied: {why}") from error
    if result.shape != image.shape or result.dtype != image.dtype:
        raise ValueError(
            f"transforms has {name}, which makes {result.shape} of {result.dtype} from a float image {image.shape}"
        )


def _sentence(name: str, error: Exception) -> str:
    """What pydantic refuses, in one sentence: argument, reason and value."""
    refused = getattr(error.__cause__, "errors", None)
    if refused is None:
        return f"transforms has {name}, which is refused: {_first_line(error)}"
    first = refused()[0]
    reason = first["msg"].removeprefix("Value error, ").rstrip(".")
    argument = ".".join(map(str, first["loc"][:1]))
    value = f"'s {argument} wrong: {reason}, and it is {first['input']!r}" if argument else f" wrong: {reason}"
    return f"transforms has {name}{value}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _in_words(entry: str | Mapping[str, Any]) -> str:
    """A transform as a setting's name says it: ``ISONoise(intensity=0.1..0.5)``."""
    if isinstance(entry, str):
        return entry
    if entry["name"] == "OneOf":
        return f"OneOf({'|'.join(map(_in_words, entry['transforms']))})"
    arguments = ",".join(f"{key}={_value(value)}" for key, value in entry.items() if key != "name")
    return f"{entry['name']}({arguments})" if arguments else entry["name"]


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "..".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
