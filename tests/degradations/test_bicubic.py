import pytest
import torch

from conftest import exact
from restore.degradations.bicubic import BicubicDownUp
from restore.image import quantise, to_unit
from restore.resize import imresize, imresize_uint8


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(24, 36), (25, 37)])
def test_the_folded_matrix_is_the_two_steps(scale, size, generator):
    clean = torch.rand(2, 3, *size, generator=generator)
    degradation = BicubicDownUp(scale)
    torch.testing.assert_close(degradation(clean, generator).degraded, exact(degradation, clean), atol=1e-5, rtol=0)
    if all(side % scale == 0 for side in size):
        low = imresize(clean, size[0] // scale, size[1] // scale)
        torch.testing.assert_close(degradation(clean, generator).degraded, imresize(low, *size), atol=1e-5, rtol=0)


def test_low_resolution_in_eight_bits(generator):
    clean = torch.rand(1, 1, 24, 24, generator=generator)
    low = quantise(imresize(clean, 8, 8))
    rounded = exact(BicubicDownUp(3), clean, quantise_low=True)
    torch.testing.assert_close(rounded, imresize(low, 24, 24), atol=1e-6, rtol=0)
    assert not torch.allclose(rounded, exact(BicubicDownUp(3), clean), atol=1e-4)


def test_matlab_shrinks_an_8_bit_image_in_two_rounded_passes(generator):
    levels = torch.randint(0, 256, (1, 3, 25, 37), generator=generator, dtype=torch.uint8)
    degraded = exact(BicubicDownUp(3), to_unit(levels), quantise_low=True, resampler="matlab_uint8")
    low = to_unit(imresize_uint8(levels, 9, 13, (1 / 3, 1 / 3)))
    expected = imresize(low, 27, 39)[..., :25, :37]
    torch.testing.assert_close(degraded, expected, atol=1e-6, rtol=0)
    once = exact(BicubicDownUp(3), to_unit(levels), quantise_low=True)
    assert 0.3 / 255 < (degraded - once).abs().max() < 3 / 255


def test_scales_differ_inside_a_batch(generator):
    clean = torch.rand(1, 1, 24, 24, generator=generator).expand(30, -1, -1, -1)
    degraded = BicubicDownUp({"set": [2, 3, 4]})(clean, generator).degraded
    alone = [BicubicDownUp(scale)(clean[:1], generator).degraded[0] for scale in (2, 3, 4)]
    kinds = [[torch.allclose(sample, one, atol=1e-6) for one in alone].index(True) for sample in degraded]
    assert set(kinds) == {0, 1, 2}


@pytest.mark.parametrize("scale", [0, 9, 2.5, [4, 2]])
def test_refusals(scale):
    with pytest.raises(ValueError, match=r"scale"):
        BicubicDownUp(scale)
    with pytest.raises(ValueError, match="have one scale"):
        exact(BicubicDownUp({"set": [2, 4]}), torch.zeros(8, 1, 8, 8))
