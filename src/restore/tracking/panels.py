"""Panels of restored images: what became of them side by side, and one of each setting in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from restore.data.images import centre
from restore.evaluation.score import Restoration
from restore.image import to_levels
from restore.results.figures import ERROR_SCALE
from restore.results.quantities import quantity

if TYPE_CHECKING:
    from restore.tracking.logger import GuardedLogger  # with it comes Lightning, which not every command needs

PANELS = f"degraded, restored, clean, {ERROR_SCALE} × |restored − clean|"
SIDE = 512  # pixels: of a larger image the centre is shown


def panels(restoration: Restoration) -> np.ndarray:
    """Degraded | restored | clean | error side by side, uint8 ``(H, 4 W, 3)``; of a large image the centre."""
    pair, restored = restoration.pair, restoration.restored
    error = (restored.float() - pair.clean).abs() * ERROR_SCALE
    images = [centre(image[0].float().cpu(), SIDE) for image in (pair.degraded, restored, pair.clean, error)]
    levels = to_levels(torch.cat(images, dim=2)).permute(1, 2, 0).numpy()
    return levels.repeat(3, axis=2) if levels.shape[2] == 1 else levels


class TestedImages:
    """Keeps panels of the first image that is tested of each set and setting by the first protocol.

    Args:
        most: sets and settings that are kept.
    """

    __test__ = False  # its name is no test's

    def __init__(self, most: int = 12):
        self.most = most
        self.protocol: str | None = None
        self.pictures: dict[tuple[str, str], tuple[str, np.ndarray]] = {}

    def keep(self, restoration: Restoration) -> None:
        """Take a restored image, where it is the first of its place."""
        if not restoration.scores or len(self.pictures) >= self.most:
            return
        score = restoration.scores[0]
        protocol = score.protocol.partition("×")[0]
        self.protocol = self.protocol or protocol
        place = (score.dataset, score.setting)
        if protocol == self.protocol and place not in self.pictures:
            known = quantity(score.metric)
            values = f"{known.caption(score.value_input)} → {known.caption(score.value)}"
            caption = f"{score.dataset} {score.image}, {score.setting}: {values} ({PANELS})"
            self.pictures[place] = (caption, panels(restoration))

    def send(self, logger: GuardedLogger, step: int) -> None:
        """Hand what was kept to a logger that shows pictures, a key for each set and setting."""
        for (dataset, setting), (caption, image) in self.pictures.items():
            logger.log_image(f"tested/{part(dataset)}/{part(setting)}", [image], step, [caption])


def part(name: str) -> str:
    """A name as a part of a key, which a slash would divide: of a mix, ``sigma=10/30`` is ``sigma=10,30``."""
    return name.replace("/", ",")
