"""Is a test image also among the training images? Asked of the content, not of names."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from restore.data.datasets import Images
from restore.errors import RequestError
from restore.image import LEVELS, PEAKS

log = logging.getLogger("restore")

REDUCTION = 8  # how much smaller the images are for the first look
SHORTLIST = 0.75  # correlation at that size above which a pair is looked at whole
SAME = 0.95  # correlation at full size from which a pair is the same picture


def overlap(training: Images, test: Images, cache: str | Path | None = None) -> dict[str, str]:
    """The test images that a training set contains, whole or cropped: ``{test name: training name}``.

    Normalised cross-correlation of the smaller image in the larger: at an eighth of the size for
    every pair, then at full size about the place found. Gray and colour versions of a photograph
    match; a version of another size, turned or mirrored is not found. Identical files are found by
    their hash without that.

    Args:
        cache: folder of earlier answers, one small file per pair of sets by content.
    """
    key = hashlib.sha256("".join([*map(_digest, training.sources), "|", *map(_digest, test.sources)]).encode())
    store = Path(cache).expanduser() / "overlap" / f"{key.hexdigest()[:32]}.json" if cache else None
    if store and (known := _earlier(store)) is not None:
        return known
    matches = _search(training, test)
    if store:
        try:
            store.parent.mkdir(parents=True, exist_ok=True)
            partial = store.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(matches))
            partial.replace(store)
        except OSError:
            pass  # a cache that cannot be written only costs time
    return matches


def _earlier(store: Path) -> dict[str, str] | None:
    """An earlier answer; None where there is none, or it is torn or of another kind: it is searched for again then."""
    try:
        answer = json.loads(store.read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(answer, dict) and all(isinstance(name, str) for name in answer.values())
    return answer if whole else None


def overlaps(
    training: Images, tests: Sequence[Images], cache: str | Path | None, strict: bool
) -> tuple[dict[str, dict[str, str]] | None, list[str]]:
    """`overlap` of each test set, by its name, and a phrase for each that has any; None without OpenCV.

    Raises:
        RequestError: an overlap, or no OpenCV to look for one, under `strict`.
    """
    try:
        matches = {images.name: overlap(training, images, cache) for images in tests}
    except ImportError as error:
        if strict:
            raise RequestError(f"strict=true compares images, and {error}") from error
        return None, [f"not checked: {error}"]
    phrases = [f"{len(names)} of {name}" for name, names in matches.items() if names]
    if phrases and strict:
        raise RequestError(f"strict=true, and the training images contain {', '.join(phrases)}")
    return matches, phrases


def log_overlaps(
    training: Images, tests: Sequence[Images], cache: str | Path | None, strict: bool
) -> dict[str, dict[str, str]] | None:
    """`overlaps`, and a line that says them."""
    matches, phrases = overlaps(training, tests, cache, strict)
    log.info(f"overlap     of training and test images: {', '.join(phrases) or 'none'}")
    return matches


def _digest(image: Tensor) -> str:
    return hashlib.sha256(repr(tuple(image.shape)).encode() + image.numpy().tobytes()).hexdigest()


def _search(training: Images, test: Images) -> dict[str, str]:
    hashes = {_digest(image): name for name, image in zip(training.names, training.sources, strict=True)}
    large = [gray(image).numpy() for image in training.sources]
    small = [_reduce(image) for image in large]
    matches = {}
    for name, source in zip(test.names, test.sources, strict=True):
        if (digest := _digest(source)) in hashes:
            matches[name] = hashes[digest]
            continue
        image = gray(source).numpy()
        reduced = _reduce(image)
        for other, other_reduced, other_name in zip(large, small, training.names, strict=True):
            score, place = _correlate(reduced, other_reduced)
            if score > SHORTLIST and _confirm(image, other, place) > SAME:
                matches[name] = other_name
                break
    return matches


def _reduce(image: np.ndarray) -> np.ndarray:
    import cv2  # only here

    size = tuple(max(side // REDUCTION, 2) for side in image.shape[::-1])
    # blurred well below the coarse grid, so that a crop off the grid still looks alike
    return cv2.resize(cv2.GaussianBlur(image, (0, 0), REDUCTION / 2), size, interpolation=cv2.INTER_AREA)


def _correlate(first: np.ndarray, second: np.ndarray) -> tuple[float, Sequence[int]]:
    """Best normalised correlation of the smaller in the larger, and its (left, top) there."""
    import cv2

    if first.shape[0] > second.shape[0] or first.shape[1] > second.shape[1]:
        first, second = second, first
    if first.shape[0] > second.shape[0] or first.shape[1] > second.shape[1]:
        # neither holds the other: a portrait and a landscape
        return 0.0, (0, 0)
    if first.std() < 1e-3:
        return 0.0, (0, 0)
    scores = cv2.matchTemplate(second, first, cv2.TM_CCOEFF_NORMED)
    scores[~np.isfinite(scores)] = 0
    _, best, _, place = cv2.minMaxLoc(scores)
    return float(best), place


def _confirm(first: np.ndarray, second: np.ndarray, place: Sequence[int]) -> float:
    """Best normalised correlation at full size within two coarse pixels of a place."""
    if first.shape[0] > second.shape[0] or first.shape[1] > second.shape[1]:
        first, second = second, first
    left, top = (max(0, (p - 2) * REDUCTION) for p in place)
    bottom, right = top + first.shape[0] + 4 * REDUCTION, left + first.shape[1] + 4 * REDUCTION
    window = second[top:bottom, left:right]
    return _correlate(first, window)[0] if window.shape[0] >= first.shape[0] else 0.0


def gray(image: Tensor) -> Tensor:
    """One plane ``(H, W)`` of an image in levels of 8 bits, for comparing content."""
    levels = image.float() * (LEVELS / PEAKS.get(image.dtype, 1.0))
    return levels.mean(dim=0) if image.shape[0] == 3 else levels[0]
