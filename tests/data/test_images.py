import numpy as np
import pytest
import torch
from PIL import Image

from restore.data import datasets
from restore.data.images import half_size, list_images, read_image
from restore.errors import RequestError


def test_gray_and_colour(image_folder):
    gray, colour = image_folder("gray", 1), image_folder("colour", 1, channels=3)
    assert read_image(gray / "00.png", 1).shape == (1, 48, 40)
    assert read_image(colour / "00.png", 3).shape == (3, 48, 40)
    rgb = read_image(colour / "00.png", 3).double()
    luma = (0.2989360213 * rgb[0] + 0.5870430745 * rgb[1] + 0.1140209043 * rgb[2]).add(0.5).floor()
    assert torch.equal(read_image(colour / "00.png", 1)[0].double(), luma)
    with pytest.raises(RequestError, match=r"00\.png is gray, and task\.channels=3"):
        read_image(gray / "00.png", 3)


def test_each_bad_file_is_named(tmp_path, image_folder):
    folder = image_folder("mixed", 3)
    whole = (folder / "00.png").read_bytes()
    (folder / "01.png").write_bytes(whole[: len(whole) // 2])
    (folder / "02.png").write_text("not an image")
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(folder / "03.png", "TIFF")
    for name, reason in (("01", "truncated|broken"), ("02", "not an image"), ("03", "not finite")):
        with pytest.raises(RequestError, match=rf"{name}\.png.*({reason})"):
            read_image(folder / f"{name}.png", 1)
    listing = datasets.Listing("mixed", tuple(list_images(folder)))
    with pytest.raises(RequestError, match=r"on_bad_image=skip"):
        datasets.read(listing, 1)
    images = datasets.read(listing, 1, "skip")
    assert images.names == ["00"]
    assert len(images.bad) == 3


def test_truncated_jpeg_is_refused(tmp_path):
    """OpenCV returns such a file half gray, without a word."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "x.jpg")
    data = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(RequestError, match=r"x\.jpg"):
        read_image(tmp_path / "x.jpg", 3)


def test_folders(tmp_path):
    with pytest.raises(RequestError, match="there is no folder"):
        list_images(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="holds no image"):
        list_images(tmp_path / "empty")


def test_half_size():
    image = torch.full((3, 9, 7), 77, dtype=torch.uint8)
    assert torch.equal(half_size(image), torch.full((3, 4, 3), 77, dtype=torch.uint8))
