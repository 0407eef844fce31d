import pytest
import torch
from torch import nn

from conftest import exact
from restore.degradations.bicubic import BicubicDownUp
from restore.degradations.blur import Blur
from restore.degradations.jpeg import JPEG
from restore.degradations.mix import Mix, Regions
from restore.degradations.noise import GaussianNoise


class Set(nn.Module):
    def __init__(self, value: float):
        super().__init__()
        self.value = value

    def forward(self, clean, generator):
        return torch.full_like(clean, self.value)


def test_each_part_gets_its_share(generator):
    degraded = Mix([Set(1.0), Set(2.0), Set(3.0)])(torch.zeros(3000, 1, 2, 2), generator).degraded
    counts = torch.bincount(degraded[:, 0, 0, 0].long(), minlength=4)[1:] / 3000
    torch.testing.assert_close(counts, torch.full((3,), 1 / 3), atol=0.05, rtol=0)
    assert (degraded == degraded[:, :1, :1, :1]).all(), "one part for a whole sample"


def test_regions_are_where_figure_12_has_them(generator):
    regions = Regions([[Set(1.0), Set(2.0), Set(3.0)], [Set(4.0), Set(5.0), JPEG(10)]])
    clean = torch.full((1, 1, 21, 32), 0.5)
    degraded = exact(regions, clean)
    assert [degraded[0, 0, y, x].item() for y in (0, 9) for x in (0, 10, 31)] == [1, 2, 3, 1, 2, 3]
    assert [degraded[0, 0, y, x].item() for y in (10, 20) for x in (9, 19)] == [4, 5, 4, 5]
    assert 0 < degraded[0, 0, 20, 31].item() < 1
    assert torch.equal(clean, torch.full((1, 1, 21, 32), 0.5))
    with pytest.raises(ValueError, match="rows of one length"):
        Regions([[Set(1.0)], []])


def test_margin_is_the_largest_and_the_grid_common_to_all():
    assert Mix([GaussianNoise(5), Blur("disk", radius=7)]).margin == 7
    assert Mix([GaussianNoise(5), Blur("disk", radius=7)]).grid == 0
    assert Mix([GaussianNoise(5), BicubicDownUp(3), JPEG(10, channels=1)]).grid == 24
    with pytest.raises(ValueError, match="at least one"):
        Mix([])
