"""The report of a sweep."""

from pathlib import Path

import pytest
from restorations import ENTRY, TESTS, restoration

from restore import report
from restore.errors import RequestError
from restore.results import store
from restore.results.crops import Crops
from restore.runfolder import RunFolder
from restore.runs import sweep_report

RECORDS = Path(__file__).parents[1] / "experiments"


def test_claims_of_an_experiment_of_ones_own_are_its_jobs(tmp_path):
    job = RunFolder(tmp_path / "seed=0")
    job.config.parent.mkdir(parents=True)
    job.config.write_text("claims: [{says: wide is ahead, better: model.width=8, worse: model.width=4}]\n")
    (claim,) = sweep_report.claims_of("mine", [RunFolder(tmp_path / "seed=1"), job])
    assert claim["says"] == "wide is ahead"
    assert sweep_report.claims_of("mine") == []
    assert sweep_report.claims_of("red_depth", [job])[0]["says"] == "skips help 20 layers", (
        "a shipped experiment's are those of conf/"
    )


def test_a_kept_record_is_read_without_its_jobs(tmp_path, capsys):
    report.main([f"sweep={RECORDS / 'red_downsample'}", f"out={tmp_path}"])
    text = (tmp_path / "table.md").read_text()
    assert "| a stride at conv1 costs less than 0.1 dB      | contradicted | +1.7" in text
    assert text.splitlines()[-1] == "Budget cpu, recipe ours."
    assert text.strip() in capsys.readouterr().out


def test_claims_about_training_have_the_histories_of_all_seeds():
    one, other = {"patches": [16.0, 32.0]}, {"patches": [16.0]}
    assert sweep_report.by_point({"model=red20,seed=0": one, "model=red20,seed=1": other}) == {
        "model=red20": [one, other]
    }


def test_a_papers_table_is_made_of_all_results_below(tmp_path, capsys):
    report.main(["table=red_2,dncnn_III", f"runs={RECORDS / 'campaign_cpu'}", f"out={tmp_path}"])
    assert "here: campaign_cpu" in (tmp_path / "red_2.md").read_text()
    assert (tmp_path / "dncnn_III.md").is_file()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "results.csv").write_text("another,form\n1,2\n")
    report.main(["table=red_2", f"runs={tmp_path / 'runs'}"])
    assert "left out: " in capsys.readouterr().out
    with pytest.raises(RequestError, match="has other columns"):
        report.main(["table=red_2", f"runs={tmp_path / 'runs' / 'results.csv'}"])


def test_the_table_of_the_authors_files(tmp_path, capsys):
    report.main(["table=released", f"runs={RECORDS / 'dncnn_table_iii'}", f"out={tmp_path}"])
    text = (tmp_path / "released.md").read_text()
    assert text.strip() in capsys.readouterr().out
    assert text.count("DnCNN_S_sigma25.mat 5a5404c9") == 2
    assert "30.436 (dncnn III)" in text
    assert text.splitlines()[-1].startswith("Not run: fetch dncnn_s_15, dncnn_s_50, ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sweep=a", "table=red_4"], "sweep= and table= are reports of their own: give one of them"),
        (["table=red_4", "runs=/nowhere"], "runs=/nowhere is not there"),
        (["table=red_44"], "unknown table 'red_44': did you mean 'red_4'"),
        (["figure=red_13", f"runs={RECORDS / 'red_width'}"], "unknown figure 'red_13': did you mean 'red_3'"),
        (["what=everything", f"runs={RECORDS / 'red_width'}"], "unknown what 'everything'"),
        (["what=generalisation", f"runs={RECORDS / 'red_width'}"], "scored in two settings of one set each"),
        (["what=frontier", f"runs={RECORDS / 'quality_per_minute'}"], "two networks of known sizes"),
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
    drawn = sweep_report.draw(sweep, [job], [authors], gray, tmp_path)
    assert [file.name for file in drawn] == ["sheet_14.png", "gain.png"]
    both, alone = (tmp_path / "gain.png").read_bytes(), tmp_path / "alone"
    alone.mkdir()
    sweep_report.draw(sweep, [job], [], gray, alone)
    assert (alone / "gain.png").read_bytes() != both, "the colour half was beside"
    assert (alone / "sheet_14.png").read_bytes() != (tmp_path / "sheet_14.png").read_bytes()
