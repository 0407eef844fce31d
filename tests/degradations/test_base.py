import pytest
import torch

from restore.conditions import Pair
from restore.degradations.base import Degradation, PlainDegradation, TestStream, as_degradation


class Scaled(Degradation):
    conditions = ("gain",)

    def draw(self, count, generator):
        return {"gain": torch.rand(count, generator=generator, device=generator.device)}

    def apply(self, clean, strengths, generator):
        gain = strengths["gain"]
        return Pair(gain.view(-1, 1, 1, 1) * clean, clean, {"gain": gain})


def test_called_it_draws_and_applies(generator):
    clean = torch.rand(3, 1, 4, 5, generator=generator)
    pair = Scaled()(clean, torch.Generator().manual_seed(1))
    drawn = torch.rand(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(pair.conditions["gain"], drawn)
    assert torch.equal(pair.degraded, drawn.view(-1, 1, 1, 1) * clean)
    chosen = Scaled().apply(clean, {"gain": torch.zeros(3)}, generator)
    assert not chosen.degraded.any()


def test_a_test_pair_is_a_training_pair_unless_it_says_otherwise():
    clean, stream = torch.rand(1, 1, 4, 5), TestStream.seeded(3)
    strengths = Scaled().draw(1, stream.generator)
    assert torch.equal(
        Scaled().exact(clean, strengths, stream).degraded, Scaled().apply(clean, strengths, None).degraded
    )
    assert (Scaled.margin, Scaled.grid, Scaled.suffix) == (0, 0, "")
    assert len(Scaled().symmetries()) == 8


def test_one_seed_one_stream_of_normal_numbers():
    one, two, other = (TestStream.seeded(seed).normal((2, 3)) for seed in (5, 5, 6))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_any_callable_is_wrapped(generator):
    clean = torch.rand(2, 1, 4, 5, generator=generator)
    wrapped = as_degradation(lambda image, generator: image / 2)
    assert isinstance(wrapped, PlainDegradation)
    pair = wrapped(clean, generator)
    assert torch.equal(pair.degraded, clean / 2)
    assert pair.conditions == {}
    assert wrapped.symmetries() == (0,)
    module = as_degradation(torch.nn.Flatten(start_dim=4))  # a module is a part of what wraps it
    assert len(list(module.modules())) == 2
    assert as_degradation(wrapped) is wrapped


def test_one_that_does_not_say_how_it_degrades(generator):
    with pytest.raises(NotImplementedError, match="Degradation says how it degrades in `apply`"):
        Degradation()(torch.zeros(1, 1, 2, 2), generator)
