"""What becomes of a paper's conclusions, on numbers made up so that the answer is known."""

import random

import pytest

from restore.config.compose import compose
from restore.config.loading import configuration, trains
from restore.config.resolvers import register_resolvers
from restore.errors import RequestError
from restore.results.claims import Claim, matching, verdicts, words

PLACE = {"dataset": "set12", "setting": "sigma=70", "protocol": "dncnn", "method_kind": "network"}


def row(point: str, seed: int, image: int, value: float, **changes) -> dict:
    run = f"{point},seed={seed}".lstrip(",")
    return PLACE | {"run": run, "image": f"{image}", "metric": "psnr", "value": value, "value_input": 20.0} | changes


def grid(gains: dict[str, float], noise: float = 0.02, **changes) -> list[dict]:
    source = random.Random(0)
    return [
        row(point, seed, image, 25 + image / 10 + gain + source.gauss(0, noise), **changes)
        for point, gain in gains.items()
        for seed in range(3)
        for image in range(5)
    ]


def outcomes(text: str) -> list[str]:
    """The verdict column of every line."""
    lines = [line.split("|") for line in text.splitlines() if line.startswith("| ") and "its words" not in line]
    return [cells[2].strip() for cells in lines]


def outcome(rows: list[dict], claim: dict, **more) -> str:
    (only,) = outcomes(verdicts(rows, [{"says": "it"} | claim], **more))
    return only


# -- the rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "interval", "verdict"),
    [
        ({"better": "a", "worse": "b"}, (0.1, 0.3), "holds"),
        ({"better": "a", "worse": "b"}, (-0.1, 0.3), "open"),
        ({"better": "a", "worse": "b"}, (-0.3, -0.1), "contradicted"),
        ({"better": "a", "worse": "b", "margin": 0.1, "at_most": True}, (-0.5, 0.09), "holds"),
        ({"better": "a", "worse": "b", "margin": 0.1, "at_most": True}, (0.05, 0.2), "open"),
        ({"better": "a", "worse": "b", "margin": 0.1, "at_most": True}, (1.49, 2.03), "contradicted"),
        ({"same": ["a", "b"], "margin": 0.1}, (-0.09, 0.09), "holds"),
        ({"same": ["a", "b"], "margin": 0.1}, (-0.26, 0.12), "open"),
        ({"same": ["a", "b"], "margin": 0.1}, (0.11, 0.2), "contradicted"),
        ({"same": ["a", "b"], "margin": 0.1}, (-1.2, -0.3), "contradicted"),
    ],
)
def test_an_interval_is_inside_outside_or_open(keys, interval, verdict):
    assert Claim.read({"says": "it"} | keys).decide(*interval) == verdict


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"says": "it", "beter": "a", "worse": "b"}, "unknown claims 'beter': did you mean 'better'"),
        ({"says": "it", "better": "a"}, "of one pair of things"),
        ({"says": "it", "better": "a", "worse": "b", "same": ["a", "b"], "margin": 0.1}, "of one pair of things"),
        ({"better": "a", "worse": "b"}, "says something"),
        ({"says": "it", "same": ["a", "b"]}, "needs a margin in dB"),
        ({"says": "it", "better": "a", "worse": "b", "at_most": True}, "needs a margin in dB"),
        ({"says": "it", "same": ["a", "b", "c"], "margin": 0.1}, "about two things"),
        ({"says": "it", "higher": "a", "lower": "b"}, "needs a quantity"),
        ({"says": "it", "higher": "a", "lower": "b", "quantity": "seconds", "over": "all"}, "over end, training, drop"),
        ({"says": "it", "better": "a", "worse": "b", "quantity": "seconds"}, "needs a quantity"),
    ],
)
def test_a_claim_that_says_nothing_is_refused(mapping, sentence):
    with pytest.raises(RequestError, match=sentence):
        Claim.read(mapping)


# -- scores ----------------------------------------------------------------------------------------


def test_which_of_two_points_is_ahead():
    rows = grid({"a=1": 0.0, "a=2": 0.5, "a=3": 0.0})
    assert outcome(rows, {"better": "a=2", "worse": "a=1"}) == "holds"
    assert outcome(rows, {"better": "a=1", "worse": "a=2"}) == "contradicted"
    assert outcome(rows, {"better": "a=3", "worse": "a=1"}) == "open"
    assert outcome(rows, {"better": "a=4", "worse": "a=1"}) == "not run: a=4"
    assert outcome(rows, {"better": "a=4", "worse": "a=5"}) == "not run: a=4 and a=5"
    assert verdicts(rows, []) == ""


def test_a_loss_below_a_margin_and_equality_within_one():
    rows = grid({"stride=0": 1.76, "stride=1": 0.0, "stride=9": 1.75}, noise=0.002)
    least = {"margin": 0.1, "at_most": True}
    assert outcome(rows, {"better": "stride=0", "worse": "stride=1"} | least) == "contradicted"
    assert outcome(rows, {"better": "stride=0", "worse": "stride=9"} | least) == "holds"
    assert outcome(rows, {"same": ["stride=9", "stride=0"], "margin": 0.1}) == "holds"
    assert outcome(rows, {"same": ["stride=1", "stride=0"], "margin": 0.1}) == "contradicted"
    distances = [r | {"metric": "lpips"} for r in rows]
    beside = [*distances, *rows]
    assert outcome(beside, {"same": ["stride=9", "stride=0"], "margin": 0.1}, metric="lpips") == "holds", "by PSNR"
    assert outcome(distances, {"same": ["stride=9", "stride=0"], "margin": 0.1}) == "open: its margin is 0.1 dB"


def test_the_words_of_the_paper_stand_beside():
    claim = {"says": "a stride costs little", "quote": "degrades less than 0.1", "where": "RED 4.5"}
    text = verdicts(grid({"a=1": 0.0, "a=2": 0.5}), [claim | {"better": "a=2", "worse": "a=1"}])
    assert 'RED 4.5: "degrades less than 0.1"' in text
    assert "the paper's conclusion (set12 sigma=70)" in text


def test_a_part_of_a_point_is_decided_for_each_value_of_the_rest():
    rows = grid({"bn=1,optim=sgd": 0.5, "bn=0,optim=sgd": 0.0, "bn=1,optim=adam": 0.0, "bn=0,optim=adam": 0.5})
    text = verdicts(rows, [{"says": "batch norm helps", "better": "bn=1", "worse": "bn=0"}])
    assert outcomes(text) == ["holds", "contradicted"]
    assert "batch norm helps (optim=sgd)" in text
    assert outcome(rows, {"better": "bn=1,optim=sgd", "worse": "bn=0,optim=sgd"}) == "holds"
    assert outcome(rows, {"better": "bn=1,optim=sgd", "worse": "bn=0,optim=lion"}) == "not run: bn=0,optim=lion"
    rows = [r for r in rows if r["run"][:14] in ("bn=1,optim=sgd", "bn=0,optim=ada")]
    assert outcome(rows, {"better": "bn=1", "worse": "bn=0"}) == "not run: bn=1 together with bn=0"


def test_words_of_a_point():
    assert words("model.downsample=[5,9],model=red20") == ("model.downsample=[5,9]", "model=red20")
    assert words("") == ()
    assert matching(["model=red2", "model=red20"], "model=red2") == {(): "model=red2"}


def test_another_metric_in_its_own_direction():
    rows = grid({"a=1": 0.0, "a=2": 0.5})
    claim = {"better": "a=2", "worse": "a=1"}
    distances = [r | {"metric": "lpips", "value": 1 - r["value"] / 100} for r in rows]
    assert outcome([*rows, *distances], claim, metric="lpips") == "holds"
    assert outcome([r | {"metric": "ssim"} for r in distances], claim) == "contradicted"


def test_against_the_degraded_image():
    rows = grid({"model=red": 0.0})
    assert outcome(rows, {"better": "model=red", "worse": "input"}) == "holds"
    least = {"better": "model=red", "worse": "input", "margin": 1.0, "at_most": True}
    assert outcome(rows, least) == "contradicted", "five dB are not less than one"
    assert outcome(rows, {"better": "model=wide", "worse": "input"}) == "not run: model=wide"


def test_the_same_networks_by_two_protocols():
    """The seeds differ by far more than the ensemble gains: each is compared with itself."""
    rows = [
        row("", seed, image, 25 + 3 * seed + gain, protocol=protocol)
        for protocol, gain in (("red", 0.05), ("red+ensemble=false", 0.0))
        for seed in range(3)
        for image in range(5)
    ]
    claim = {"protocols": ["red", "red+ensemble=false"]}
    assert outcome(rows, claim) == "holds"
    assert outcome(rows, claim | {"margin": 0.2, "at_most": True}) == "holds"
    assert outcome(rows, claim | {"margin": 0.02, "at_most": True}) == "contradicted"
    single = [r for r in rows if r["protocol"] == "red"]
    assert outcome(single, claim) == "not run: protocol red and red+ensemble=false"


def test_beside_a_published_mean():
    tnrd = {"better": "a=1", "published": {"paper": "dncnn", "table": "II", "method": "TNRD", "setting": "sigma=25"}}
    place = {"dataset": "bsd68", "setting": "sigma=25"}
    assert outcome(grid({"a=1": 4.5}, **place), tnrd) == "holds", "29.7 dB against 28.92"
    assert outcome(grid({"a=1": 0.0}, **place), tnrd) == "contradicted"
    assert outcome(grid({"a=1": 4.5}), tnrd) == "not run: bsd68 sigma=25"


def test_a_table_for_each_set_of_the_first_protocol():
    rows = [*grid({"a=1": 0.0, "a=2": 0.5}), *grid({"a=1": 0.5, "a=2": 0.0}, dataset="bsd68")]
    other = grid({"a=1": 0.0, "a=2": 0.5}, protocol="red")
    assert outcomes(verdicts([*rows, *other], [{"says": "it", "better": "a=2", "worse": "a=1"}])) == [
        "holds",
        "contradicted",
    ]


# -- over training ---------------------------------------------------------------------------------


def histories(**columns: list[list[float]]) -> dict[str, list[dict[str, list[float]]]]:
    """Two points, a=1 and a=2, of three seeds each: the columns of the first and, ten times as high, of the second."""
    one = [{name: values[seed] for name, values in columns.items()} for seed in range(3)]
    ten = [{name: [10 * value for value in values] for name, values in history.items()} for history in one]
    return {"a=1": one, "a=2": ten}


def test_what_training_wrote_down():
    rows = grid({"a=1": 0.0, "a=2": 0.0})
    kept = histories(**{"train/loss": [[float("nan"), 5, 2], [float("nan"), 4, 2.1], [float("nan"), 4, 1.9]]})
    loss = {"quantity": "train/loss", "higher": "a=2", "lower": "a=1"}
    assert outcome(rows, loss, histories=kept) == "holds"
    assert "20 against 2: +18 [" in verdicts(rows, [{"says": "it"} | loss], histories=kept)
    assert outcome(rows, loss | {"higher": "a=1", "lower": "a=2"}, histories=kept) == "contradicted"
    assert outcome(rows, loss | {"quantity": "gradient/first"}, histories=kept) == "not measured: gradient/first"
    assert outcome(rows, loss) == "not kept: train/loss"
    assert outcome(rows, loss | {"higher": "a=3"}) == "not run: a=3"


def test_how_a_column_becomes_a_number():
    rows = grid({"a=1": 0.0, "a=2": 0.0})
    rising = {"a=1": [{"val/psnr": [10, 20, 30]}] * 3, "a=2": [{"val/psnr": [10, 29, 25]}] * 3}
    claim = {"quantity": "val/psnr", "higher": "a=2", "lower": "a=1"}
    assert "25 against 30" in verdicts(rows, [{"says": "it"} | claim], histories=rising)
    assert "21.33 against 20" in verdicts(rows, [{"says": "it", "over": "training"} | claim], histories=rising)
    assert "4 against 0" in verdicts(rows, [{"says": "it", "over": "drop"} | claim], histories=rising)


def test_seconds_are_of_a_thousand_patches():
    rows = grid({"a=1": 0.0, "a=2": 0.0})
    pace = {"a=1": [{"seconds": [1, 60], "patches": [0, 3000]}] * 3, "a=2": [{"seconds": [90], "patches": [1500]}] * 3}
    claim = {"says": "it", "quantity": "seconds", "higher": "a=2", "lower": "a=1"}
    assert "60 against 20" in verdicts(rows, [claim], histories=pace)


# -- the shipped ones ------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_claim_names_points_of_its_grid():
    """Each side of a claim is a point of the grid at some budget, or part of one, spelled as the job folders are."""
    from restore.jobs.grid import expand

    register_resolvers()
    checked, unknown = 0, []
    for file in sorted((configuration() / "experiment").glob("[!_]*.yaml")):
        if not trains(file.stem):
            continue
        claims = compose("config", [f"experiment={file.stem}"]).claims
        if not claims:
            continue
        points = []
        for budget in ("cpu", "gpu"):
            jobs, _ = expand("config", [f"experiment={file.stem}", f"budget={budget}"])
            points += [",".join(word for word in job.own if not word.startswith("seed=")) for job in jobs]
        for mapping in claims:
            claim = Claim.read(mapping)
            unknown += [(file.stem, side) for side in claim.sides if side != "input" and not matching(points, side)]
            checked += 1
    assert not unknown
    assert checked > 40
