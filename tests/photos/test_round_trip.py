"""The identity: what is read and written with the pixels it came with is the same image, byte for byte."""

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from restore import photos
from restore.photos.photo import PEAKS

SIZES = ((1, 1), (37, 70), (130, 3))
HOLDS = {".png": "u1 u2", ".tif": "u1 u2 f4", ".webp": "u1", ".bmp": "u1", ".ppm": "u1 u2"}
CASES = [
    (suffix, depth, channels)
    for suffix, depths in HOLDS.items()
    for depth in depths.split()
    for channels in (1, 2, 3, 4)
    if suffix != ".ppm" or channels in (1, 3)
]


def drawn(depth, channels, size=(37, 70), seed=0):
    """Levels and alpha of every kind: noise over a ramp, floats beyond [0, 1] too."""
    random = np.random.default_rng(seed)
    image = random.random((*size, channels)) * 0.3 + np.linspace(0, 0.7, size[1])[:, None]
    if depth == "f4":
        pixels = (image * 1.5 - 0.2).astype(np.float32)
    else:
        pixels = (image * np.iinfo(depth).max).round().astype(depth)
    count = 1 if channels < 3 else 3
    levels = np.ascontiguousarray(pixels[..., 0] if count == 1 else pixels[..., :3])
    return levels, np.ascontiguousarray(pixels[..., -1]) if channels in (2, 4) else None


def photo_of(depth, channels, **more):
    levels, alpha = drawn(depth, channels, **more)
    return photos.Photo(levels, alpha, PEAKS[levels.dtype])


def equal(first, second):
    return (first is None) == (second is None) and (
        first is None or (first.dtype == second.dtype and first.tobytes() == second.tobytes())
    )


def as_rgb(levels):
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("suffix", "depth", "channels"), CASES)
def test_lossless_formats_return_every_level(tmp_path, suffix, depth, channels, size):
    photo = photo_of(depth, channels, size=size)
    suffix = ".pgm" if suffix == ".ppm" and channels == 1 else suffix
    photos.write(photo, tmp_path / f"a{suffix}")
    first = photos.read(tmp_path / f"a{suffix}")
    photos.write(first.with_unit(first.to_unit()), tmp_path / f"b{suffix}")  # the identity network
    second = photos.read(tmp_path / f"b{suffix}")
    threefold = suffix == ".webp" or (suffix == ".bmp" and channels == 2)
    assert equal(first.levels, as_rgb(photo.levels) if threefold else photo.levels)
    assert equal(first.levels, second.levels)
    assert equal(first.alpha, photo.alpha)
    assert equal(first.alpha, second.alpha)
    assert second.peak == photo.peak
    assert [file.name for file in sorted(tmp_path.iterdir())] == [f"a{suffix}", f"b{suffix}"], "nothing is left beside"


def test_sixteen_bits_as_other_programs_read_them(tmp_path):
    photo = photo_of("u2", 4, size=(150, 70))
    pixels = np.dstack((photo.levels, photo.alpha))
    for name in ("a.png", "a.tif"):
        photos.write(photo, tmp_path / name)
        assert np.array_equal(cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]], pixels)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
    gray = photo_of("u2", 2)
    photos.write(gray, tmp_path / "gray.png")
    with Image.open(tmp_path / "gray.png") as image:
        assert np.array_equal(np.array(image)[..., 0], gray.levels >> 8)
    assert (tmp_path / "gray.png").read_bytes()[24:26] == b"\x10\x04", "16 bits, gray and alpha"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "WEBP"])
def test_files_of_pillow_are_read_as_pillow_shows_them(tmp_path, format, mode):
    levels, alpha = drawn("u1", 4)
    image = Image.fromarray(np.dstack((levels, alpha))).convert("RGB" if mode == "P" else mode)
    image = image.quantize(40) if mode == "P" else image
    if (format, mode) in {("BMP", "LA"), ("BMP", "RGBA")}:
        pytest.skip("Pillow writes no alpha to BMP")
    image.save(tmp_path / "a", format, **({"lossless": True, "exact": True} if format == "WEBP" else {}))
    photo = photos.read(tmp_path / "a")
    shown = image.convert({"1": "L", "P": "RGB"}.get(mode, mode))
    pixels = np.array(shown.convert({"L": "RGB", "LA": "RGBA"}.get(shown.mode, shown.mode)))
    assert np.array_equal(as_rgb(photo.levels), pixels[..., :3])
    assert (photo.alpha is None) == (pixels.shape[2] == 3)
    assert photo.alpha is None or np.array_equal(photo.alpha, pixels[..., 3])
    assert photo.format == format


@pytest.mark.parametrize("bits", [2, 16])
def test_one_transparent_level(tmp_path, bits):
    """A gray PNG may name one level that is transparent, in the file's own depth."""
    import struct
    import zlib

    from restore.photos.png import SIGNATURE, _chunk

    rows = b"\0\x1b" if bits == 2 else b"\0\0\0\x12\x34\0\2\xff\xff"  # levels 0 1 2 3; or 0, 0x1234, 2, 0xffff
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0))
    named = _chunk(b"tRNS", struct.pack(">H", 1 if bits == 2 else 0x1234))
    content = SIGNATURE + header + named + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    photo = photos.read(tmp_path / "a.png")
    assert photo.levels.tolist() == ([[0, 85, 170, 255]] if bits == 2 else [[0, 0x1234, 2, 0xFFFF]])
    most = 255 if bits == 2 else 65535
    assert photo.alpha.tolist() == [[most, 0, most, most]]


@pytest.mark.parametrize("compression", [1, 5, 8, 32946])  # none, LZW, deflate, and as Adobe numbered it first
@pytest.mark.parametrize("depth", ["u2", "f4"])
@pytest.mark.parametrize("channels", [1, 3])
def test_compressed_tiff_of_opencv(tmp_path, compression, depth, channels):
    levels, _ = drawn(depth, channels)
    bgr = levels if channels == 1 else levels[..., ::-1]
    cv2.imwrite(str(tmp_path / "a.tif"), bgr, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    photo = photos.read(tmp_path / "a.tif")
    assert equal(photo.levels, levels)
    assert photo.format == "TIFF"


@pytest.mark.parametrize("depth", ["f2", "f8"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_other_tiff_of_tifffile(tmp_path, depth, planar):
    levels, _ = drawn("f4", 3)
    data = levels.astype(depth)
    shown = data if planar == "contig" else np.moveaxis(data, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", shown, photometric="rgb", planarconfig=planar, byteorder=">")
    assert equal(photos.read(tmp_path / "a.tif").levels, data.astype(np.float32))


def test_jpeg_is_near_and_says_how(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    for levels in (smooth, np.dstack((smooth, smooth.T[::-1], smooth))):
        errors = []
        for quality in (30, 95):
            photos.write(photos.Photo(levels), tmp_path / "a.jpg", quality=quality)
            read = photos.read(tmp_path / "a.jpg")
            assert read.levels.shape == levels.shape
            errors.append(np.abs(read.levels.astype(int) - levels).mean())
        assert errors[1] < min(1.5, errors[0])


def test_a_file_that_says_another_peak(tmp_path):
    levels = np.array([[0, 4095, 2048]], np.uint16)
    photos.write(photos.Photo(levels, peak=65535), tmp_path / "a.png")
    photo = photos.read(tmp_path / "a.png", peak=4095)
    assert photo.to_unit().max() == 1
    assert np.array_equal(photo.with_unit(photo.to_unit() * 2).levels, [[0, 4095, 4095]])
    photos.write(photo, tmp_path / "a.pgm")
    assert photos.read(tmp_path / "a.pgm").peak == 4095
    assert equal(photos.read(tmp_path / "a.pgm").levels, levels)
