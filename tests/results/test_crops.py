"""Crops that a test keeps: where they are cut, what lies beside them, and which come together."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image
from restorations import ENTRY, TESTS, restoration

from restore.errors import RequestError
from restore.evaluation.score import Restoration
from restore.results.crops import Crops, Record, Sheet, detailed_square, normalised_residual


def levels_of(file) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_a_network_and_a_classical_method_share_one_region(tmp_path):
    crops = Crops(tmp_path, [ENTRY], TESTS)
    crops.keep("red10", restoration(3.0))
    crops.keep("bm3d", restoration(2.0))
    crops.keep("red10", restoration(9.0, protocol="red"))  # of two protocols the first
    crops.keep("red10", restoration(image="bird_GT"))  # nobody asked for it
    folder = tmp_path / "crops" / "set12" / "sigma=25" / "a"
    assert {file.name for file in folder.iterdir()} == {
        *("crops.json", "input.png", "clean.png", "red10.png", "bm3d.png")
    }
    record = Record.read(folder)
    assert record.values == {"input": 20.0, "clean": None, "red10": 23.0, "bm3d": 22.0}
    assert (record.figure, record.protocol, record.metric) == ("14", "dncnn", "psnr")
    top, left, height, width = record.box
    assert (height, width) == (48, 48)
    assert left + width >= 72, "where the detail is"
    wanted = restoration().pair.clean[0, 0, top : top + 48, left : left + 48] * 255
    assert np.array_equal(levels_of(folder / "clean.png"), wanted.round().numpy().astype(np.uint8))
    assert not [file for file in (tmp_path / "crops").rglob("*bird*")]


def test_methods_of_several_tests_come_together_where_the_pair_is_the_same(tmp_path):
    Crops(tmp_path, [ENTRY], TESTS).keep("red10", restoration(3.0))
    Crops(tmp_path, [ENTRY], TESTS).keep("dncnn_s", restoration(4.0, protocol="dncnn×4"))
    folder = tmp_path / "crops" / "set12" / "sigma=25" / "a"
    assert list(Record.read(folder).values) == ["input", "clean", "red10", "dncnn_s"]
    Crops(tmp_path, [ENTRY], TESTS).keep("red10", restoration(5.0))
    assert Record.read(folder).values["red10"] == 25.0
    for other in ({"seed": 1}, {"protocol": "red"}, {"metric": "ssim"}):
        Crops(tmp_path, [ENTRY], TESTS).keep("ffdnet", restoration(4.0, **other))
        assert list(Record.read(folder).values) == ["input", "clean", "ffdnet"], other
        assert not (folder / "red10.png").exists()
        Crops(tmp_path, [ENTRY], TESTS).keep("red10", restoration())


def test_a_network_that_does_nothing_is_the_input(tmp_path):
    Crops(tmp_path, [ENTRY], TESTS).keep("identity", restoration(0.0))
    Crops(tmp_path, [ENTRY], TESTS).keep("bicubic", restoration(0.0))
    assert list(Record.read(tmp_path / "crops" / "set12" / "sigma=25" / "a").values) == ["input", "clean", "bicubic"]


def test_the_residual_is_stretched_over_the_whole_image(tmp_path):
    one = restoration(5.0)
    residual = normalised_residual(one)
    assert (residual.min(), residual.max()) == (0, 1)
    taken = (one.pair.degraded - one.restored).flatten()
    assert torch.corrcoef(torch.stack([residual.flatten(), taken]))[0, 1] > 0.9999
    assert torch.equal(normalised_residual(restoration(0.0)), torch.zeros(1, 1, 60, 80))
    entry = ENTRY | {"residual": True, "region": "whole", "grid": [2, 3]}
    Crops(tmp_path, [entry], TESTS).keep("red10", one)
    folder = tmp_path / "crops" / "set12" / "sigma=25" / "a"
    assert levels_of(folder / "red10.residual.png").shape == (60, 80)
    assert levels_of(folder / "red10.residual.png").max() == 255
    assert Record.read(folder).grid == [2, 3]


def test_no_value_no_crop(tmp_path):
    crops = Crops(tmp_path, [ENTRY], TESTS)
    crops.keep("red10", Restoration(restoration().pair, restoration().restored))
    assert crops.missing == ["14: set12 sigma=25 a"]
    crops.keep("red10", restoration())
    assert crops.missing == []


def test_an_image_goes_by_the_beginning_of_its_name(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "restore"):
        crops = Crops(tmp_path, [ENTRY | {"image": "Bird"}, ENTRY | {"image": "c"}, ENTRY | {"dataset": "x"}], TESTS)
    crops.keep("red10", restoration(image="bird_GT"))
    assert crops.missing == ["14: set12 sigma=25 c", "14: x sigma=25 a"]
    assert [record.getMessage() for record in caplog.records] == [
        "no sheet    14: unknown image of set12 'c': (there are a, bird_GT)"
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"figur": 3}, "unknown key of sheets 'figur': did you mean 'figure'"),
        ({"image": ""}, "sheets is a list of {figure, dataset, setting, image}, and .* lacks image"),
        ({"region": [1, 2]}, "region of sheets is .top, left, side. in pixels or whole, and it is .1, 2."),
        ({"region": [1, 2, 0]}, "region of sheets"),
        ({"region": "all"}, "region of sheets"),
        ({"residual": "yes"}, "residual of sheets is true or false, and it is 'yes'"),
        ({"grid": [2, 3]}, "grid of sheets is .rows, columns. of a region that is whole"),
    ],
)
def test_a_malformed_entry_is_refused(change, sentence):
    with pytest.raises(RequestError, match=sentence):
        Sheet.read(ENTRY | change)


def test_an_image_stands_once(tmp_path):
    with pytest.raises(RequestError, match="sheets names set12 sigma=25 a twice"):
        Crops(tmp_path, [ENTRY, ENTRY | {"figure": 15}], TESTS)


@pytest.mark.parametrize(
    ("region", "box"), [([0, 5, 20], (0, 5, 20, 20)), ([50, 70, 20], (40, 60, 20, 20)), ([0, 0, 90], (0, 0, 60, 60))]
)
def test_a_region_slides_inside(region, box):
    assert Sheet.read(ENTRY | {"region": region}).box(torch.zeros(1, 1, 60, 80)) == box


def test_edges_count_more_than_grain_where_it_is_asked(generator):
    clean = torch.full((1, 1, 64, 128), 0.5)
    clean[..., :64] += 0.04 * torch.randn(64, 64, generator=generator)  # grain
    clean[..., 64:] += 0.3 * (torch.arange(64) // 8 % 2)  # stripes
    assert detailed_square(clean, 32)[1] < 64
    assert detailed_square(clean, 32, blur=5)[1] >= 56
    assert detailed_square(torch.rand(1, 3, 20, 24, generator=generator), 48) == (0, 0, 20), "smaller than asked"
