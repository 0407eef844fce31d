"""MATLAB's files are looked through before they are read; tests/faults has those that mean harm."""

import numpy as np
import pytest
from scipy.io import savemat

from restore.models import matlab


@pytest.mark.parametrize("compressed", [False, True])
def test_plain_files_are_read(tmp_path, compressed):
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = np.ones((3, 4)), np.zeros((0, 0))
    content = {"net": {"layers": cell, "name": "x", "sizes": np.arange(5, dtype=np.int16)}, "empty": np.zeros((0, 3))}
    savemat(tmp_path / "net.mat", content, do_compression=compressed)
    read = matlab.read(tmp_path / "net.mat")
    np.testing.assert_array_equal(read["net"]["layers"][0, 0][0, 0], np.ones((3, 4)))
    assert set(matlab.read(tmp_path / "net.mat", ["empty"])) >= {"empty"}


def test_more_than_there_is_room_for_is_refused(tmp_path, monkeypatch):
    savemat(tmp_path / "net.mat", {"zeros": np.zeros(10**6)}, do_compression=True)
    assert (tmp_path / "net.mat").stat().st_size < 20_000
    matlab.check(tmp_path / "net.mat")
    monkeypatch.setattr(matlab, "MOST_BYTES", 10**6)
    with pytest.raises(ValueError, match="compressed from more than"):
        matlab.check(tmp_path / "net.mat")
    (tmp_path / "net.mat").write_bytes(b"no")
    with pytest.raises(ValueError, match="no file of MATLAB 5 to 7"):
        matlab.check(tmp_path / "net.mat")
