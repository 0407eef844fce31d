"""Ours beside the published, with rows made up so that the differences are known."""

import pytest

from restore.results.comparison import COLUMNS, HEADER, Comparison, compared_columns, comparisons

NETWORK = {"kind": "network", "protocol": "dncnn"}


def of_seeds(*values: float, **more) -> Comparison:
    return Comparison("DnCNN-S", "bsd68", "sigma=25", "psnr", "29.23", values, **(NETWORK | more))


def test_several_seeds_have_an_interval_that_says_what_is_known():
    """Student's t of two degrees of freedom is 4.303: 0.1 · 4.303 / √3 and half of the paper's last digit."""
    near, far = of_seeds(29.1, 29.2, 29.3), of_seeds(28.0, 28.1, 28.2)
    low, high = far.interval
    assert high - low == pytest.approx(2 * (4.3027 * 0.1 / 3**0.5 + 0.005), abs=1e-4)
    assert near.finding == "not distinguishable"
    assert near.difference.endswith("], not distinguishable")
    assert far.finding == ""
    assert far.value == "28.100 ± 0.100"
    assert far.difference == "-1.130 [-1.383, -0.877]"


def test_what_has_no_interval_says_why():
    assert of_seeds(29.20).difference == "-0.030, one seed"
    assert of_seeds(29.20, 29.3, same_set=False).difference == "another set"
    assert of_seeds(29.2349, kind="released").finding == "as printed"
    assert of_seeds(29.2361, kind="released").difference == "+0.006"
    assert of_seeds().cells()[HEADER.index("ours")] == "not run"
    assert of_seeds().numbers()[COLUMNS.index("finding")] == "not run"
    assert len(of_seeds().cells()) == len(HEADER)
    assert len(of_seeds().numbers()) == len(COLUMNS)


def test_a_table_has_every_value_and_our_runs_of_it(image_rows):
    rows = []
    for seed, psnr in enumerate((29.1, 29.2, 29.3)):
        run = {"run": f"seed={seed}", "seed": seed, "experiment": "mine", "budget": "gpu", "recipe": "ours"}
        run |= {"patches": "3200", "checkpoint_sha256": f"{seed}bcdef0123456789"}
        rows += [*image_rows("a", psnr - 1, **run), *image_rows("b", psnr + 1, overlap="train/x", **run)]
    found = comparisons("dncnn_ii", rows)
    assert len(found) == 22, "every value of Table II, one of them run"
    (ours,) = (each for each in found if each.ours)
    assert (ours.method, ours.setting, ours.published) == ("DnCNN-S", "sigma=25", "29.23")
    assert ours.ours == pytest.approx((29.1, 29.2, 29.3))
    assert ours.trained == "budget gpu (reduced), recipe ours, 3,200 patches"
    assert ours.overlap == "1 of 2"
    assert ours.checkpoint == "0bcdef01 +2"
    _, lines = compared_columns(found)
    assert len(lines) == 1
    assert lines[0][HEADER.index("seeds")] == "3"
    assert not any("**" in cell for line in lines for cell in line), "nothing is bold"


def test_another_set_in_the_place_of_one_that_is_not_named(image_rows):
    run = {"run": "r", "experiment": "mine", "model": "red30", "dataset": "set12", "setting": "sigma=30"}
    ours = [each for each in comparisons("red_1", image_rows("01", 29.0, **run)) if each.ours]
    assert {(each.dataset, each.finding) for each in ours} == {("set12", "another set")}


def test_an_error_keeps_the_digits_that_are_stored():
    one = Comparison("x", "gopro", "sigma=10", "mse", "0.00677", (0.0066912,), kind="network")
    assert one.value == "0.006691"
    assert one.numbers()[COLUMNS.index("ours")] == "0.00669120"
