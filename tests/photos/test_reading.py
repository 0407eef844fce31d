"""Broken, huge and foreign files: each is refused by its name and a reason."""

import contextlib
import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from restore import photos
from restore.errors import RequestError

KINDS = ["8.png", "16.png", "8.jpg", "8.tif", "16.tif", "32.tif", "8.webp", "8.bmp", "8.ppm", "16.ppm"]


def whole(folder, name):
    dtype = {"8": "u1", "16": "u2", "32": "f4"}[name.partition(".")[0]]
    noise = np.random.default_rng(0).random((60, 50, 3))
    levels = noise.astype("f4") if dtype == "f4" else (noise * np.iinfo(dtype).max).astype(dtype)
    photos.write(photos.Photo(levels, peak={"u1": 255, "u2": 65535, "f4": 1}[dtype]), folder / name)
    return folder / name


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.97])
@pytest.mark.parametrize("name", KINDS)
def test_a_truncated_file_is_refused(tmp_path, name, share):
    file = whole(tmp_path, name)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RequestError, match=f"cannot read the image .*{name}: "):
        photos.read(file)


@pytest.mark.parametrize("name", ["8.png", "16.png", "16.tif", "32.tif"])
def test_a_changed_byte_is_refused(tmp_path, name):
    """PNG has checksums, and so has what TIFF deflates."""
    file = whole(tmp_path, name)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x55
    file.write_bytes(content)
    with pytest.raises(RequestError, match=name):
        photos.read(file)


@pytest.mark.parametrize("name", KINDS)
def test_no_file_that_is_damaged_is_a_bug(tmp_path, name):
    """Whatever 40 files with a few changed bytes do: an image of the announced size, or a refusal."""
    content = whole(tmp_path, name).read_bytes()
    random = np.random.default_rng(1)
    for _ in range(40):
        damaged = np.frombuffer(content, np.uint8).copy()
        places = random.integers(0, min(len(damaged), 400), 3)
        damaged[places] = random.integers(0, 256, 3)
        damaged.tofile(tmp_path / name)
        with contextlib.suppress(RequestError):
            assert photos.read(tmp_path / name, max_pixels=10**6).levels.size


def test_sizes_are_told_by_the_header_alone(tmp_path):
    for name in KINDS:
        with pytest.raises(RequestError, match="max_pixels=2999"):
            photos.read(whole(tmp_path, name), max_pixels=2999)


def test_what_is_no_image(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason in {
        "text.png": "not an image",
        "pipe.png": "named pipe",
        "none.png": "No such file",
        ".": "folder",
    }.items():
        with pytest.raises(RequestError, match=reason):
            photos.read(tmp_path / name)


def test_several_images_are_no_photo(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for name, reason in {"a.png": "animation of 2", "a.webp": "animation of 2", "a.tif": "2 pages"}.items():
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(RequestError, match=reason):
            photos.read(tmp_path / name)
    with tifffile.TiffWriter(tmp_path / "thumbnail.tif") as file:
        for side, kind in ((8, 0), (4, 1)):  # NewSubfileType 1: a smaller copy
            file.write(np.zeros((side, side, 3), "u2"), photometric="rgb", subfiletype=kind)
    assert photos.read(tmp_path / "thumbnail.tif").levels.shape == (8, 8, 3)


def test_other_colour_spaces_and_depths_are_refused(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "cmyk.jpg")
    Image.new("LAB", (8, 8)).save(tmp_path / "lab.tif")
    flat = np.zeros((8, 8), "i2")
    tifffile.imwrite(tmp_path / "signed.tif", flat, photometric="minisblack")
    tifffile.imwrite(tmp_path / "white.tif", flat.astype("u2"), photometric="miniswhite")
    tifffile.imwrite(tmp_path / "wide.tif", flat.astype("u4"), photometric="minisblack")
    tifffile.imwrite(tmp_path / "nan.tif", np.full((8, 8), np.nan, "f4"), photometric="minisblack")
    tifffile.imwrite(
        tmp_path / "multiplied.tif", np.zeros((8, 8, 4), "u2"), photometric="rgb", extrasamples=["assocalpha"]
    )
    reasons = {
        "cmyk.jpg": "its colours are CMYK",
        "lab.tif": "its colours are LAB",
        "signed.tif": "signed of 16 bits",
        "white.tif": "photometric interpretation is 0",
        "wide.tif": "unsigned of 32 bits",
        "nan.tif": "not finite",
        "multiplied.tif": "multiplied by its alpha",
    }
    for name, reason in reasons.items():
        with pytest.raises(RequestError, match=reason):
            photos.read(tmp_path / name)
    with pytest.raises(RequestError, match="peak must be above 0 and at most 255, and it is 300"):
        photos.read(whole(tmp_path, "8.png"), peak=300)


def test_names_that_are_no_text(tmp_path):
    file = tmp_path / os.fsdecode(b"caf\xe9.png")
    for dtype, peak in (("u1", 255), ("u2", 65535)):
        photos.write(photos.Photo(np.full((3, 4, 3), 7, dtype), peak=peak), file)
        assert (photos.read(file).levels == 7).all()
