"""matplotlib for files, imported where a figure is drawn: it is heavy."""

from __future__ import annotations

import importlib.util
from types import ModuleType


def installed() -> bool:
    """Whether there is a matplotlib to draw with."""
    return importlib.util.find_spec("matplotlib") is not None


def pyplot() -> ModuleType:
    """``matplotlib.pyplot``, drawing without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
