from collections import Counter
from math import log10

import pytest

from restore.results import published


def values(*place: str, metric: str = "psnr") -> list[str]:
    return [row["value"] for row in published.find(*place, metrics=[metric])]


def test_published_numbers_by_model_name():
    assert values("denoise", "set12", "sigma=25", "dncnn_s") == ["30.436"]
    assert values("denoise", "bsd200", "sigma=50", "red30") == ["25.75"]
    assert values("denoise", "bsd200", "sigma=50", "red30", metric="ssim") == ["0.7167"]
    assert values("denoise_blind", "bsd200", "sigma=50", "red30") == ["25.69"]
    assert values("denoise_blind", "bsd68", "sigma=50", "dncnn_b") == ["26.23"]
    assert values("denoise", "bsd68", "sigma=26", "dncnn_s") == []
    assert values("denoise", "bsd68", "sigma=25", "dncnn_s", metric="psnr_y") == []


def test_every_number_that_the_papers_print():
    rows = published.published()
    papers = Counter((row["paper"], row["metric"]) for row in rows)
    assert papers == {
        **{("red", "psnr"): 233, ("red", "ssim"): 203, ("dncnn", "psnr"): 378, ("dncnn", "ssim"): 67},
        **{("gopro", "mse"): 6, ("gopro", "psnr_of_mse"): 6, ("nah", "psnr"): 1, ("nah", "ssim"): 1},
        **{("srcnn", "psnr"): 7, ("vdsr", "psnr"): 6, ("ffdnet", "psnr"): 9, ("fdncnn", "psnr"): 3},
    }
    assert len({tuple(row.values())[:-1] for row in rows}) == len(rows), "none stands twice"
    assert all(0 < float(row["value"]) <= (60 if "psnr" in row["metric"] else 1) for row in rows)


def test_the_study_on_gopro_has_the_psnr_that_its_errors_give():
    rows = [row for row in published.published() if row["paper"] == "gopro"]
    told = {(row["setting"], row["method"], row["metric"]): float(row["value"]) for row in rows}
    errors = {key[:2]: value for key, value in told.items() if key[2] == "mse"}
    for key, error in errors.items():
        assert told[(*key, "psnr_of_mse")] == pytest.approx(-10 * log10(error), abs=0.005)
    place = ("motion_blur", "gopro", "motion blur", "gopro_red_pool", 3)
    assert [row["value"] for row in published.find(*place, metrics=["mse", "psnr_of_mse"])] == ["0.004", "23.98"]
    assert published.find(*place[:4], 1, metrics=["mse"]) == [], "the study is in colour"


def test_sets_that_a_paper_does_not_name_are_those_that_stand_in():
    (row,) = published.find("deblur", "bsd200", "kernel=disk", "red30", 3, ["psnr"])
    assert published.cell([row], ["psnr"], "bsd200") == "32.13 (red 10, on a set that is not stated)"
    first = published.find("denoise", "set12", "sigma=50", "red30", metrics=["psnr"])
    assert published.cell(first, ["psnr"], "set12") == "26.81 (red 1, on fourteen images that are not named)"
    assert published.find("denoise", "set5", "sigma=50", "red30") == [], (
        "another set does not stand in for the fourteen"
    )
    assert published.cell(published.find("sr", "set5", "scale=2", "red30"), ["psnr"], "set5").startswith(
        "37.66 (red 4)"
    )


def test_everything_that_is_printed_for_a_place():
    methods = {row["method"] for row in published.printed_for("denoise_blind", "bsd68", "sigma=25")}
    assert {"BM3D", "WNNM", "TNRD", "DnCNN-B", "DnCNN-3"} <= methods
    assert {row["table"] for row in published.printed_for("general", "set5", "scale=2")} == {"4", "7", "V", "authors"}
    assert {row["method"] for row in published.printed_for("inpaint_text", "live1", "text font=10", 3)} == {
        "FoE",
        "RED30",
    }


def test_an_authors_file_is_called_as_the_tables_call_its_method():
    row = {"method_kind": "released", "run": "tnrd_jpeg_10", "model": "tnrd_jpeg", "channels": "1"}
    row["setting"] = "quality=10"
    assert published.method_of(row) == "TNRD"
    assert published.method_of(row | {"setting": "quality=20"}) == "tnrd_jpeg_10", "what is printed is of another file"
    assert published.method_of(row | {"run": "a file of a later list"}) == "tnrd_jpeg"
    assert published.method_of(row | {"method_kind": "network"}) == "tnrd_jpeg"


def test_images_of_set12_by_the_names_of_the_table():
    assert [published.image_name("set12", f"{number:02d}") for number in (1, 8, 12)] == ["cameraman", "lena", "couple"]
    assert published.image_name("set12", "13") == "13"
    assert published.image_name("set5", "01") == "01"
    printed = {published.of_image(row)[1] for row in published.published()} - {""}
    assert printed == set(published.SET12)


def test_a_cell_follows_the_metrics():
    rows = published.find("denoise", "bsd200", "sigma=50", "red30")
    assert published.cell(rows, ["psnr", "ssim"]) == "25.75 / 0.7167 (red 2)"
    assert published.cell(rows, ["ssim"]) == "0.7167 (red 2)"
    assert published.cell(rows, ["lpips", "psnr", "vif"]) == "– / 25.75 (red 2)"
    assert published.cell(rows, ["lpips"]) == "–"
    assert published.cell([], ["psnr"]) == "–"
