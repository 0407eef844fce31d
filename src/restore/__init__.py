"""restore: train, ablate, score and use image-restoration networks.

One image convention holds everywhere below the file readers: a float32 tensor of shape
``(N, C, H, W)`` with values in [0, 1]; C is 1 (gray) or 3 (RGB). What a person sets or reads
(`sigma`, image files, the peak of PSNR) is in levels of 0 to 255; `restore.image` is the one
place where levels and the unit range meet.

From Python there are three functions, imported when they are first used: `load` a network,
`restore_image` with it, and `score` any function of an image as the networks here are scored.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restore.library import load, restore_image, score

if sys.argv[:1] == ["-m"] and any(word.startswith(("restore", "-mrestore")) for word in sys.orig_argv[1:3]):
    from restore import signals  # `python -m restore.run` can be told to stop while it still imports

    signals.listen()

__version__ = "0.1.0"
__all__ = ["__version__", "load", "restore_image", "score"]


def __getattr__(name: str) -> Any:
    if name in ("load", "restore_image", "score"):
        from restore import library

        return getattr(library, name)
    raise AttributeError(f"module 'restore' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
