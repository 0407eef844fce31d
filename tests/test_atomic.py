"""Files that are written whole, or not at all."""

import errno
from pathlib import Path

import pytest

from restore import atomic


def write_half(file: Path, error: BaseException) -> None:
    with atomic.replacing(file) as partial:
        partial.write_text("half")
        raise error


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path):
    file = tmp_path / "new" / "x.txt"
    atomic.write(file, "é")
    atomic.write(file, b"second")
    assert file.read_bytes() == b"second"
    assert list(file.parent.iterdir()) == [file]


def test_what_fails_leaves_the_old_file_and_names_it(tmp_path):
    file = tmp_path / "x.txt"
    atomic.write(file, "old")
    with pytest.raises(OSError, match="No space") as failure:
        write_half(file, OSError(errno.ENOSPC, "No space left on device"))
    assert failure.value.filename == str(file)
    with pytest.raises(KeyboardInterrupt):
        write_half(file, KeyboardInterrupt())
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_old_file_has_the_name_until_the_new_one_is_whole(tmp_path):
    file, seen = tmp_path / "x.txt", []
    atomic.write(file, "old")
    with atomic.replacing(file, before=lambda: seen.append(file.read_text())) as partial:
        partial.write_text("new")
    assert (seen, file.read_text()) == (["old"], "new")


def test_damaged_files_are_kept_under_the_first_free_name(tmp_path):
    names = []
    for number in range(2):
        (tmp_path / "x").write_text(str(number))
        names.append(atomic.set_aside(tmp_path / "x").name)
    assert names == ["x.damaged-1", "x.damaged-2"]
    assert (tmp_path / "x.damaged-2").read_text() == "1"
