import pytest
import torch

from restore.degradations.real import RealPairs
from restore.errors import RequestError


def test_real_pairs_say_what_they_need(generator):
    with pytest.raises(RequestError, match=r"data=gopro, data=pairs"):
        RealPairs()(torch.zeros(1, 1, 4, 4), generator)
