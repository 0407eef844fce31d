import os

import numpy as np
import pytest
from PIL import Image

from restore.files import check_regular, printable, read_pixels
from restore.photos.reading import depth


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path / "pipe", "a named pipe"), (tmp_path, "a folder"), ("/dev/zero", "a device")):
        with pytest.raises(ValueError, match=f"it is {what}, and no regular file"):
            check_regular(path)
    with pytest.raises(ValueError, match="No such file"):
        check_regular(tmp_path / "absent")


def test_the_limit_of_pixels_is_the_person_s_own(tmp_path):
    """Pillow warns of a bomb from 89 million pixels on, and refuses twice as many."""
    Image.new("1", (10_000, 9_000)).save(tmp_path / "large.png")
    assert depth(tmp_path / "large.png") == (90_000_000, np.uint8)
    assert read_pixels(tmp_path / "large.png").shape == (9_000, 10_000)
    with pytest.raises(ValueError, match=r"it has 10000×9000 pixels, 90 million, and max_pixels=80000000 are read"):
        read_pixels(tmp_path / "large.png", 80_000_000)


def test_sixteen_bits_of_colour_are_not_read_as_eight(tmp_path):
    deep = tmp_path / "deep.ppm"
    deep.write_bytes(b"P6 2 1 65535\n" + bytes(12))
    with pytest.raises(ValueError, match="more than 8 bits per channel"):
        read_pixels(deep)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "plain.ppm")
    assert read_pixels(tmp_path / "plain.ppm").shape == (2, 2, 3)


def test_a_program_is_no_image(tmp_path):
    """Pillow tells formats by content, and hands PostScript to another program."""
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(ValueError, match="not an image that is read here"):
        read_pixels(tmp_path / "x.png")


def test_names_can_be_written():
    assert printable("a\udcffb\n") == "a\\xffb\\n"
    assert printable("café 1") == "café 1"
