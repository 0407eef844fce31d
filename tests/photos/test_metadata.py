"""Orientation, profile, resolution and EXIF: applied or carried over, and read back by Pillow."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from restore import photos
from restore.photos.exif import EXIF_IFD, GPS_IFD, parsed, upright
from restore.photos.photo import PEAKS, Metadata

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CORNER = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40


def block(orientation=None, width=3):
    exif = Image.Exif()
    exif.update({0x010F: "Maker", 0x013B: "Zoë", 0x9C9B: b"x\0"})
    exif.get_ifd(EXIF_IFD).update({0x829A: (1, 50), 0x8827: 400, 0xA002: width, 0xA003: 2, 0x927C: b"\1\2notes"})
    exif.get_ifd(GPS_IFD).update({1: "N", 2: (48.0, 7.5, 0.0)})
    if orientation:
        exif[0x0112] = orientation
    return exif.tobytes()


def told(exif):
    """What stands in a block, its folders with it."""
    folders = {tag: dict(exif.get_ifd(tag)) for tag in (EXIF_IFD, GPS_IFD)}
    return {**{tag: value for tag, value in exif.items() if tag not in folders}, **folders}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", "16.png", "16.tif", "16lzw.tif"])
def test_images_are_turned_upright_once(tmp_path, suffix, orientation):
    """All eight orientations, as Pillow turns them; the resolution turns too, and the new file says 1."""
    levels = np.kron(CORNER, np.ones((16, 16), np.uint8))
    wanted = Image.fromarray(levels)
    wanted.getexif()[0x0112] = orientation
    wanted = np.array(ImageOps.exif_transpose(wanted))
    assert np.array_equal(upright(levels, orientation), wanted)
    file = tmp_path / f"a{suffix}"
    if suffix == "16.png":
        photos.write(photos.Photo(levels.astype("u2") * 257, peak=65535), file)
        with Image.open(file) as image:
            image.save(file, dpi=(100, 200), exif=block(orientation))
    elif suffix == "16lzw.tif":  # which OpenCV decodes, and would turn half of
        gray = Image.fromarray(levels.astype("u2") * 257)
        gray.save(file, compression="tiff_lzw", dpi=(100, 200), tiffinfo={274: orientation})
    elif suffix == "16.tif":
        colour = np.repeat(levels[..., None].astype("u2") * 257, 3, axis=2)
        tags = [(274, 3, 1, orientation, True)]
        tifffile.imwrite(file, colour, photometric="rgb", resolution=(100, 200), resolutionunit=2, extratags=tags)
    else:
        options = {".jpg": {"quality": 100}, ".webp": {"lossless": True}}.get(suffix, {})
        Image.fromarray(levels).save(file, dpi=(100, 200), exif=block(orientation), **options)
    photo = photos.read(file)
    shown = photo.levels if photo.levels.ndim == 2 else photo.levels[..., 0]
    assert np.abs(shown.astype(float) / photo.peak - wanted / 255).max() < (0.02 if suffix == ".jpg" else 1e-9)
    if suffix != ".webp":  # in which Pillow puts no resolution
        assert photo.metadata.dpi == pytest.approx((200, 100) if orientation > 4 else (100, 200), rel=1e-3)
    photos.write(photo, tmp_path / f"again{file.suffix}")
    again = photos.read(tmp_path / f"again{file.suffix}")
    assert again.levels.shape == photo.levels.shape
    with Image.open(tmp_path / f"again{file.suffix}") as image:
        assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["8.png", "16.png", "8.jpg", "8.tif", "16.tif", "32.tif", "8.webp"])
def test_metadata_is_carried_over_and_read_by_pillow(tmp_path, name, channels):
    dtype = {"8": "u1", "16": "u2", "32": "f4"}[name.partition(".")[0]]
    levels = (np.kron(CORNER, np.ones((9, 9))) / 255 * (1 if dtype == "f4" else np.iinfo(dtype).max)).astype(dtype)
    levels = levels if channels == 1 else np.repeat(levels[..., None], 3, axis=2)
    photo = photos.Photo(levels, None, PEAKS[levels.dtype], Metadata(PROFILE, block(1), (300.0, 150.0)))
    assert photos.unkept(photo, name) == []
    photos.write(photo, tmp_path / name)
    read = photos.read(tmp_path / name).metadata
    assert read.icc == PROFILE
    assert read.dpi == pytest.approx((300, 150), rel=1e-3)
    wanted = told(parsed(block(1)))
    wanted[EXIF_IFD].update({0xA002: levels.shape[1], 0xA003: levels.shape[0]})
    got = told(parsed(read.exif))
    assert {key: value for key, value in got.items() if key in wanted} == wanted
    assert set(got) - set(wanted) == set()
    if name == "32.tif" and channels == 3:
        return  # which Pillow does not open
    with Image.open(tmp_path / name) as image:
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif().get_ifd(EXIF_IFD)[0x8827] == 400
        assert image.getexif().get_ifd(GPS_IFD)[1] == "N"


def test_what_a_format_has_no_place_for_is_said(tmp_path):
    photo = photos.Photo(CORNER, metadata=Metadata(PROFILE, block(), (300.0, 150.0)))
    assert photos.unkept(photo, "a.bmp") == ["its ICC profile", "its EXIF"]
    assert photos.unkept(photo, "a.pgm") == ["its ICC profile", "its EXIF", "its resolution"]
    assert photos.unkept(photos.Photo(CORNER), "a.pgm") == []
    for alpha in (None, CORNER):
        photos.write(photos.Photo(CORNER, alpha, metadata=photo.metadata), tmp_path / "a.bmp")
        assert photos.read(tmp_path / "a.bmp").metadata.dpi == pytest.approx((300, 150), rel=1e-3)


def test_thumbnails_and_storage_do_not_come_along(tmp_path):
    """They describe the file that was read: its strips, its thumbnail as the camera was held."""
    exif = Image.Exif()
    exif.update({0x0110: "Model", 258: 12, 273: 99, 0x0112: 6})
    Image.fromarray(CORNER).save(tmp_path / "a.tif", exif=exif, compression=None)
    read = parsed(photos.read(tmp_path / "a.tif").metadata.exif)
    assert set(read) <= {0x0110, 0x0112}
    assert read[0x0110] == "Model"
