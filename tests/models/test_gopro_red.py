import pytest
import torch

from restore.models.cost import Cost, count_cost
from restore.models.gopro_red import GoproRED

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


def test_counts_by_hand():
    cost = count_cost(GoproRED(depth=4), 3, 20, 30)
    assert cost == Cost(1728 + 128 + 2 * (HIDDEN + 128) + 1728 + 6, (3456 + 2 * HIDDEN) * 600, 9)


def test_pooling_widens_the_receptive_field():
    # 3×3, 2×2 pooling, then 3×3 thrice on maps of half the size, up, 3×3: 1 + 2 + 1 + 2·(2 + 2) + 2 and d1 at half size
    assert count_cost(GoproRED(depth=4, pool=[1]), 3, 8, 8).receptive_field == 1 + 2 + 1 + 4 + 4 + 2


def test_output_is_a_picture(generator):
    out = GoproRED(3, depth=4, width=4)(100 * torch.randn(2, 3, 9, 9, generator=generator))
    assert out.min() >= 0
    assert out.max() <= 1


@pytest.mark.parametrize(("argument", "value"), [("activation", "swish"), ("pool", [3]), ("depth", 5)])
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        GoproRED(**({"depth": 6} | {argument: value}))
