"""Durations as a person writes them and reads them."""

from __future__ import annotations

from restore.errors import RequestError


def seconds(limit: str | float | None) -> float | None:
    """Reads a time limit as seconds: a number of them, ``90s``, ``6m``, ``2h`` or Lightning's ``DD:HH:MM:SS``.

    Raises:
        RequestError: none of these, not above 0, or without end.

    Example:
        >>> seconds("6m"), seconds("00:00:06:00"), seconds(None)
        (360.0, 360.0, None)
    """
    if limit is None:
        return None
    text = str(limit)
    try:
        if ":" in text:
            value = 0.0
            for part, unit in zip(reversed(text.split(":")), (1, 60, 3600, 86400), strict=False):
                value += float(part) * unit
        else:
            unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
            value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise RequestError(f"trainer.max_time is a time such as 90s, 6m, 2h or 00:00:06:00, and it is '{limit}'")
    return value


def clock(seconds: float) -> str:
    """Writes seconds as a clock shows them.

    Example:
        >>> clock(75), clock(3725)
        ('1:15', '1:02:05')
    """
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
