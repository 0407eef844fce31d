import csv
import io

import pytest

from restore.results.generalisation import draw_matrix, matrices, matrix_csv, matrix_lines, matrix_table


@pytest.fixture
def rows(image_rows):
    settings = {"sigma=50": 26.0, "sigma=5": 36.0, "quality=10": 31.0}
    own = [
        row
        for seed in (0, 1)
        for setting, psnr in settings.items()
        for image, more in (("a", -1), ("b", 1))
        for row in image_rows(
            image, psnr + more + seed, run=f"seed={seed}", seed=seed, experiment="mine", setting=setting
        )
    ]
    other = [
        row
        for setting in ("sigma=5", "sigma=50")
        for row in image_rows("a", 19.0, run="x", model="vdsr", setting=setting)
    ]
    once_only = image_rows("a", 30.0, run="y", model="tnrd", setting="sigma=5")
    classical = [
        row for at in settings for row in image_rows("a", 28.0, model="bm3d", method_kind="classical", setting=at)
    ]
    return [*own, *other, *once_only, *classical]


def trained_on(row):
    return {"sigma=50": True, "sigma=5": False}.get(row["setting"])


def test_each_network_in_each_setting_with_its_mark(rows):
    (matrix,) = matrices(rows, trained_on)
    assert matrix.settings == ["sigma=5", "sigma=50", "quality=10"], "corruptions as they appear, by strength"
    assert matrix.networks == ["mine dncnn_s", "vdsr x"], "not one of a single setting, and no classical method"
    cell = matrix.cells["mine dncnn_s", "sigma=50"]
    assert cell.values == (26.0, 27.0)
    assert cell.gain == pytest.approx(6.5)
    header, lines = matrix_lines(matrix)
    assert header == ("network", "sigma=5", "sigma=50", "quality=10")
    assert lines[0][1:] == ["(20.00)"] * 3
    assert lines[1][1:] == ["+16.50 (36.50 ± 0.71)", "+6.50 (26.50 ± 0.71) ●", "+11.50 (31.50 ± 0.71) ?"]
    assert lines[2] == ["vdsr x", "-1.00 (19.00)", "-1.00 (19.00) ●", "–"]
    assert "● trained on this strength" in matrix_table(matrix)


def test_every_cell_is_a_row_of_the_file(rows):
    found = list(csv.DictReader(io.StringIO(matrix_csv(matrices(rows, trained_on)))))
    assert len(found) == 5
    assert [row["trained_on"] for row in found[:3]] == ["yes", "no", "unknown"]
    assert (found[0]["value"], found[0]["deviation"], found[0]["gain"]) == ("26.5000", "0.7071", "6.5000")
    assert (found[0]["seeds"], found[0]["images"], found[0]["overlap"]) == ("2", "2", "none")


def test_the_heatmap_is_drawn(rows, tmp_path):
    (matrix,) = matrices(rows, trained_on)
    svg, png = draw_matrix(matrix, tmp_path / matrix.name)
    assert svg.name == "generalisation_bsd68_dncnn.svg"
    assert png.stat().st_size > 5000
    before = svg.read_bytes()
    draw_matrix(matrix, tmp_path / matrix.name)
    assert svg.read_bytes() == before, "the same drawing is the same file"
