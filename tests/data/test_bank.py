import pytest
import torch

from restore.data.bank import ImageBank


def reference(image: torch.Tensor, top: int, left: int, orientation: int, size: int) -> torch.Tensor:
    patch = image[:, top : top + size, left : left + size]
    if orientation & 2:
        patch = patch.flip(1)
    if orientation & 1:
        patch = patch.flip(2)
    if orientation & 4:
        patch = patch.transpose(1, 2)
    return patch.float() / 255


@pytest.mark.parametrize("channels", [1, 3])
def test_crop_is_crop_flip_transpose_of_any_image(channels, generator):
    sizes = [(9, 13), (20, 7), (7, 7)]
    images = [torch.randint(0, 256, (channels, *s), generator=generator, dtype=torch.uint8) for s in sizes]
    bank = ImageBank(images, ["a", "b", "c"])
    places = [
        (i, top, left, orientation)
        for i, (height, width) in enumerate(sizes)
        for top in (0, height - 5)
        for left in (0, width - 5)
        for orientation in range(8)
    ]
    patches = bank.crop(torch.tensor(places), 5)
    assert patches.shape == (len(places), channels, 5, 5)
    assert patches.dtype == torch.float32
    for patch, (i, *place) in zip(patches, places, strict=True):
        assert torch.equal(patch, reference(images[i], *place, 5))


def test_eight_orientations_differ():
    bank = ImageBank([torch.arange(16, dtype=torch.uint8).view(1, 4, 4)], ["a"])
    patches = bank.crop(torch.tensor([[0, 0, 0, o] for o in range(8)]), 4)
    assert len({tuple(p.flatten().tolist()) for p in patches}) == 8


def test_whole_images_come_back():
    images = [torch.full((3, 4, 5), 7, dtype=torch.uint8), torch.full((3, 6, 2), 9, dtype=torch.uint8)]
    bank = ImageBank(images, ["a", "b"])
    assert all(torch.equal(bank.image(i), images[i]) for i in range(2))
    assert bank.to(torch.device("cpu")) is bank
    assert len(bank) == 2
