"""The report of a sweep."""

import pytest

from restore import report
from restore.errors import RequestError
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
