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


def test_a_set_may_have_weights(generator):
    """GOPRO's study: 611 of its test images at sigma 10, 500 at 30, 611 at 50, 500 at 70."""
    strength = Strength({"set": [10, 30, 50, 70], "weights": [611, 500, 611, 500]}, "task.sigma", 0)
    drawn = strength.sample(20_000, generator)
    shares = [(drawn == sigma).float().mean().item() for sigma in (10, 30, 50, 70)]
    assert shares == pytest.approx([611 / 2222, 500 / 2222, 611 / 2222, 500 / 2222], abs=0.01)
    even = Strength({"set": [10, 30]}, "task.sigma", 0).sample(8, torch.Generator().manual_seed(1))
    again = Strength({"set": [10, 30]}, "task.sigma", 0).sample(8, torch.Generator().manual_seed(1))
    assert torch.equal(even, again)


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -2], "12", None, [1, float("inf")], [True, 1]])
def test_weights_are_one_positive_number_a_member(weights):
    with pytest.raises(ValueError, match=r"task\.sigma: weights are a positive number for each member of the set"):
        Strength({"set": [10, 30], "weights": weights}, "task.sigma", 0)


def test_same_generator_same_strengths():
    one, two = (Strength([0, 55], "sigma", 0).sample(8, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert len(set(one.tolist())) == 8


@pytest.mark.parametrize(
    "value",
    [-1, [-1, 5], [5, 1], "25", None, True, {"set": []}, {"of": [1]}, {"weights": [1]}, [1, 2, 3], float("nan")],
)
def test_refuses_by_name(value):
    with pytest.raises(ValueError, match=r"task\.sigma"):
        Strength(value, "task.sigma", 0)


@pytest.mark.parametrize(
    ("value", "levels"), [(25, [25]), ({"set": [10, 30]}, [10, 30]), ([0, 55], [15, 25, 50]), ([60, 70], [60, 70])]
)
def test_levels_follow_training(value, levels):
    assert levels_to_test(value, (15, 25, 50), "task.sigma") == levels
