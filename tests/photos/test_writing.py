import os
import re

import numpy as np
import pytest

from restore import photos
from restore.errors import RequestError

GRAY = np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("photo", "name", "reason"),
    [
        (photos.Photo(GRAY), "a.gif", "a.gif must end in .jpg, .jpeg, .tif"),
        (
            photos.Photo(GRAY.astype("u2"), peak=65535),
            "a.jpg",
            "JPEG does not hold 16 bits a channel; .tif, .tiff, .png do",
        ),
        (photos.Photo(GRAY.astype("f4"), peak=1), "a.png", "PNG does not hold 32-bit floats; .tif, .tiff do"),
        (photos.Photo(GRAY, GRAY), "a.jpg", "JPEG does not hold alpha; PNG, TIFF, WEBP, BMP do"),
        (photos.Photo(GRAY), "a.ppm", "a gray image is a .pgm"),
        (photos.Photo(np.zeros((1, 16_384), np.uint8)), "a.webp", "sides of 16383 pixels at most"),
    ],
)
def test_what_a_format_does_not_hold(tmp_path, photo, name, reason):
    with pytest.raises(RequestError, match=re.escape(reason)):
        photos.write(photo, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_quality_is_checked(tmp_path):
    with pytest.raises(RequestError, match="quality must be from 1 to 100, and it is 0"):
        photos.write(photos.Photo(GRAY), tmp_path / "a.jpg", quality=0)


def test_an_input_is_never_written_over(tmp_path):
    photos.write(photos.Photo(GRAY), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    photo = photos.read(tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to("a.png")
    os.link(tmp_path / "a.png", tmp_path / "second.png")
    for name in ("a.png", "link.png", "second.png"):
        with pytest.raises(RequestError, match=f"{name} is what was read"):
            photos.write(photo.with_unit(photo.to_unit() + 1), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == content
    photos.write(photo, tmp_path / "b.png")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    photos.write(photos.Photo(GRAY), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    deep = photos.Photo(np.zeros((200, 5), np.uint16), peak=65535)

    def broken(channels):
        yield b"\0" * 100
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("restore.photos.png._filtered", broken)
    with pytest.raises(OSError, match="No space left") as caught:
        photos.write(deep, tmp_path / "a.png")
    assert caught.value.filename == str(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_exif_that_jpeg_cannot_hold(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    photo = photos.Photo(GRAY, metadata=photos.Metadata(exif=exif.tobytes()))
    with pytest.raises(RequestError, match=r"cannot write .*a.jpg: EXIF data is too long"):
        photos.write(photo, tmp_path / "a.jpg")
    photos.write(photo, tmp_path / "a.png")
