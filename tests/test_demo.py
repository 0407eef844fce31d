"""``python -m restore.demo``: bundled photographs through the networks that come with the package."""

import numpy as np
import pytest
from PIL import Image

from restore import demo
from restore.errors import RequestError
from restore.runfolder import shipped_runs


def test_each_network_restores_and_is_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "CROP", 40)
    whole = demo.trials

    def first(name):
        yield next(whole(name))

    monkeypatch.setattr(demo, "trials", first)
    demo.main([f"out={tmp_path}"])
    printed = capsys.readouterr().out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height > 40 * len(shipped_runs())
    for name in shipped_runs():
        (line,) = (line for line in printed.splitlines() if line.startswith(f"| {name} "))
        degraded, restored = (float(cell) for cell in line.split("|")[4:6])
        assert restored > degraded + 1
        (file,) = (tmp_path / name).iterdir()
        with Image.open(file) as restored_file:
            assert np.asarray(restored_file).std() > 20


def test_the_crop_lies_within_small_photographs():
    import torch

    assert demo._crop(torch.rand(1, 1, 50, 30), "astronaut").size == (30, 50)
    assert demo._crop(torch.rand(1, 3, 500, 300), "coffee").size == (160, 160)


def test_what_is_wrong_is_said():
    with pytest.raises(RequestError, match="unknown network"):
        demo.main(["networks=red99"])
    with pytest.raises(RequestError, match="networks is a name or a list of names"):
        demo.main(["networks="])
