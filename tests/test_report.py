"""The report of a sweep."""

import pytest
from restorations import ENTRY, TESTS, restoration

from restore import report
from restore.errors import RequestError
from restore.results import store
from restore.results.crops import Crops
from restore.runfolder import RunFolder


def test_claims_of_an_experiment_of_ones_own_are_its_jobs(tmp_path):
    job = RunFolder(tmp_path / "seed=0")
    job.config.parent.mkdir(parents=True)
    job.config.write_text("claims: [{says: wide is ahead, better: model.width=8, worse: model.width=4}]\n")
    (claim,) = report.claims_of("mine", [RunFolder(tmp_path / "seed=1"), job])
    assert claim["says"] == "wide is ahead"
    assert report.claims_of("mine") == []
    assert report.claims_of("red_depth", [job])[0]["says"] == "skips help 20 layers", (
        "a shipped experiment's are those of conf/"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "sweep=<folder of a sweep> is what there is to report on"),
        (["sweep=/nowhere"], "/nowhere is not the folder of a sweep with a finished job"),
        (["swep=x"], "unknown key 'swep': did you mean 'sweep'"),
    ],
)
def test_what_is_none_is_refused(words, sentence):
    with pytest.raises(RequestError, match=sentence):
        report.main(words)


def test_what_other_runs_kept_is_drawn_beside(tmp_path):
    sweep, authors = tmp_path / "sweep", tmp_path / "authors"
    job = RunFolder(sweep / "model=red10,seed=0")
    for folder, method in ((job.path, "red10"), (authors, "dncnn_s")):
        Crops(folder, [ENTRY], TESTS).keep(method, restoration())
    place = dict.fromkeys(store.COLUMNS, "") | {"task": "denoise_blind", "protocol": "dncnn", "dataset": "bsd68"}
    rows = [
        place
        | {"model": model, "method_kind": kind, "setting": f"sigma={sigma}", "image": "a", "channels": channels}
        | {"metric": "psnr", "value": value, "value_input": 20.0}
        for channels in (1, 3)
        for sigma in (25, 50)
        for model, kind, value in (("bm3d", "classical", 28.0), ("dncnn_b", "network", 29.0))
    ]
    gray, colour = ([row for row in rows if row["channels"] == channels] for channels in (1, 3))
    store.append(authors / "results.csv", colour)
    drawn = report.draw(sweep, [job], [authors], gray, tmp_path)
    assert [file.name for file in drawn] == ["sheet_14.png", "gain.png"]
    both, alone = (tmp_path / "gain.png").read_bytes(), tmp_path / "alone"
    alone.mkdir()
    report.draw(sweep, [job], [], gray, alone)
    assert (alone / "gain.png").read_bytes() != both, "the colour half was beside"
    assert (alone / "sheet_14.png").read_bytes() != (tmp_path / "sheet_14.png").read_bytes()
