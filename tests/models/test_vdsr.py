import pytest
import torch

from restore.models.cost import Cost, count_cost
from restore.models.vdsr import VDSR

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(VDSR(), 1, 20, 30)
    assert cost == Cost(640 + 18 * (HIDDEN + 64) + 577, (1152 + 18 * HIDDEN) * 600, 41)


def test_starts_near_the_identity(generator):
    y = torch.rand(2, 1, 12, 9, generator=generator)
    assert 0 < (VDSR(depth=4, width=8)(y) - y).abs().max() < 0.1


def test_refuses_by_name():
    with pytest.raises(ValueError, match="depth must be at least 2"):
        VDSR(depth=1)
