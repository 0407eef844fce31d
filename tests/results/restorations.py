"""Restorations made up so that their values and their crops are known."""

from __future__ import annotations

import torch

from restore.conditions import Pair
from restore.data.datasets import Images
from restore.evaluation.score import Restoration, Score, fingerprint

ENTRY = {"figure": 14, "dataset": "set12", "setting": "sigma=25", "image": "a"}
TESTS = [Images("set12", ["a", "bird_GT"])]


def restoration(
    gain: float = 1.0, image: str = "a", protocol: str = "dncnn", seed: int = 0, metric: str = "psnr"
) -> Restoration:
    """A gray image of 60×80 with detail on its right, its noisy version, and that with a share of the noise gone."""
    clean = torch.full((1, 1, 60, 80), 0.5)
    clean[..., 10:50, 60:75] += 0.3 * (torch.arange(15) // 4 % 2)
    noise = 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    pair = Pair(clean + noise, clean)
    score = Score(protocol, "set12", "sigma=25", "noise", image, 0, 1, fingerprint(pair), metric, 20 + gain, 20.0)
    return Restoration(pair, clean + (1 - gain / 10) * noise, (score,))
