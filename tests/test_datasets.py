"""The command that lists, fetches and checks the papers' sets."""

import shutil
from urllib.parse import quote

import pytest

from conftest import read_rows
from loopback import Handler, impatient, server
from restore import datasets, pretrained
from restore.data import sources
from restore.errors import RequestError
from restore.released import find


def folders(name: str) -> list[str]:
    return [each.folder for each in sources.of_name(name)]


def test_sixteen_folders_of_1458_files():
    known = sources.sources()
    assert (len(known), sum(len(each.files) for each in known.values())) == (16, 1458)
    for source in known.values():
        for name, file in source.files.items():
            assert (len(file.sha256), len(file.commit), file.path.rpartition("/")[2]) == (64, 40, name)
            assert file.bytes > 0
        assert source.terms


def test_names_of_folders_and_of_sets():
    assert folders("Set12") == folders("set12") == ["Set12"]
    assert folders("bsds500") == folders("bsd432") == ["BSDS500/train", "BSDS500/val", "BSDS500/test"]
    assert (folders("bsd100"), folders("bsds500/train")) == (["BSDS500/val"], ["BSDS500/train"])
    with pytest.raises(RequestError, match="unknown set 'set13': did you mean 'set1"):
        folders("set13")
    for name in sources.BY_HAND:
        with pytest.raises(RequestError, match=f"^{name} is not fetched: "):
            folders(name)


def test_the_list_says_what_is_here(capsys, data_root):
    assert datasets.main([f"folder={data_root}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for source in sources.sources().values():
        (line,) = (line for line in lines if line.startswith(f"| {source.folder} "))
        _, _, files, size, here, terms, *_ = (cell.strip() for cell in line.split("|"))
        count = sum(place.is_file() for _, place in source.places(data_root))
        assert (int(files), float(size), int(here)) == (len(source.files), round(source.bytes / 1e6, 1), count)
        assert terms == source.terms
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in sources.BY_HAND)


@pytest.fixture
def published(data_root, monkeypatch):
    """A mirror on this machine with the sets that are here."""
    by_path = {
        f"/{file.repository}/{file.commit}/{file.path}": place
        for source in sources.sources().values()
        for file, place in source.places(data_root)
    }

    def answer(handler: Handler, number: int) -> None:
        place = by_path.get(handler.path)
        if place and place.is_file():
            handler.send(place.read_bytes())
        else:
            handler.send(b"", 404)

    monkeypatch.setattr(datasets, "Download", impatient)
    with server(answer) as (mirror, handler):
        yield mirror, handler


def test_a_fetched_set_is_a_set(published, tmp_path, capsys):
    mirror, handler = published
    words = [f"folder={tmp_path}", f"mirror={mirror}"]
    assert datasets.main(["fetch=set12,set5", *words]) == 0
    said = capsys.readouterr().out
    assert "Set12: 12 fetched, 0 here already" in said
    assert "Set5: 5 fetched" in said
    assert datasets.main(["verify=set12,set5", f"folder={tmp_path}"]) == 0
    asked = len(handler.requests)
    assert datasets.main(["fetch=set12", *words]) == 0
    assert "0 fetched, 12 here already" in capsys.readouterr().out
    assert len(handler.requests) == asked


def test_without_a_variable_sets_and_weights_are_fetched_to_where_they_are_looked_for(
    published, weights_root, command, tmp_path, monkeypatch
):
    for variable in ("RESTORE_DATA", "RESTORE_WEIGHTS"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("RESTORE_CACHE", str(tmp_path / "cache"))  # as ~/.cache/restore
    entry = find("dncnn_s_25")

    def answer(handler: Handler, number: int) -> None:
        asked = handler.path == f"/{entry.repository}/{entry.commit}/{quote(entry.path)}"
        handler.send((weights_root / entry.file).read_bytes() if asked else b"", 200 if asked else 404)

    assert datasets.main(["fetch=set12", f"mirror={published[0]}"]) == 0
    monkeypatch.setattr(pretrained, "Download", impatient)
    with server(answer) as (mirror, _):
        assert pretrained.main(["fetch=dncnn_s_25", f"mirror={mirror}"]) == 0
    assert (tmp_path / "cache" / "weights" / entry.file).is_file()
    for file in sorted((tmp_path / "cache" / "data" / "Set12").iterdir())[1:]:
        file.unlink()  # one image is enough of what is known
    told = command("evaluate", "released=dncnn_s_25", "test_sets=set12")
    assert told.code == 0, told.err
    (row,) = read_rows(tmp_path / "results.csv")
    assert (row["dataset"], row["image"], row["model"]) == ("set12", "01", "dncnn_s")
    assert float(row["value"]) == pytest.approx(30.18, abs=0.05)  # DnCNN's Table III: C.man
    told = command("evaluate", "released=dncnn_s_25", "test_sets=bsd68")
    assert told.code == 2
    assert f"the set bsd68 is not in {tmp_path / 'cache' / 'data'}" in told.err


def test_what_is_absent_or_another_is_said(published, tmp_path, capsys):
    mirror, _ = published
    words = [f"folder={tmp_path}", f"mirror={mirror}"]
    assert datasets.main(["fetch=kodak24", *words]) == 1  # the mirror does not have it
    assert "status 404" in capsys.readouterr().out
    datasets.main(["fetch=set12", *words])
    (tmp_path / "Set12" / "01.png").write_bytes(b"another")
    (tmp_path / "Set12" / "02.png").unlink()
    capsys.readouterr()
    assert datasets.main(["verify=set12", f"folder={tmp_path}"]) == 1
    assert "Set12: 10 of 12 files are right, 1 not here, 1 with another content" in capsys.readouterr().out
    assert datasets.main(["fetch=set12", *words]) == 1
    assert "another file is there: move it away" in capsys.readouterr().out


def test_overlap_of_two_sets(data_root, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RESTORE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(data_root / "Set12", tmp_path / "Set12")
    (tmp_path / "some").mkdir()
    shutil.copy(data_root / "Set12" / "03.png", tmp_path / "some" / "pepper.png")
    assert datasets.main([f"overlap={tmp_path / 'some'},set12", f"folder={tmp_path}"]) == 1
    assert capsys.readouterr().out.splitlines()[0].startswith("1 of the 12 images of set12 are in ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fetch=set12", "verify=set12"], "are asked for one at a time"),
        (["fetch=set12"], "paths.data is empty"),
        (["overlap=set12", "folder=."], "is a training set and a test set"),
        (["fetch=set12", "folder=.", "mirror=nowhere"], "mirror is an address"),
        (["fetsh=set12"], "did you mean 'fetch'"),
    ],
)
def test_a_wrong_word_is_one_sentence(words, sentence, monkeypatch):
    if words == ["fetch=set12"]:
        monkeypatch.setenv("RESTORE_DATA", "")
    with pytest.raises(RequestError, match=sentence):
        datasets.main(words)
