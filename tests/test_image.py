import torch

from restore.image import quantise, to_levels, to_unit


def levels_to_test_and_unit_range_are_inverse():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_levels(to_unit(levels)), levels)


def test_quantise_keeps_what_a_file_keeps():
    image = torch.tensor([-1.0, 0.1, 2.0])
    assert torch.equal(quantise(image), torch.tensor([0.0, 26 / 255, 1.0]))
    assert torch.equal(image, torch.tensor([-1.0, 0.1, 2.0]))
