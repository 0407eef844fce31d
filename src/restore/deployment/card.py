"""What an exported file says of the network in it: what it restores, what it is told, how its tiles overlap, its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import restore
from restore.conditions import KERNELS, MAPS, told
from restore.errors import RequestError
from restore.evaluation.tiling import check_tiles, reach_of
from restore.results.quantities import quantity

KEY = "restore"  # of the metadata of an ONNX file, under which the card stands as JSON
RANGE = (0.0, 1.0)


@dataclass(frozen=True)
class Card:
    """What is known of a network outside of its graph.

    Attributes:
        model: its name in ``conf/model``.
        task: that it was trained for, by its name in ``conf/task``; empty where that is not known.
        channels: of its images, 1 or 3.
        conditions: what it is told, each with its form, ``value`` ``(N,)``, ``map`` ``(N, 1, H, W)`` or ``kernel``.
        reach: margin and grid in pixels (`restore.models.reach.Reach`); None where it restores whole images alone.
        scale: that images are enlarged by before the network sees them: 1, or super-resolution's factors.
        luma_alone: of a network of one channel, whether it restores the luma of colour images and keeps their chroma
            (super-resolution, JPEG), or each channel by itself (noise is in all of them).
        weights: where they come from, and the SHA-256 of that file.
        scores: means over a set's images, of a dataset, setting, protocol and metric each; none where nothing is known.
        data_range: of the values of its images.
        version: of this package.
    """

    model: str
    task: str
    channels: int
    conditions: Mapping[str, str] = field(default_factory=dict)
    reach: tuple[int, int] | None = None
    scale: tuple[int, ...] = (1,)
    luma_alone: bool = False
    weights: str = ""
    weights_sha256: str = ""
    licence: str = ""
    scores: Sequence[Mapping[str, Any]] = ()
    data_range: tuple[float, float] = RANGE
    version: str = restore.__version__

    def to_json(self) -> str:
        """The card as text, of ASCII alone."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Card:
        """A card as it was written.

        Raises:
            ValueError: it is none.
        """
        try:
            content = json.loads(text)
            content |= {key: tuple(content[key]) for key in ("scale", "scores", "data_range")}
            content["reach"] = tuple(content["reach"]) if content["reach"] else None
            return cls(**content)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it has no card of restore that can be read ({error})") from error


def forms(network: object) -> dict[str, str]:
    """The form of each condition that a network is told.

    Example:
        >>> from restore.models.ffdnet import FFDNet
        >>> forms(FFDNet())
        {'sigma': 'value'}
    """
    return {name: "kernel" if name in KERNELS else "map" if name in MAPS else "value" for name in told(network)}


def tiles_of(network: Any, channels: int, name: str) -> tuple[int, int] | None:
    """Margin and grid of the tiles that a network restores as it does the whole image; None where it does not."""
    import torch

    from restore.conditions import stand_in

    image = torch.zeros(1, channels, 16, 16)
    conditions = stand_in(told(network), image)
    conditions |= {key: c[..., :1, :1].clone() for key, c in conditions.items() if c.dim() == 4}
    try:
        reach = reach_of(network, channels, conditions, name)
        check_tiles(network, reach, image, image.shape[-2], image.shape[-1], conditions, name)
    except RequestError:
        return None
    return reach.margin, reach.grid


def mean_scores(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a card says of the means of ``results.csv`` (`restore.results.store.means`)."""
    kept = ("dataset", "setting", "protocol", "metric", "images")
    return [
        {key: row[key] for key in kept} | {"value": round(float(row["value"]), quantity(row["metric"]).stored_digits)}
        for row in rows
    ]
