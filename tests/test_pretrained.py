"""The command that lists the authors' files."""

import shutil
from functools import partial
from urllib.parse import unquote

import pytest

import restore
from loopback import Handler, impatient, server
from restore import library, pretrained
from restore.errors import RequestError
from restore.released import find, released
from restore.runfolder import shipped_runs


def lines(capsys: pytest.CaptureFixture, *words: str) -> list[str]:
    pretrained.main([*words])
    return capsys.readouterr().out.splitlines()


def test_every_file_has_a_line_with_its_terms_and_its_address(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("RESTORE_WEIGHTS", raising=False)
    monkeypatch.setenv("RESTORE_CACHE", str(tmp_path))
    printed = lines(capsys)
    start = printed.index("By their authors:") + 2
    assert all(any(f"`{name}`" in line for line in printed[:start]) for name in shipped_runs())
    header, *rest = printed[start:]
    assert header.split() == list(pretrained.HEADER)
    listed = rest[: len(released())]
    for each, line in zip(released(), listed, strict=True):
        for said in (each.method, each.settings, each.model, each.licence, "  no  "):
            assert said in line
        assert (line.split()[0], line.split()[-1]) == (each.name, each.address)
    assert rest[-1] == f"0 of 96 files are in {tmp_path / 'weights'}."


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


@pytest.fixture
def published(weights_root, monkeypatch):
    """A mirror on this machine with the files that are here."""
    by_path = {f"/{each.repository}/{each.commit}/{each.path}": each.located(weights_root) for each in released()}

    def answer(handler: Handler, number: int) -> None:
        place = by_path.get(unquote(handler.path))
        if place:
            handler.send(place.read_bytes())
        else:
            handler.send(b"", 404)

    with server(answer) as (mirror, handler):
        monkeypatch.setattr(pretrained, "Download", impatient)
        monkeypatch.setattr(library, "Download", partial(impatient, mirror))
        yield mirror, handler


def test_fetching(published, tmp_path, capsys):
    words = [f"folder={tmp_path}", f"mirror={published[0]}"]
    assert pretrained.main(["fetch=csf,tnrd_25", *words]) == 1, "one of CSF's two is not there"
    said = capsys.readouterr().out
    assert "failed   csf_15: " in said
    assert said.rstrip().endswith("2 fetched, 0 here already, 1 failed")
    assert find("csf_25").required(tmp_path) == tmp_path / find("csf_25").file
    asked = len(published[1].requests)
    assert pretrained.main(["fetch=csf_25", *words]) == 0
    assert capsys.readouterr().out == "0 fetched, 1 here already, 0 failed\n"
    assert len(published[1].requests) == asked
    (tmp_path / find("tnrd_25").file).write_bytes(b"another")
    assert pretrained.main(["fetch=tnrd_25", *words]) == 1
    assert "another file is at" in capsys.readouterr().out


def test_a_network_is_loaded_by_its_name_and_fetched_where_asked(published, tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORE_WEIGHTS", str(tmp_path))
    with pytest.raises(RequestError, match=r"csf_25: no .* \(python -m restore.pretrained fetch=csf_25\)"):
        restore.load("csf_25")
    assert type(restore.load("csf_25", fetch=True)).__name__ == "CSF"
    assert len(published[1].requests) == 1
    restore.load("csf_25", fetch=True)
    assert len(published[1].requests) == 1
    with pytest.raises(RequestError, match=r"csf_15 was not fetched: .*status 404"):
        restore.load("csf_15", fetch=True)
    monkeypatch.setenv("RESTORE_WEIGHTS", "")
    with pytest.raises(RequestError, match=r"paths\.weights is empty"):
        restore.load("csf_25", fetch=True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["fetch=csf", "name=csf"], "one at a time"), (["fetch=csf"], "paths.weights is empty"), (["fetch=cfs"], "csf")],
)
def test_a_wrong_word_is_one_sentence(words, sentence, monkeypatch):
    if words == ["fetch=csf"]:
        monkeypatch.setenv("RESTORE_WEIGHTS", "")
    with pytest.raises(RequestError, match=sentence):
        pretrained.main(words)
