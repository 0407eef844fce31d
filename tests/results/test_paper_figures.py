from pathlib import Path

import pytest
from PIL import Image
from restorations import ENTRY, TESTS, restoration

from restore.results import store
from restore.results.crops import Crops
from restore.results.paper_figures import draw_figure, labels_of
from restore.results.printed_figures import find_figure
from restore.results.records import Record, records_of

RECORDS = Path(__file__).parents[2] / "experiments"


def kept(name: str) -> Record:
    return Record(RECORDS / name, store.read(RECORDS / name / "results.csv"))


def size_of(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def test_curves_of_a_record_one_column_wide(tmp_path):
    drawn = draw_figure(find_figure("red_9"), [kept("red_width"), kept("red_skip_step")], tmp_path)
    svg, png = drawn.files
    assert size_of(png)[0] == pytest.approx(3.3 * 300, abs=2)
    assert svg.read_text().count("<svg") == 1
    assert "budget cpu (reduced), recipe ours_ablation, 3,200 patches, 3 seeds" in drawn.sentence
    assert "not kept" not in drawn.sentence


def test_a_record_without_curves_is_drawn_by_what_it_reached_and_says_so(tmp_path):
    drawn = draw_figure(find_figure("red_12"), [kept("red_skip_step")], tmp_path)
    assert [file.name for file in drawn.files] == ["red_12.svg", "red_12.png"]
    assert "its curves were not kept" in drawn.sentence
    assert "python -m restore.run -m experiment=red_skip_step" in drawn.sentence


def test_what_was_not_run_is_a_sentence(tmp_path):
    for name in ("red_14", "red_9", "red_3", "dncnn_8"):
        drawn = draw_figure(find_figure(name), [kept("red_skip_step")], tmp_path)
        assert drawn.files == ()
        assert drawn.sentence == f"not run: {find_figure(name).command}"
    assert not list(tmp_path.iterdir())


def test_pictures_of_a_record_are_its_own_and_an_svg_of_them(tmp_path):
    drawn = draw_figure(find_figure("red_3"), [kept("red_feature_maps")], tmp_path)
    svg, png = drawn.files
    assert png.read_bytes() == (RECORDS / "red_feature_maps" / "maps.png").read_bytes()
    width, height = size_of(png)
    assert f'viewBox="0 0 {width} {height}"' in svg.read_text()
    authors = draw_figure(find_figure("dncnn_12"), [kept("dncnn_table_v")], tmp_path)
    assert authors.files
    assert authors.sentence.startswith("DnCNN-3, by its authors. From ")


def test_a_sheet_is_drawn_from_crops_of_its_number(tmp_path, image_rows):
    folder = tmp_path / "job"
    crops = Crops(folder, [ENTRY | {"figure": "14"}], TESTS)
    crops.keep("red30", restoration(10.0))
    record = Record(folder, image_rows("a", 20.0, experiment="red_denoise", budget="gpu", recipe="ours"))
    drawn = draw_figure(find_figure("red_14"), [record], tmp_path / "out")
    assert [file.name for file in drawn.files] == ["red_14.svg", "red_14.png"]
    other = draw_figure(find_figure("dncnn_4"), [record], tmp_path / "out")
    assert other.files == ()


def test_gain_over_the_printed_bm3d(tmp_path, image_rows):
    rows = [
        row for sigma in (15, 25) for row in image_rows("a", 30.0, run="x", model="dncnn_b", setting=f"sigma={sigma}")
    ]
    drawn = draw_figure(find_figure("dncnn_8"), [Record(tmp_path, rows)], tmp_path)
    assert [file.name for file in drawn.files] == ["dncnn_8.svg", "dncnn_8.png"]
    assert "it was not run here" in drawn.sentence
    rows += [row | {"model": "bm3d", "method_kind": "classical", "run": ""} for row in rows]
    assert "BM3D measured here" in draw_figure(find_figure("dncnn_8"), [Record(tmp_path, rows)], tmp_path).sentence


def test_the_record_that_was_trained_longest_is_taken(image_rows):
    short, long = (
        Record(Path(name), image_rows("a", 20.0, experiment="red_width", patches=patches))
        for name, patches in (("a", "20"), ("b", "3200"))
    )
    assert records_of("red_width", [short, long]) == [long, short]
    assert records_of("red_depth", [short, long]) == []


def test_points_are_called_by_what_they_differ_in():
    points = ["model.skips=True,optim=paper_red,model.start=he", "model.skips=False,optim=adam,model.start=he"]
    assert list(labels_of(points).values()) == ["skips, paper_red", "no skips, adam"]
    assert list(labels_of(points, ["optim"]).values()) == ["skips", "no skips"]
    assert labels_of(["G: by hand", "model=red10"])["G: by hand"] == "G: by hand"
