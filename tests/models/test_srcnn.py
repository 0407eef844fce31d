import pytest

from restore.models.cost import Cost, count_cost
from restore.models.srcnn import SRCNN


@pytest.mark.parametrize(
    ("kernel_sizes", "weights", "field"),
    [((9, 1, 5), 8032, 13), ((9, 5, 5), 57_184, 17)],  # both counts are the paper's
)
def test_counts_by_hand(kernel_sizes, weights, field):
    cost = count_cost(SRCNN(kernel_sizes=kernel_sizes), 1, 20, 30)
    assert cost == Cost(weights + 64 + 32 + 1, weights * 600, field)
