"""The command that lists the authors' files."""

import shutil

import pytest

from restore import pretrained
from restore.errors import RequestError
from restore.released import find, released


def lines(capsys: pytest.CaptureFixture, *words: str) -> list[str]:
    pretrained.main([*words])
    return capsys.readouterr().out.splitlines()


def test_every_file_has_a_line_with_its_terms_and_its_address(capsys, monkeypatch):
    monkeypatch.delenv("RESTORE_WEIGHTS", raising=False)
    header, *rest = lines(capsys)
    assert header.split() == list(pretrained.HEADER)
    listed = rest[: len(released())]
    for each, line in zip(released(), listed, strict=True):
        for said in (each.method, each.settings, each.model, each.licence, "  no  "):
            assert said in line
        assert (line.split()[0], line.split()[-1]) == (each.name, each.address)
    assert rest[-1] == "0 of 96 files are here: RESTORE_WEIGHTS is not set."


def test_names_baselines_and_beginnings():
    assert [each.name for each in pretrained.chosen("csf")] == ["csf_15", "csf_25"], "the baseline's"
    assert [each.name for each in pretrained.chosen("csf_25")] == ["csf_25"]
    assert [each.name for each in pretrained.chosen("csf_8bit")] == [
        f"csf_8bit_{k}" for k in ("3x3", "5x5", "7x7", "pw")
    ]
    assert len(pretrained.chosen("red30")) == 12
    with pytest.raises(RequestError, match="unknown name 'tnrt': did you mean 'tnrd'"):
        pretrained.chosen("tnrt")


def test_whether_the_right_file_is_here(tmp_path, capsys, weights_root):
    each = find("csf_25")
    if not each.located(weights_root):
        pytest.skip(f"{weights_root} has no {each.file}")
    assert pretrained.state(each, tmp_path) == pretrained.state(each, None) == "no"
    (tmp_path / each.file).write_bytes(b"another")
    assert pretrained.state(each, tmp_path) == "another file"
    shutil.copy(weights_root / each.file, tmp_path)
    assert pretrained.state(each, tmp_path) == "yes"
    said = lines(capsys, "name=csf", f"folder={tmp_path}")
    assert (
        f"csf_15: {tmp_path / 'CSF_sigma15_7x7.mat'}; python -m restore.evaluate released=csf_15 test_sets=<sets>"
        in said
    )
    assert said[-1] == f"1 of 2 files are in {tmp_path}."


def test_what_no_network_reads_says_so(capsys, tmp_path):
    said = lines(capsys, "name=mlp", f"folder={tmp_path}")
    assert "none here" in said[1]
    assert said[3] == f"mlp: {tmp_path / 'MLP.mat'}; no network here reads it"
