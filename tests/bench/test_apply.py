"""What `restore.apply` costs is measured of what it does, in tiles, and written with what it said."""

import csv

import pytest

from restore.bench import apply


def test_networks_and_files_are_measured_as_apply_restores_them(monkeypatch):
    monkeypatch.setattr(apply, "ONNX", False)
    monkeypatch.setattr(apply, "LARGE", {"ffdnet": 90, "red10": 60})
    monkeypatch.setattr(apply, "FOLDER", 3)
    monkeypatch.setattr(apply, "SIDE", 40)
    rows, text = apply.networks(1)
    assert [row["name"] for row in rows] == ["ffdnet 90", "red10 60"]
    assert all(row["seconds"] > 0 < row["seconds_bare"] for row in rows)
    assert all(row["tiles"].startswith("whole, ") and row["tiles"] in text for row in rows)
    rows, text = apply.files(1)
    assert [row["name"] for row in rows] == [
        f"{model}, {count} on their way" for model in ("identity", "ffdnet") for count in (1, 16)
    ]
    assert text.count("%") == 2


def test_the_parts_of_a_sentence_on_tiles():
    lines = ["a.png: sigma 5.0 estimated", "a: b.png: 9×8, in tiles of 512 pixels, 2.0 GB at most"]
    assert apply.tiles_in(lines) == ["in tiles of 512 pixels, 2.0 GB at most"]


@pytest.mark.slow
def test_the_peaks_of_processes(monkeypatch, tmp_path):
    monkeypatch.setattr(apply, "HUGE", 2000)
    monkeypatch.setattr(apply, "FIRST", (50, 60))
    monkeypatch.setattr(apply, "networks", lambda repeats: ([], ""))
    monkeypatch.setattr(apply, "files", lambda repeats: ([], ""))
    apply.run(tmp_path, 1)
    rows = list(csv.DictReader((tmp_path / "apply.csv").read_text().splitlines()))
    assert len(rows) == 3
    assert all(1e8 < float(row["bytes"]) < 5e9 for row in rows)
