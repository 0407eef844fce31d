"""Rows made up so that what they say is known."""

from __future__ import annotations

import pytest

from restore.results import store


def rows_of(
    image: str, psnr: float = 29.0, more: dict[str, tuple[float, float]] | None = None, **changes
) -> list[dict]:
    """The rows of one image, PSNR and SSIM; more or others by `more`: a value and the input's, by metric."""
    base = dict.fromkeys(store.COLUMNS, "")
    base |= {"run": "r", "task": "denoise", "model": "dncnn_s", "method_kind": "network", "protocol": "dncnn"}
    base |= {"dataset": "bsd68", "setting": "sigma=25", "image": image, "channels": 1, "overlap": "none"}
    values = {"psnr": (psnr, 20.0), "ssim": (0.9, 0.3)} | (more or {})
    return [
        base | {"metric": metric, "value": value, "value_input": before} | changes
        for metric, (value, before) in values.items()
    ]


@pytest.fixture
def image_rows():
    return rows_of
