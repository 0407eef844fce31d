"""Schedules: their ends, and the arguments they refuse."""

import pytest

from restore.optim.schedule import Constant, Exponential, Step, WarmupCosine


def test_ends():
    assert Constant()(0.7) == 1
    assert Exponential(1e-3)(0) == 1
    assert Exponential(1e-3)(1) == pytest.approx(1e-3)
    assert Step(0.6, 0.1)(0.59) == 1
    assert Step(0.6, 0.1)(0.6) == 0.1
    cosine = WarmupCosine(0.1)
    assert cosine(0.05) == pytest.approx(0.5)
    assert cosine(0.1) == pytest.approx(1)
    assert cosine(1) == pytest.approx(0)
    assert WarmupCosine(0)(0) == 1


@pytest.mark.parametrize("make", [lambda: Exponential(0), lambda: WarmupCosine(1), lambda: Step(2)])
def test_refuses(make):
    with pytest.raises(ValueError, match=r"optim\.schedule"):
        make()
