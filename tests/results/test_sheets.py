"""Which crops come into a sheet, under which labels, in which order."""

import logging

import numpy as np
from PIL import Image
from restorations import ENTRY, TESTS, restoration

from restore.results.crops import Crops
from restore.results.sheets import Kept, draw_crops, draw_sheets, kept_in, points, row_of


def keep(folder, *methods: str, entry=ENTRY, **changes) -> None:
    crops = Crops(folder, [entry], TESTS)
    for gain, method in enumerate(methods, start=2):
        crops.keep(method, restoration(gain, **changes))


def row(*folders):
    return row_of([kept for folder in folders for kept in kept_in(folder)])


def lines(*folders) -> list[tuple[str, ...]]:
    return [panel.lines for panel in row(*folders).panels]


def height_of(file) -> int:
    with Image.open(file) as image:
        return image.height


def test_input_classical_methods_networks_clean(tmp_path):
    keep(tmp_path, "red10", "wavelet", "non_local_means")
    assert lines(tmp_path) == [
        ("input", "20.00 dB"),
        ("non local means", "24.00 dB"),
        ("wavelet", "23.00 dB"),
        ("red10", "22.00 dB"),
        ("clean",),
    ]
    assert row(tmp_path).title == "set12 a, sigma=25, protocol dncnn"


def test_the_authors_network_and_one_of_its_name_that_was_trained(tmp_path):
    for seed in (1, 2):
        keep(tmp_path / f"model=srcnn,seed={seed}", "wavelet", "srcnn (authors)", "srcnn")
    labels = [label for label, *_ in lines(*sorted(tmp_path.iterdir()))]
    assert labels == ["input", "wavelet", "srcnn (authors)", "srcnn", "clean"]


def test_the_jobs_of_a_sweep_by_what_they_differ_in(tmp_path):
    for seed in (1, 2):
        for number, skips in enumerate((True, False)):
            folder = tmp_path / f"data.patch_size=50,model.skips={skips},seed={seed}"
            Crops(folder, [ENTRY], TESTS).keep("bottleneck", restoration(number + seed))
            Crops(folder, [ENTRY], TESTS).keep("bm3d", restoration(5))
    folders = sorted(tmp_path.iterdir(), reverse=True)  # seed 2 first
    assert lines(*folders)[1:-1] == [
        ("bm3d", "25.00 dB"),
        ("bottleneck skips=True", "22.00 dB"),
        ("bottleneck skips=False", "23.00 dB"),
    ]
    assert row(*folders).title.endswith("protocol dncnn, seed 2")


def test_models_go_by_their_names(tmp_path):
    for model in ("red20", "red10"):
        keep(tmp_path / f"model={model},task.sigma=25", model)
    keep(tmp_path / "sweep", "dncnn_s")  # the authors' weights, evaluated to the sweep's own folder
    shown = lines(tmp_path / "sweep", tmp_path / "model=red20,task.sigma=25", tmp_path / "model=red10,task.sigma=25")
    assert [label for label, *_ in shown] == ["input", "dncnn_s", "red20 sigma=25", "red10 sigma=25", "clean"]


def test_two_runs_of_one_network_are_told_apart(tmp_path):
    for name in ("first", "second"):
        keep(tmp_path / name, "red10")
    assert [label for label, *_ in lines(tmp_path / "first", tmp_path / "second")[1:-1]] == [
        "red10 first",
        "red10 second",
    ]


def test_another_pair_is_no_neighbour(tmp_path, caplog):
    keep(tmp_path / "model=red10", "red10")
    keep(tmp_path / "model=red20", "red20", seed=1)
    with caplog.at_level(logging.WARNING, "restore"):
        shown = lines(tmp_path / "model=red10", tmp_path / "model=red20")
    assert [label for label, *_ in shown] == ["input", "red10", "clean"]
    assert "left out    model=red20 of sheet 14: its test pair or crop is another" in caplog.text


def test_the_images_of_a_figure_are_rows_of_one_file(tmp_path):
    entries = [ENTRY, ENTRY | {"image": "bird_GT"}]
    crops = Crops(tmp_path, entries, TESTS)
    crops.keep("red10", restoration())
    (one,) = draw_sheets([tmp_path], tmp_path / "out")
    height = height_of(one)
    crops.keep("red10", restoration(image="bird_GT"))
    assert draw_sheets([tmp_path], tmp_path / "out") == [one]
    assert height_of(one) == 2 * height
    assert one.name == "sheet_14.png"
    assert draw_sheets([tmp_path / "nowhere"], tmp_path) == []
    keep(tmp_path / "red", "red10", entry=ENTRY | {"figure": "RED Fig. 5"})
    assert [file.name for file in draw_sheets([tmp_path / "red"], tmp_path)] == ["sheet_red_fig_5.png"]


def test_six_regions_with_white_lines_and_the_residual_beside(tmp_path):
    keep(tmp_path, "dncnn_3", entry=ENTRY | {"region": "whole", "grid": [2, 3], "residual": True})
    drawn = row(tmp_path).panels
    assert [panel.lines for panel in drawn] == [
        ("input", "20.00 dB"),
        ("dncnn_3", "22.00 dB"),
        ("dncnn_3", "residual, normalised"),
        ("clean",),
    ]
    levels = np.asarray(drawn[0].image)
    assert (levels[30] == 255).all()
    assert (levels[:, 26] == 255).all()
    assert (levels[:, 52] == 255).all()
    assert not (np.asarray(drawn[1].image)[30] == 255).all()


def test_the_sheets_of_one_test(tmp_path, caplog):
    crops = Crops(tmp_path, [ENTRY, ENTRY | {"image": "bird_GT"}], TESTS)
    crops.keep("red10", restoration())
    with caplog.at_level(logging.INFO, "restore"):
        assert draw_crops(crops, tmp_path) == [tmp_path / "sheet_14.png"]
    assert "no sheet    14: set12 sigma=25 bird_GT was not tested" in caplog.text
    assert draw_crops(Crops(tmp_path, [], TESTS), tmp_path) == [], "nothing was asked for this time"


def test_the_seed_of_a_lone_job(tmp_path):
    keep(tmp_path / "seed=3", "red10")
    (kept,) = kept_in(tmp_path / "seed=3")
    assert isinstance(kept, Kept)
    assert points([kept]) == ([("red10", "red10", kept)], "3")
