"""What trains, what validates, and the shrunk copies."""

import pytest
import torch

from restore.data.datasets import Images
from restore.data.split import hold_out, shrunk_copies, spread
from restore.errors import RequestError
from restore.resize import imresize


def test_every_set_of_a_mixture_is_held_out_alike():
    first, second = [f"a{i:02d}" for i in range(20)], [f"b{i:02d}" for i in range(40)]
    training, validation = hold_out([second, first], 0.1)
    names = second + first
    assert [names[i] for i in validation] == ["a18", "a19", "b36", "b37", "b38", "b39"]
    assert [names[i] for i in training] == first[:18] + second[:36]


def test_one_set_holds_out_its_last_by_name():
    names = [str(i) for i in range(13)]
    training, validation = hold_out([names], 0.1)
    assert validation == [9]
    assert [names[i] for i in training] == sorted(names)[:-1]
    assert hold_out([["a", "b"]], 0.1) == ([0], [1])
    assert hold_out([["a"], ["b", "c"]], 0.1) == ([0, 1], [2]), "a set of one trains"
    assert hold_out([["b", "a"]], 0.0) == ([1, 0], [])


def test_a_share_is_spread_over_the_images():
    assert spread(12, 1.0) == list(range(12))
    assert spread(12, 0.25) == [2, 6, 10]
    assert spread(3, 0.01) == [1]


def images(*sizes: tuple[int, int]) -> Images:
    generator = torch.Generator().manual_seed(0)
    levels = [torch.randint(0, 256, (1, *size), dtype=torch.uint8, generator=generator) for size in sizes]
    return Images("some", [str(i) for i in range(len(sizes))], levels, sources=list(levels))


def test_copies_are_shrunk_one_after_the_other_and_rounded():
    """180×180 by 0.9, 0.8 and 0.7 is 162, 130 and 91, as MATLAB's ceil has it."""
    original = images((180, 180))
    copies = shrunk_copies(original, [1, 0.9, 0.72, 0.504], 40)
    assert [tuple(image.shape[-2:]) for image in copies.images] == [(180, 180), (162, 162), (130, 130), (91, 91)]
    assert copies.names == ["0", "0 × 0.9", "0 × 0.72", "0 × 0.504"]
    expected = original.images[0]
    for ratio, copy in zip((0.9, 0.8, 0.7), copies.images[1:], strict=True):
        expected = imresize(expected.double(), *copy.shape[-2:], (ratio, ratio)).round().clamp(0, 255).byte()
        assert torch.equal(copy, expected)


def test_a_copy_that_holds_no_patch_is_left_out():
    copies = shrunk_copies(images((60, 100), (80, 80)), [1, 0.9, 0.72], 50)
    assert copies.names == ["0", "0 × 0.9", "1", "1 × 0.9", "1 × 0.72"]
    assert len(copies.sources) == 5


@pytest.mark.parametrize("scales", [[0.9, 1], [1.2], [1, 0], []])
def test_factors_that_do_not_fall_are_refused(scales):
    with pytest.raises(RequestError, match=r"data\.scales are factors that fall from at most 1"):
        shrunk_copies(images((60, 60)), scales, 8)


def test_pairs_are_not_shrunk():
    pairs = images((60, 60))
    pairs.partners = pairs.images
    assert shrunk_copies(pairs, [1], 8) is pairs
    with pytest.raises(RequestError, match="real pairs are degraded already"):
        shrunk_copies(pairs, [1, 0.9], 8)
