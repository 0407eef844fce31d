import csv
import io
from math import isnan

import pytest

from restore.models.cost import Cost
from restore.results.frontier import draw_frontier, frontier_csv, frontier_table, frontiers

COSTS = {"small": Cost(10, 100, 3), "dncnn_s": Cost(40, 400, 3), "worse": Cost(60, 600, 3), "same": Cost(40, 400, 3)}
VALUES = {"small": 28.0, "dncnn_s": 29.2, "worse": 28.5, "same": 29.0, "unknown": 31.0, "foreign": 10.0}


@pytest.fixture
def rows(image_rows):
    return [row for model, psnr in VALUES.items() for row in image_rows("a", psnr, model=model, run=model)]


def found(rows, **more):
    trained = {"foreign": False, "small": None}
    return frontiers(
        rows,
        lambda row: COSTS.get(row["model"], COSTS["small"] if row["model"] == "foreign" else None),
        lambda row: trained.get(row["model"], True),
        {(40, 400): 12.0},
        {"DnCNN-S": 99.0},
        **more,
    )


def test_the_front_is_of_what_no_other_beats_at_its_price(rows):
    (frontier,) = found(rows)
    assert {point.network for point in frontier.points} == {"small", "dncnn_s", "worse", "same"}
    assert [point.network for point in frontier.front("gmac")] == ["small", "dncnn_s"]
    points = {point.network: point for point in frontier.points}
    assert points["dncnn_s"].milliseconds == points["same"].milliseconds == 12.0, "by its layers, whatever its name"
    assert isnan(points["small"].milliseconds)
    assert points["dncnn_s"].gmac == pytest.approx(4e-7)
    assert (points["dncnn_s"].published, points["dncnn_s"].published_milliseconds) == (29.23, 99.0)
    assert isnan(points["worse"].published)


def test_each_network_is_a_line_and_a_row(rows):
    text = frontier_table(found(rows)[0])
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert lines[2][:7] == [
        "dncnn_s",
        "4e-07",
        "40",
        "12",
        "29.20",
        "29.23",
        "GMAC per pixel, ms per megapixel, parameters",
    ]
    assert [line[6] for line in lines if line[0] == "worse"] == ["–"]
    table = list(csv.DictReader(io.StringIO(frontier_csv(found(rows)))))
    assert {row["network"]: row["ms_per_megapixel"] for row in table}["worse"] == ""


def test_places_of_which_nothing_is_printed_may_be_left_out(rows, image_rows):
    elsewhere = [row | {"dataset": "photographs"} for row in rows]
    assert len(found([*rows, *elsewhere])) == 2
    assert [each.dataset for each in found([*rows, *elsewhere], printed_alone=True)] == ["bsd68"]


def test_the_frontier_is_drawn(rows, tmp_path):
    (frontier,) = found(rows)
    svg, png = draw_frontier(frontier, tmp_path / frontier.name)
    assert svg.name == "frontier_bsd68_sigma=25_dncnn.svg"
    assert png.stat().st_size > 5000
