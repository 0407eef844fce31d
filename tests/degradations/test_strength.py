import pytest
import torch

from restore.degradations.strength import Strength, levels_to_test


def test_number_range_and_set(generator):
    assert Strength(25, "sigma", 0).sample(3, generator).tolist() == [25, 25, 25]
    drawn = Strength([5, 55], "sigma", 0).sample(2000, generator)
    assert 5 <= drawn.min() < 6
    assert 54 < drawn.max() <= 55
    assert drawn.mean() == pytest.approx(30, abs=1)
    members = Strength({"set": [10, 30, 70]}, "sigma", 0).sample(500, generator)
    assert set(members.tolist()) == {10, 30, 70}


def test_same_generator_same_strengths():
    one, two = (Strength([0, 55], "sigma", 0).sample(8, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert len(set(one.tolist())) == 8


@pytest.mark.parametrize(
    "value", [-1, [-1, 5], [5, 1], "25", None, True, {"set": []}, {"of": [1]}, [1, 2, 3], float("nan")]
)
def test_refuses_by_name(value):
    with pytest.raises(ValueError, match=r"task\.sigma"):
        Strength(value, "task.sigma", 0)


@pytest.mark.parametrize(
    ("value", "levels"), [(25, [25]), ({"set": [10, 30]}, [10, 30]), ([0, 55], [15, 25, 50]), ([60, 70], [60, 70])]
)
def test_levels_follow_training(value, levels):
    assert levels_to_test(value, (15, 25, 50), "task.sigma") == levels
