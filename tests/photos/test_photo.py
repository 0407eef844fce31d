import numpy as np
import pytest
import torch

from restore.photos import Metadata, Photo
from restore.resize import imresize


@pytest.mark.parametrize(("depth", "peak"), [("u1", 255), ("u2", 65535)])
def test_every_level_survives_the_unit_range(depth, peak):
    levels = np.arange(peak + 1, dtype=depth).reshape(1, -1)
    photo = Photo(levels, peak=peak)
    assert photo.to_unit().shape == (1, 1, 1, peak + 1)
    assert photo.to_unit().aminmax() == (0, 1)
    assert np.array_equal(photo.with_unit(photo.to_unit()).levels, levels)


def test_integers_are_clipped_and_rounded_and_floats_are_not():
    image = torch.tensor([-0.5, 0.5001, 2.0, float("nan")]).view(1, 1, 1, 4)
    assert Photo(np.zeros((1, 4), "u1")).with_unit(image).levels.tolist() == [[0, 128, 255, 0]]
    deep = Photo(np.zeros((1, 4), "u2"), peak=65535).with_unit(image)
    assert deep.levels.tolist() == [[0, 32774, 65535, 0]]
    floats = Photo(np.zeros((1, 4), "f4"), peak=1.0).with_unit(image[..., :3])
    assert floats.levels.tolist() == image[0, 0, :, :3].tolist()


def test_an_enlarged_image_enlarges_its_alpha():
    random = np.random.default_rng(0)
    photo = Photo(random.integers(0, 256, (6, 5, 3), np.uint8), random.integers(0, 256, (6, 5), np.uint8))
    larger = photo.with_unit(torch.zeros(1, 3, 12, 10))
    wanted = imresize(torch.from_numpy(photo.alpha.astype(float)), 12, 10).round().clamp(0, 255)
    assert np.array_equal(larger.alpha, wanted.numpy().astype("u1"))
    assert np.array_equal(photo.with_unit(torch.zeros(1, 3, 6, 5)).alpha, photo.alpha)
    deep = Photo(np.zeros((2, 2), "u2"), np.full((2, 2), 65535, "u2"), peak=4095)
    assert (deep.with_unit(torch.zeros(1, 1, 4, 4)).alpha == 65535).all(), "alpha has no other peak"


def test_a_profile_leaves_with_its_channels():
    photo = Photo(np.zeros((2, 2), "u1"), metadata=Metadata(icc=b"gray", dpi=(72, 72)))
    assert photo.with_unit(torch.zeros(1, 1, 4, 4)).metadata.icc == b"gray"
    assert photo.with_unit(torch.zeros(1, 3, 2, 2)).metadata == Metadata(dpi=(72, 72))
    assert photo.with_unit(torch.zeros(1, 3, 2, 2)).channels == 3


def test_what_is_no_photo():
    with pytest.raises(ValueError, match="they are int32"):
        Photo(np.zeros((2, 2), "i4"))
    with pytest.raises(ValueError, match=r"they are \(2, 2, 4\)"):
        Photo(np.zeros((2, 2, 4), "u1"))
    with pytest.raises(ValueError, match="alpha must be uint8"):
        Photo(np.zeros((2, 2), "u1"), np.zeros((2, 2), "u2"))
    with pytest.raises(ValueError, match="it is \\(2, 3, 4, 4\\)"):
        Photo(np.zeros((2, 2), "u1")).with_unit(torch.zeros(2, 3, 4, 4))
