from restore.models.arcnn import ARCNN
from restore.models.cost import Cost, count_cost


def test_counts_by_hand():
    weights = 64 * 9**2 + 64 * 32 * 7**2 + 32 * 16 + 16 * 5**2
    assert weights == 106_448
    assert count_cost(ARCNN(), 1, 20, 30) == Cost(weights + 64 + 32 + 16 + 1, weights * 600, 1 + 8 + 6 + 0 + 4)
