"""Conditions turn, are cut and are repeated with their image, and a network is told what it asks for."""

import itertools

import pytest
import torch

from restore.conditions import (
    ORIENTATIONS,
    Pair,
    apply_network,
    crop_square,
    repeat_conditions,
    stand_in,
    told,
    turn,
    turn_back,
    turn_conditions,
)
from restore.data.bank import ImageBank


@pytest.fixture
def image(generator) -> torch.Tensor:
    return torch.rand(2, 3, 7, 5, generator=generator)


def test_the_eight_orientations_are_a_group(image):
    versions = [turn(image, o) for o in ORIENTATIONS]
    assert len({tuple(version.flatten().tolist()) + tuple(version.shape) for version in versions}) == 8
    for o, version in zip(ORIENTATIONS, versions, strict=True):
        assert torch.equal(turn_back(version, o), image)
    square = torch.rand(1, 1, 4, 4)
    all_eight = {tuple(turn(square, o).flatten().tolist()) for o in ORIENTATIONS}
    for one, other in itertools.product(ORIENTATIONS, repeat=2):
        assert tuple(turn(turn(square, one), other).flatten().tolist()) in all_eight


def test_turned_as_the_bank_turns_its_patches():
    levels = torch.randint(0, 256, (1, 6, 6), dtype=torch.uint8)
    bank = ImageBank([levels, levels], ["a", "b"])
    for o in ORIENTATIONS:
        patch = bank.crop(torch.tensor([[0, 0, 0, o]]), 6)[0]
        assert torch.equal(patch * 255, turn(levels, o).float())


def test_maps_and_kernels_turn_and_values_stay(generator):
    conditions = {
        "sigma": torch.rand(2, generator=generator),
        "kernel": torch.rand(2, 3, 5, generator=generator),
        "mask": torch.rand(2, 1, 7, 5, generator=generator),
    }
    turned = turn_conditions(conditions, 0b101)
    assert turned["sigma"] is conditions["sigma"]
    for name in ("kernel", "mask"):
        assert torch.equal(turned[name], turn(conditions[name], 0b101))


def test_a_pair_is_cut_with_its_maps(image):
    pair = Pair(image, 1 - image, {"sigma": torch.ones(2), "mask": image[:, :1]})
    cut = pair.crop(2, 1, 3)
    assert torch.equal(cut.degraded, image[..., 2:5, 1:4])
    assert torch.equal(cut.conditions["mask"], image[:, :1, 2:5, 1:4])
    apart = pair.crop(torch.tensor([2, 4]), torch.tensor([1, 0]), 3)
    assert torch.equal(apart.clean[0], cut.clean[0])
    assert torch.equal(apart.clean[1], 1 - image[1, :, 4:7, 0:3])
    assert torch.equal(crop_square(image, 0, 0, 5), image[..., :5, :5])


def test_a_network_gets_what_it_asks_for_and_no_more(image):
    class Told:
        conditions = ("sigma",)

        def __call__(self, degraded, sigma):
            return degraded * sigma.view(-1, 1, 1, 1)

    conditions = {"sigma": torch.tensor([1.0, 2.0]), "kernel": torch.zeros(2, 3, 3)}
    assert torch.equal(apply_network(Told(), image, conditions)[1], 2 * image[1])
    assert apply_network(lambda degraded: degraded, image, conditions) is image
    assert (told(Told()), told(len)) == (("sigma",), ())
    with pytest.raises(KeyError, match="sigma"):
        apply_network(Told(), image, {})


def test_repeated_as_a_batch_is(image):
    conditions = {"sigma": torch.tensor([1.0, 2.0]), "mask": image[:, :1]}
    repeated = repeat_conditions(conditions, 3)
    assert repeated["sigma"].tolist() == [1, 2] * 3
    assert torch.equal(repeated["mask"], torch.cat([image[:, :1]] * 3))


def test_stand_ins_have_the_form_of_what_they_stand_for(image):
    made = stand_in(("sigma", "mask", "kernel"), image)
    assert {name: tuple(condition.shape) for name, condition in made.items()} == {
        "sigma": (2,),
        "mask": (2, 1, 7, 5),
        "kernel": (2, 7, 7),
    }
