"""What loggers are told of a test: keys, published values, differences, overlap and fingerprints."""

import pytest

from restore.results import store
from restore.results.rows import RunMetadata
from restore.tracking.record import IMAGES, MEANS, image_line, mean_line, send_rows, summary_of

RUN = RunMetadata("runs/a", "a", "denoise", "dncnn_s", 0, "gpu", 1000, "32", "cpu", "ours")


def row(image: str, value: float, **other) -> dict:
    columns = dict.fromkeys(store.COLUMNS, "")
    known = {"run": RUN.run, "task": "denoise", "model": "dncnn_s", "method_kind": "network", "seed": 0}
    place = {"protocol": "dncnn", "dataset": "set12", "setting": "sigma=25", "image": image, "channels": 1}
    numbers = {"metric": "psnr", "value": value, "value_input": 20.0, "overlap": "none"}
    marks = {"fingerprint": f"{float(image) / 10:+.6f} +0.000000", "checkpoint_sha256": "ab" * 32}
    return columns | known | place | numbers | marks | other


ROWS = [row("01", 30.0), row("02", 33.0), row("01", 28.0, model="wavelet", method_kind="classical")]


class Told:
    def __init__(self):
        self.summary, self.tables = {}, {}

    def log_summary(self, values, step):
        self.summary |= values

    def log_rows(self, key, columns, rows):
        assert all(len(line) == len(columns) for line in rows)
        self.tables[key] = [dict(zip(columns, line, strict=True)) for line in rows]


def test_a_summary_is_of_the_network_and_its_place():
    told = Told()
    send_rows(told, ROWS, RUN, step=7)
    place = "set12/sigma=25/dncnn"
    assert told.summary == {
        f"test/{place}/psnr": 31.5,
        f"published/{place}/psnr": 30.436,
        f"difference/{place}/psnr": 1.064,
        "overlap/set12": "none",
        f"fingerprint/{place}": "+0.150000 +0.000000",
    }
    means, images = told.tables["results/means"], told.tables["results/images"]
    assert [(line["method"], line["value"], line["images"]) for line in means] == [
        ("dncnn_s", 31.5, 2),
        ("wavelet", 28.0, 1),
    ]
    assert means[1]["published"] is None
    assert [line["image"] for line in images] == ["01", "02", "01"]


def test_an_image_stands_beside_what_is_printed_of_it_alone():
    line = dict(zip(IMAGES, image_line(ROWS[1]), strict=True))
    assert line["published"] == 33.06, "DnCNN, Table III: house"
    assert line["difference"] == pytest.approx(-0.06)
    assert line["source"] == "dncnn III"
    mean = dict(zip(MEANS, mean_line(store.means(ROWS)[0]), strict=True))
    assert mean["published"] == 30.436
    assert mean["checkpoint"] == "abababababab"


def test_a_mix_is_one_part_of_its_key():
    assert "test/set12/sigma=10,30/dncnn/psnr" in summary_of([row("01", 30.0, setting="sigma=10/30")])


def test_a_value_that_is_none_is_left_empty():
    line = dict(zip(IMAGES, image_line(row("01", 30.0, value_input=float("nan"))), strict=True))
    assert line["input"] is None
