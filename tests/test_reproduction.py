"""Every table and figure at once, from records."""

import csv
import re
from pathlib import Path

import pytest

from restore import report, reproduction
from restore.results.paper_tables import table_names
from restore.results.printed_figures import printed_figures

RECORDS = Path(__file__).parents[1] / "experiments"


def test_every_table_is_there_once():
    names = reproduction.every_table()
    assert set(names) == {*table_names(), "dncnn_IV", "released"}
    assert len(set(names)) == len(names)
    assert names.index("dncnn_III") + 1 == names.index("dncnn_IV")


def test_a_table_in_three_forms(tmp_path, capsys):
    report.main(["table=dncnn_II,dncnn_iv", f"runs={RECORDS / 'campaign_cpu'}", f"out={tmp_path}"])
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{name}.{suffix}" for name in ("dncnn_II", "dncnn_IV") for suffix in ("md", "csv", "tex")
    }
    with (tmp_path / "dncnn_II.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    run = [row for row in rows if row["ours"]]
    assert {row["finding"] for row in rows} == {"not run", "one seed"}
    assert all("budget cpu (reduced)" in row["trained"] and len(row["checkpoint"]) == 8 for row in run)
    text = (tmp_path / "dncnn_II.md").read_text()
    assert "one seed" in text
    assert "**" not in text
    assert "textbf" not in (tmp_path / "dncnn_II.tex").read_text()


def test_one_figure_by_its_name(tmp_path, capsys):
    report.main(["figure=red_12,RED_14", f"runs={RECORDS / 'red_skip_step'}", f"out={tmp_path}"])
    assert {file.name for file in tmp_path.iterdir()} == {"red_12.svg", "red_12.png"}
    assert "red_14: not run: python -m restore.run -m experiment=red_denoise" in capsys.readouterr().out


def test_matrix_and_frontier_of_named_runs(tmp_path):
    report.main(["what=generalisation", f"runs={RECORDS / 'generalisation'}", f"out={tmp_path}"])
    text = (tmp_path / "generalisation.md").read_text()
    assert "dncnn_s_25 (authors)" in text
    assert "●" in text
    report.main(["what=frontier", f"runs={RECORDS / 'red_width'}", f"out={tmp_path}"])
    assert "red_width red20 width=32" in (tmp_path / "frontier.md").read_text()


def test_the_index_of_a_small_part(tmp_path, capsys):
    """Every figure has a picture or a sentence, and every link is there."""
    places = ",".join(str(RECORDS / name) for name in ("red_width", "dncnn_table_iii"))
    report.main([f"runs={places}", f"out={tmp_path}"])
    check_index(tmp_path)


@pytest.mark.slow
def test_all_records_are_reported(tmp_path, capsys):
    report.main([f"runs={RECORDS}", f"out={tmp_path}"])
    check_index(tmp_path)
    assert (tmp_path / "generalisation" / "generalisation.md").is_file()
    assert (tmp_path / "frontier" / "frontier.md").is_file()


def check_index(folder: Path) -> None:
    text = (folder / "index.md").read_text()
    for figure in printed_figures():
        part = text.partition(f"### {figure.title}: ")[2].partition("\n### ")[0]
        assert "not run: python -m restore.run" in part or f"figures/{figure.name}.png" in part
    links = re.findall(r"\]\(<?([^>)]+)>?\)", text)
    assert len(links) > 3 * len(reproduction.every_table())
    assert not [link for link in links if not (folder / link).is_file()]
