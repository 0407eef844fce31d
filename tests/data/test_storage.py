import torch

from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.storage import ImageStorage


def test_a_large_set_is_mapped_and_cropped_from_the_file(image_folder, tmp_path, monkeypatch):
    folder = image_folder("many", 5)
    files = sorted(folder.iterdir())
    plain = datasets.read(datasets.Listing("many", tuple(files)), 1)
    monkeypatch.setattr("restore.data.storage.ImageStorage.__init__.__defaults__", (None, 100, None))
    mapped = datasets.read(datasets.Listing("many", tuple(files)), 1)
    bank = ImageBank(mapped.images, mapped.names)
    assert len({image.untyped_storage().data_ptr() for image in mapped.images}) == 1
    assert bank.buffer.data_ptr() == mapped.images[0].data_ptr(), "not copied"
    coordinates = torch.tensor([[i, 2, 3, o] for i in range(5) for o in range(8)])
    assert torch.equal(bank.crop(coordinates, 16), ImageBank(plain.images, plain.names).crop(coordinates, 16))


def test_shelf_keeps_small_sets_as_they_are(image_folder):
    image = torch.zeros(1, 4, 4, dtype=torch.uint8)
    assert ImageStorage(list(image_folder("few", 2).iterdir()), 1).keep(image) is image
