"""What the authors' files give beside what was printed, with rows made up so that what stands there is known."""

import pytest

from restore.released import released
from restore.results.released import not_scored, released_table


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


@pytest.fixture
def file_rows(image_rows):
    """Rows of an authors' file on two images whose mean is `psnr`."""

    def rows(name: str, psnr: float, **changes) -> list[dict]:
        file = next(each for each in released() if each.name == name)
        shared = {"method_kind": "released", "run": name, "model": file.model, "checkpoint_sha256": file.sha256}
        shared |= {"task": file.task, "setting": file.settings} | changes
        return [*image_rows("a", psnr - 1, **shared), *image_rows("b", psnr + 1, **shared)]

    return rows


def test_published_measured_difference(file_rows):
    line = cells(released_table(file_rows("tnrd_25", 28.918)))
    assert line == [
        [
            "TNRD",
            "bsd68",
            "sigma=25",
            "28.92 (dncnn II)",
            "28.92 / 0.9000",
            "-0.002",
            "dncnn",
            "TNRD_sigma25.mat d7439bda",
        ]
    ]
    ((_, _, _, published, measured, difference, *_),) = cells(
        released_table(file_rows("tnrd_jpeg_10", 29.2851, dataset="classic5"))
    )
    assert (published, measured, difference) == ("29.28 / 0.7992 (dncnn V)", "29.29 / 0.9000", "+0.005 / +0.1008")
    ((*_, published, measured, difference, _, _),) = cells(
        released_table(file_rows("tnrd_25", 30.0546, dataset="set12"))
    )
    assert (published, measured, difference) == ("30.055 (dncnn III)", "30.055 / 0.9000", "-0.0004")
    ((*_, difference, _, _),) = cells(released_table(file_rows("tnrd_25", 28.91999)))
    assert difference == "+0.000"


def test_the_paper_of_the_protocol_comes_first_then_the_methods_authors(file_rows):
    rows = [
        row
        for name in ("dncnn", "vdsr", "red", "vdsr+border=0", "basicsr")
        for row in file_rows("vdsr", 37.5, dataset="set5", setting="scale=2", protocol=name)
    ]
    found = {line[6]: line[3] for line in cells(released_table(rows))}
    assert found == {
        "dncnn": "37.56 / 0.9591 (dncnn V)",
        "vdsr": "37.53 (vdsr authors)",
        "red": "37.53 / 0.9587 (red 7)",
        "vdsr+border=0": "37.53 (vdsr authors)",
        "basicsr": "37.53 (vdsr authors)",
    }


def test_no_difference_from_a_set_that_is_not_named_nor_from_what_is_not_printed(file_rows):
    rows = file_rows("red30_denoise_50", 26.0, dataset="set12", protocol="red×8")
    rows += file_rows("red30_deblur_disk", 30.0, dataset="bsd200", channels=3)
    rows += file_rows("dncnn_s_20", 30.0)
    lines = {line[0] + line[1]: line for line in cells(released_table(rows))}
    assert lines["RED30set12"][3:6] == [
        "26.81 / 0.7733 (red 1, on fourteen images that are not named)",
        "26.00 / 0.9000",
        "–",
    ]
    assert lines["RED30bsd200"][3:6] == ["32.13 (red 10, on a set that is not stated)", "30.00 / 0.9000", "–"]
    assert lines["DnCNN-Sbsd68"][3:6] == ["–", "30.00 / 0.9000", "–"]


def test_lines_go_by_method_protocol_set_and_strength_and_a_score_is_taken_once(file_rows, image_rows):
    rows = [
        *file_rows("arcnn_20", 31.0, dataset="live1"),
        *file_rows("arcnn_10", 29.0, dataset="live1"),
        *file_rows("arcnn_10", 29.0, dataset="classic5"),
        *file_rows("arcnn_10", 29.0, dataset="live1", protocol="red"),
        *file_rows("arcnn_10", 29.0, dataset="live1", experiment="again"),
        *file_rows("dncnn_s_25", 29.0),
        *image_rows("a", 29.0),
        *image_rows("a", 28.0, model="bm3d", method_kind="classical"),
    ]
    assert [(line[0], line[1], line[2], line[6]) for line in cells(released_table(rows))] == [
        ("DnCNN-S", "bsd68", "sigma=25", "dncnn"),
        ("AR-CNN", "live1", "quality=10", "dncnn"),
        ("AR-CNN", "live1", "quality=20", "dncnn"),
        ("AR-CNN", "classic5", "quality=10", "dncnn"),
        ("AR-CNN", "live1", "quality=10", "red"),
    ]
    assert released_table(image_rows("a")) == "No authors' file was scored."


def test_a_metric_that_no_paper_prints_is_left_out(file_rows):
    rows = [row | {"metric": "lpips@0.1-7be5be79"} for row in file_rows("tnrd_25", 28.9) if row["metric"] == "psnr"]
    text = released_table([*file_rows("tnrd_25", 28.9), *rows])
    assert "published PSNR / SSIM |" in text
    assert "LPIPS" not in text


def test_what_is_printed_and_has_no_row_is_to_be_fetched(file_rows):
    names = not_scored([]).removeprefix("Not run: fetch ").rstrip(".").split(", ")
    assert {"red30_denoise_30", "red30_inpaint_scratch", "tnrd_25", "srcnn_915_3", "dncnn_b", "vdsr"} <= set(names)
    assert not {"dncnn_s_10", "mlp", "epll", "csf_25_5x5", "vdsr_adam", "tnrd_75"} & set(names)
    fewer = not_scored(file_rows("tnrd_25", 28.9)).removeprefix("Not run: fetch ").rstrip(".").split(", ")
    assert set(names) - set(fewer) == {"tnrd_25"}
    every = [row for name in names for row in file_rows(name, 30.0)]
    assert not_scored(every) == ""
