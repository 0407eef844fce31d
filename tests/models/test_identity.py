import pytest
import torch

from restore.models.identity import Identity


@pytest.mark.parametrize("channels", [1, 3])
def test_changes_nothing(channels, generator):
    y = torch.rand(2, channels, 8, 9, generator=generator)
    assert torch.equal(Identity(channels)(y), y)
    assert not list(Identity(channels).parameters())
