"""A campaign's state comes back as it was packed; tests/faults has archives that mean harm."""

import torch

from restore.campaign import pack
from restore.jobs.archive import unpack
from restore.runfolder import RunFolder


def test_what_is_packed_is_unpacked(tmp_path):
    root = tmp_path / "here"
    run = RunFolder(root / "red_depth" / ("model=red30," + "x" * 120))
    run.create()
    run.checkpoints.mkdir()
    for file in (run.best, run.last):
        torch.save({"state_dict": {"weight": torch.ones(2)}, "global_step": 3}, file)
    run.write_result(state="finished")
    run.results.write_text("run,metric\n")
    pack(tmp_path / "state.tar", root)
    unpack(tmp_path / "state.tar", tmp_path / "a" / "there")
    there = RunFolder(tmp_path / "a" / "there" / "red_depth" / run.name)
    assert there.state == "finished"
    assert there.results.read_text() == run.results.read_text()
    assert torch.load(there.best, weights_only=True)["global_step"] == 3
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["there"]
