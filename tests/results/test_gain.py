"""DnCNN's Fig. 8: the gain over BM3D by noise level, in gray and in colour."""

import pytest

from restore.results import gain
from restore.results.gain import Half, draw_gain

IMAGES = ("a", "b", "c")


@pytest.fixture
def levels(image_rows):
    """Rows of BM3D at 25 dB and of a network that is ahead by a tenth of sigma, on each image."""

    def make(sigmas=(5, 15, 25), channels=1, model="dncnn_b", run="model=dncnn_b,seed=0", **changes):
        rows = []
        for sigma in sigmas:
            for number, image in enumerate(IMAGES):
                place = {"setting": f"sigma={sigma}", "channels": channels, "task": "denoise_blind"} | changes
                classical = {"model": "bm3d", "method_kind": "classical", "run": run}
                rows += image_rows(image, 25.0 + number, **place, **classical)
                rows += image_rows(image, 25.0 + number + sigma / 10, **place, model=model, run=run)
        return rows

    return make


def test_the_gain_is_paired_by_image(levels):
    half = Half.of(levels(), 1)
    assert half.where == "bsd68, protocol dncnn"
    assert list(half.gains) == ["dncnn_b"]
    for sigma, difference in half.gains["dncnn_b"].items():
        assert (difference.low, difference.mean, difference.high) == pytest.approx((sigma / 10,) * 3)
    assert half.printed["dncnn_b"] == pytest.approx({15: 31.61 - 31.07, 25: 29.16 - 28.57}), "Table II has no sigma 5"


def test_what_is_not_comparable_is_left_out(levels):
    assert Half.of(levels(), 3) is None
    assert Half.of(levels(sigmas=(25,)), 1) is None, "one level is no curve"
    rows = levels()
    assert Half.of([row for row in rows if row["model"] != "bm3d"], 1) is None
    assert Half.of([row for row in rows if row["model"] != "dncnn_b"], 1) is None
    other = [row | {"protocol": "red"} if row["model"] == "bm3d" else row for row in rows]
    assert Half.of(other, 1) is None
    fewer = [
        row for row in rows if not (row["model"] == "bm3d" and row["image"] == "c" and row["setting"] == "sigma=5")
    ]
    assert list(Half.of(fewer, 1).gains["dncnn_b"]) == [15, 25]


def test_bsd68_before_other_sets(levels):
    rows = [*levels(dataset="set12"), *levels(dataset="bsd68")]
    assert Half.of(rows, 1).where == "bsd68, protocol dncnn"
    assert Half.of(levels(dataset="set12"), 1).where == "set12, protocol dncnn"


def test_seeds_are_one_line_and_points_of_a_grid_several(levels):
    seeds = [*levels(run="model.width=8,seed=0"), *levels(run="model.width=8,seed=1")]
    assert list(Half.of(seeds, 1).gains) == ["dncnn_b"]
    grid = [*seeds, *levels(run="model.width=16,seed=0")]
    assert list(Half.of(grid, 1).gains) == ["dncnn_b width=8", "dncnn_b width=16"]


def test_both_halves_are_drawn_and_a_missing_one_is_said(levels, tmp_path, monkeypatch):
    texts = []
    plt = gain.pyplot()
    text = plt.Axes.text
    monkeypatch.setattr(
        plt.Axes, "text", lambda self, x, y, s, **more: (texts.append(s), text(self, x, y, s, **more))[1]
    )
    assert draw_gain([], tmp_path) is None
    assert draw_gain(levels(sigmas=(25,)), tmp_path) is None
    assert draw_gain(levels(), tmp_path) == tmp_path / "gain.png"
    assert texts == ["not run: CBM3D beside a network\non colour images at several levels of noise"]
    alone = (tmp_path / "gain.png").read_bytes()
    draw_gain([*levels(), *levels(channels=3, model="cdncnn_b")], tmp_path)
    assert len(texts) == 1
    assert (tmp_path / "gain.png").read_bytes() != alone
