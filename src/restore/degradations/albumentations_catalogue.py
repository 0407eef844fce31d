"""Which pixel transforms of albumentations can be had as a corruption, found by trying each."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from restore.degradations.albumentations_transform import REFUSED, AlbumentationsTransforms, pixel_transforms

NEEDED = {"XYMasking": {"num_masks_x": 2, "mask_x_length": 8}}  # arguments without which a transform does nothing
SIDE = 48


@dataclass(frozen=True)
class Entry:
    """What is known of one transform.

    Attributes:
        name: albumentations' own.
        gray: whether it takes images of one channel.
        colour: whether it takes images of three.
        eight_bit: whether a float image comes back rounded to 8 bits.
        drawn: whether it differs from sample to sample with its default arguments.
        reason: why it cannot be had; empty where it can.
    """

    name: str
    gray: bool = False
    colour: bool = False
    eight_bit: bool = False
    drawn: bool = False
    reason: str = ""


@lru_cache(maxsize=1)
def catalogue() -> tuple[Entry, ...]:
    """Tries every pixel transform on a gray and a colour image, in the order of their names."""
    names = sorted(pixel_transforms())
    return tuple(Entry(name, reason=REFUSED[name]) if name in REFUSED else _tried(name) for name in names)


def table() -> str:
    """The catalogue in Markdown."""
    entries = catalogue()
    lines = ["| transform | gray | colour | 8 bits | drawn |", "|---|---|---|---|---|"]
    for entry in entries:
        if not entry.reason:
            marks = (entry.gray, entry.colour, entry.eight_bit, entry.drawn)
            lines.append(f"| `{entry.name}` | " + " | ".join("yes" if mark else "" for mark in marks) + " |")
    lines += ["", "| cannot be had | |", "|---|---|"]
    lines += [f"| `{entry.name}` | {entry.reason} |" for entry in entries if entry.reason]
    return "\n".join(lines) + "\n"


def _tried(name: str) -> Entry:
    entry = {"name": name, **NEEDED.get(name, {})}
    reasons, results = list[str](), dict[int, list[np.ndarray]]()
    for channels in (1, 3):
        image = np.random.default_rng(0).random((SIDE, SIDE, channels), dtype=np.float32)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that an image is gray already
                transform = AlbumentationsTransforms([entry], channels).transforms[0]
                results[channels] = [image, *(_result(transform, image, seed) for seed in range(4))]
        except ValueError as error:
            reasons.append(str(error))
    if not results:
        return Entry(name, reason=reasons[-1])
    image, *degraded = results[max(results)]
    eight_bit = all(np.abs(255 * result - np.rint(255 * result)).max() < 1e-3 for result in degraded)
    drawn = any(not np.array_equal(degraded[0], other) for other in degraded[1:])
    changes = {
        channels: any(not np.array_equal(before, after) for after in others)  # ChannelShuffle leaves gray as it is
        for channels, (before, *others) in results.items()
    }
    return Entry(name, changes.get(1, False), changes.get(3, False), eight_bit, drawn)


def _result(transform: Any, image: np.ndarray, seed: int) -> np.ndarray:
    transform.set_random_state(np.random.default_rng(seed), random.Random(seed))
    return transform(image=image.copy())["image"]
