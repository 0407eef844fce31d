"""The papers' tables, with rows made up so that what stands in them is known."""

import pytest

from restore.errors import RequestError
from restore.results.paper_tables import paper_table, table_names
from restore.results.published import published


def cells(text: str, *begin: str) -> list[list[str]]:
    """Cells of the lines that begin so."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if tuple(line[: len(begin)]) == begin]


def test_every_number_of_every_table_stands_in_it():
    names = table_names()
    assert {
        *(f"red_{number}" for number in range(1, 11)),
        "red_5.6",
        "dncnn_II",
        "dncnn_III",
        "dncnn_V",
        "gopro_1",
    } <= {*names}
    for name in names:
        text = paper_table(name, [])
        words = text.replace("|", " ").replace("/", " ").split()
        printed = [row for row in published() if name == _name(row)]
        assert printed
        for row in printed:
            assert row["value"] in words, (name, row)
            assert cells(text, row["method"])[0][1].startswith(("published, not run", "published; not run: fetch "))
        assert "here:" not in text
        assert "nothing was run on it" in text


def _name(row) -> str:
    return f"{row['paper']}_{row['table']}".replace("Fig. ", "fig")


def test_all_of_table_iii():
    text = paper_table("dncnn_iii", [])
    assert sum(row["table"] == "III" for row in published()) == 286
    assert cells(text, "method")[0][2:] == [
        *("cameraman", "house", "peppers", "starfish", "monarch", "airplane", "parrot", "lena", "barbara", "boat"),
        *("man", "couple", "mean"),
    ]
    values = [cell for line in cells(text) for cell in line[2:] if cell[:1].isdigit()]
    assert len(values) == 286


def test_ours_beneath_the_published(image_rows):
    """Three seeds of one grid are one line; the budget, the recipe and the protocol are said."""
    rows = []
    for seed, psnr in enumerate((29.0, 29.2, 29.4)):
        run = {"run": f"task.sigma=25,seed={seed}", "seed": seed, "experiment": "dncnn_denoise"}
        run |= {"budget": "gpu", "recipe": "paper_dncnn", "checkpoint_sha256": f"{seed}"}
        rows += [*image_rows("a", psnr - 1, **run), *image_rows("b", psnr + 1, **run)]
    rows += image_rows("a", 28.0, model="bm3d", method_kind="classical", run="x")
    rows += image_rows("a", 27.0, model="red20", task="denoise", experiment="mine", run="mine/1")
    text = paper_table("dncnn_II", rows)
    (first, here) = cells(text, "DnCNN-S") + cells(
        text, "", "here: dncnn_denoise, protocol dncnn, budget gpu, recipe paper_dncnn, 3 seeds"
    )
    assert first[1:] == ["published", "31.73", "29.23", "26.23"]
    assert here[2:] == ["–", "29.20 ± 0.20", "–"]
    assert cells(text, "BM3D")[0][1] == "published"
    assert cells(text, "", "here: protocol dncnn")[0][3] == "28.00"
    (other,) = cells(text, "red20 (not in this table)")
    assert other[3] == "27.00"
    assert cells(text, "WNNM", "published, not run")


def of_file(name: str, model: str, **changes: str) -> dict[str, str]:
    """What the rows of an authors' file say of it."""
    return {"method_kind": "released", "run": name, "model": model, "checkpoint_sha256": name} | changes


def test_printed_then_measured_from_the_authors_files_then_ours(image_rows):
    """Files that are each for one setting are one line; beside whatever they were scored, a score is taken once."""
    beside = {"experiment": "dncnn_denoise", "budget": "gpu", "recipe": "paper_dncnn", "seed": 3}
    rows = [
        *image_rows("a", 31.4, **of_file("tnrd_15", "tnrd", setting="sigma=15")),
        *image_rows("a", 28.9, **of_file("tnrd_25", "tnrd"), **beside),
        *image_rows("a", 28.9, **of_file("tnrd_25", "tnrd")),
        *image_rows("a", 29.2, **of_file("dncnn_s_25", "dncnn_s")),
        *image_rows("a", 29.0, run="mine", checkpoint_sha256="mine"),
        *image_rows("a", 28.5, **of_file("csf_25_5x5", "csf")),
    ]
    lines = cells(paper_table("dncnn_II", rows))
    places = {line[0]: number for number, line in enumerate(lines) if line[0]}
    assert lines[places["TNRD"]][1:] == ["published", "31.42", "28.92", "25.97"]
    assert lines[places["TNRD"] + 1] == ["", "here, authors' files: protocol dncnn", "31.40", "28.90", "–"]
    ours = [line[1] for line in lines[places["DnCNN-S"] + 1 : places["DnCNN-S"] + 3]]
    assert ours == ["here, authors' files: protocol dncnn", "here: protocol dncnn, recipe not known, 1 seed"]
    assert lines[places["CSF"]][1] == "published; not run: fetch csf_15, csf_25", "another CSF was"
    assert lines[places["CSF 5×5 (not in this table)"]][3] == "28.50"


def test_two_files_for_one_setting_stand_apart(image_rows):
    place = {"task": "sr_blind", "dataset": "set5", "setting": "scale=2"}
    names = ("vdsr_adam", "vdsr_adam_caffe")
    rows = [row for name in names for row in image_rows("a", 37.5, **of_file(name, "vdsr"), **place)]
    lines = cells(paper_table("dncnn_V", rows), "VDSR of caffe-vdsr (not in this table)")
    assert [line[1] for line in lines] == [f"here, authors' files ({name}): protocol dncnn" for name in names]


def test_what_was_not_run_says_which_files_it_takes():
    second, third = paper_table("red_2", []), paper_table("red_3", [])
    files = ", ".join(f"red30_denoise_{sigma}" for sigma in (10, 30, 50, 70))
    assert cells(second, "RED30", f"published; not run: fetch {files}")
    assert cells(third, "RED30", "published, not run"), "its files are each for one level, and Table 3 is blind"
    assert cells(second, "EPLL", "published, not run"), "no network here reads its file"
    assert cells(second, "BM3D", "published, not run")
    assert cells(paper_table("dncnn_II", []), "DnCNN-B", "published; not run: fetch dncnn_b")
    assert cells(
        paper_table("red_10", []), "RED30", "published; not run: fetch red30_deblur_disk, red30_deblur_gaussian"
    )
    image_by_image = paper_table("dncnn_III", [])
    assert [line[1] for line in cells(image_by_image, "TNRD")] == [
        f"published; not run: fetch tnrd_{sigma}" for sigma in (15, 25, 50)
    ]


def test_what_authors_print_of_their_own_method():
    text = paper_table("vdsr_authors", [])
    assert text.startswith("VDSR, its authors' own numbers\n")
    assert cells(text, "VDSR")[0][2:] == ["37.53", "33.66", "31.35"]


def test_runs_of_the_same_seed_stay_apart_and_the_same_run_is_taken_once(image_rows):
    runs = [{"run": f"model.width={width},seed=0", "seed": 0, "checkpoint_sha256": f"{width}"} for width in (16, 32)]
    shared = {"experiment": "wide", "model": "red30", "dataset": "bsd200"}
    rows = [row for run in runs for row in image_rows("a", 25 + int(run["checkpoint_sha256"]) / 100, **run, **shared)]
    rows = [row | {"setting": "sigma=30"} for row in rows]
    again = [row | {"run": f"wide/{row['run']}"} for row in rows]
    text = paper_table("red_2", [*rows, *again])
    lines = [line for line in cells(text, "") if line[1].startswith("here: wide")]
    assert [line[1].split(", ")[1] for line in lines] == ["width=16", "width=32"]
    assert [line[3] for line in lines] == ["25.16 / 0.9000", "25.32 / 0.9000"]


def test_a_blind_network_stands_in_the_tables_that_print_it(image_rows):
    blind = image_rows("a", 25.0, model="red30", task="denoise_blind", dataset="bsd200", setting="sigma=50")
    third = paper_table("red_3", blind)
    assert "bsd200: PSNR / SSIM\n" in third
    assert "fourteen images that are not named: PSNR / SSIM; nothing was run on it" in third
    assert next(line for line in cells(third, "") if "denoise_blind" in line[1])[4] == "25.00 / 0.9000"
    second = paper_table("red_2", blind)
    assert cells(second, "RED30")[0][1].startswith("published; not run: "), "Table 2's RED30 knows the level"
    assert cells(second, "red30 (not in this table)")


def test_another_set_is_named_where_the_papers_is_not(image_rows):
    rows = image_rows("a", 30.0, model="red30", task="deblur", dataset="bsd200", setting="kernel=disk", channels=3)
    text = paper_table("red_10", rows)
    assert "on bsd200" in cells(text, "")[0][1]
    assert cells(text, "RED30")[0][1:] == ["published", "32.13", "38.84", "34.49"]
    first = paper_table("red_1", image_rows("01", 25.0, model="red30", dataset="set12", setting="sigma=70"))
    assert "on set12" in cells(first, "")[0][1]


def test_the_gopro_study_has_three_ways_to_say_an_error(image_rows):
    place = {"model": "gopro_red", "task": "denoise", "dataset": "live1", "setting": "sigma=10/30/50/70", "channels": 3}
    rows = [*image_rows("a", 10, {"mse": (0.1, 1)}, **place), *image_rows("b", 30, {"mse": (0.001, 1)}, **place)]
    text = paper_table("gopro_1", rows)
    assert "GOPRO: MSE / PSNR of the mean MSE / PSNR" in text
    assert cells(text, "with skip connections")[0][2] == "0.00090 / 30.46"
    assert cells(text, "")[0][2] == "0.05050 / 12.97 / 20.00"


def test_images_that_were_trained_on_are_said(image_rows):
    rows = [*image_rows("a", overlap="t7"), *image_rows("b")]
    assert "1 images trained on" in paper_table("dncnn_II", rows)


def test_a_table_that_is_not_there():
    with pytest.raises(RequestError, match="unknown table 'red_44': did you mean 'red_4'"):
        paper_table("red_44", [])
