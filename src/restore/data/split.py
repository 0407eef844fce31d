"""Which of the images that were read train and which validate, and the shrunk copies that train beside them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from torch import Tensor

from restore.data.datasets import Images
from restore.errors import RequestError
from restore.image import as_stored
from restore.resize import imresize


def hold_out(names: Sequence[Sequence[str]], share: float) -> tuple[list[int], list[int]]:
    """Numbers of the training and of the validation images, each by sorted name, counted over all sets.

    Of every set the last by name are held out, its share rounded, and one at least of a set of two or more: a
    mixture validates on all of its sets.

    Args:
        names: of the images of each set.
        share: held out, in [0, 1).

    Example:
        >>> hold_out([["a", "b", "c", "d"], ["1", "2"]], 0.25)
        ([4, 0, 1, 2], [5, 3])
    """
    every = [(name, first + i) for first, part in _counted(names) for i, name in enumerate(part)]
    order = [number for _, number in sorted(every)]
    held: set[int] = set()
    for first, part in _counted(names):
        ranked = sorted(range(len(part)), key=part.__getitem__)
        count = max(1, round(len(part) * share)) if share and (len(part) > 1 or len(names) == 1) else 0
        held |= {first + i for i in ranked[len(part) - count :]}
    return [i for i in order if i not in held], [i for i in order if i in held]


def _counted(names: Sequence[Sequence[str]]) -> list[tuple[int, Sequence[str]]]:
    """Each set with the number of images before it."""
    return [(sum(map(len, names[:i])), part) for i, part in enumerate(names)]


def spread(count: int, share: float) -> list[int]:
    """A share of so many images, evenly spaced among them, one at least: the same ones in every run.

    Example:
        >>> spread(8, 0.25)
        [2, 6]
    """
    kept = max(1, round(count * share))
    return [(2 * i + 1) * count // (2 * kept) for i in range(kept)]


def shrunk_copies(images: Images, scales: Sequence[float], least: int) -> Images:
    """The images and their copies by each factor, image by image; a copy too small for a patch is left out.

    A copy is made of the copy before it, by MATLAB's bicubic and rounded to its depth, as the released training
    program of DnCNN makes them: factors of 1, 0.9, 0.72 and 0.504 are steps of 0.9, 0.8 and 0.7.

    Args:
        scales: factors of the original's sides, falling from at most 1.
        least: smallest side of a copy, in pixels.

    Raises:
        RequestError: factors that do not fall, or real pairs, whose blur would shrink with them.
    """
    if list(scales) == [1]:
        return images
    if not scales or any(not 0 < after <= before for before, after in zip([1, *scales], scales, strict=False)):
        raise RequestError(f"data.scales are factors that fall from at most 1, such as [1,0.9], and it is {scales}")
    if images.partners:
        raise RequestError("data.scales shrinks images before they are degraded, and real pairs are degraded already")
    copies = Images(images.name)
    for name, image, source in zip(images.names, images.images, images.sources, strict=True):
        current, before = image, 1.0
        for scale in scales:
            ratio, before = round(scale / before, 6), scale
            current = _shrunk(current, ratio)
            if scale == 1 or min(current.shape[-2:]) >= least:
                copies.names.append(name if scale == 1 else f"{name} × {scale:g}")
                copies.images.append(current)
                copies.sources.append(source)
    return copies


def _shrunk(image: Tensor, ratio: float) -> Tensor:
    """An image ``(C, H, W)`` to sides of MATLAB's ``ceil(ratio · side)``, at its own depth."""
    if ratio == 1:
        return image
    height, width = (ceil(ratio * side) for side in image.shape[-2:])
    return as_stored(imresize(image.double(), height, width, (ratio, ratio)), image.dtype)
