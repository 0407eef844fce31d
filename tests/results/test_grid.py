"""What a sweep's table concludes, on numbers made up so that the answer is known."""

import random

import pytest

from restore.config.compose import compose
from restore.config.loading import configuration
from restore.config.resolvers import register_resolvers
from restore.results.grid import grid_table, places, verdicts


def row(point: str, seed: int, image: str, psnr: float) -> dict:
    place = {"dataset": "set12", "setting": "sigma=70", "protocol": "dncnn", "checkpoint_sha256": "x"}
    return place | {"run": f"{point},seed={seed}", "image": image, "psnr": psnr}


@pytest.fixture
def rows() -> list[dict]:
    random.seed(0)
    gains = {"a=1": 0.0, "a=2": 0.5, "a=3": 0.0}
    return [
        row(point, seed, f"{image}", 25 + image + gain + random.gauss(0, 0.05))
        for point, gain in gains.items()
        for seed in range(3)
        for image in range(5)
    ]


def test_verdicts(rows):
    claims = [
        {"says": "two is ahead of one", "better": "a=2", "worse": "a=1"},
        {"says": "one is ahead of two", "better": "a=1", "worse": "a=2"},
        {"says": "three is ahead of one", "better": "a=3", "worse": "a=1"},
        {"says": "four is ahead of one", "better": "a=4", "worse": "a=1"},
    ]
    lines = {line.split(" | ")[0].strip("| "): line for line in verdicts(rows, claims).splitlines()}
    assert " holds " in lines["two is ahead of one"]
    assert " contradicted " in lines["one is ahead of two"]
    assert " not distinguishable " in lines["three is ahead of one"]
    assert "four is ahead of one" not in lines, "a point that was not run"
    assert verdicts(rows, []) == ""


def test_seeds_are_taken_together(rows):
    points = places(rows)["set12", "sigma=70", "dncnn"]
    assert list(points) == ["a=1", "a=2", "a=3"]
    assert {len(values) for values in points["a=1"].values()} == {3}
    text = grid_table(rows)
    assert "set12 sigma=70, protocol dncnn" in text
    assert text.count("not distinguishable") == 1


def test_every_claim_names_points_of_its_grid():
    """Each side of a claim is a point of the grid at some budget, spelled as the job folders are."""
    from restore.jobs.grid import expand

    register_resolvers()
    checked = 0
    for file in (configuration() / "experiment").glob("[!_]*.yaml"):
        claims = compose("config", [f"experiment={file.stem}"]).claims
        if not claims:
            continue
        points = set()
        for budget in ("cpu", "gpu"):
            jobs, _ = expand("config", [f"experiment={file.stem}", f"budget={budget}"])
            points |= {",".join(word for word in job.own if not word.startswith("seed=")) for job in jobs}
        for claim in claims:
            assert {claim["better"], claim["worse"]} <= points, (file.stem, claim)
            checked += 1
    assert checked > 20
