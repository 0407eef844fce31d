"""The published run times stand beside ours, all methods of them."""

import csv

import pytest

from restore.bench import inference
from restore.bench.inference import published_runtimes, sizes


def test_the_papers_run_times():
    dncnn, red = published_runtimes("dncnn"), published_runtimes("red")
    methods = ["BM3D", "WNNM", "EPLL", "MLP", "CSF", "TNRD", "DnCNN-S", "DnCNN-B"]
    assert [row["method"] for row in dncnn] == methods * 3
    assert {row["image_size"] for row in dncnn} == {"256x256", "512x512", "1024x1024"}
    assert [float(row["cpu_s"]) for row in red] == [3.17, 0.84, 1.43, 2.00, 1.17]
    assert {row["hardware"] for row in dncnn} != {row["hardware"] for row in red}
    with inference.PUBLISHED.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(dncnn) + len(red)


def test_table_iv_has_every_method_and_ours_where_it_is_a_network(monkeypatch):
    monkeypatch.setattr(inference, "median_seconds", lambda call, repeats: 0.125)
    rows, text = sizes(repeats=1)
    lines = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in text.splitlines()
             if "×" in line and line.startswith("|")}  # fmt: skip
    assert len(lines) == 24
    assert lines["WNNM 1024×1024"] == ["–", "–", "2536.4", "–"]
    assert [lines[f"{method} 256×256"][0] for method in ("CSF", "TNRD")] == ["0.125"] * 2
    assert lines["TNRD 256×256"][2:] == ["0.45", "0.010"]
    assert lines["DnCNN-S 512×512"][0] == "0.125"
    assert lines["DnCNN-S 512×512"][2:] == ["3.41", "0.051"]
    assert "on other hardware than here" in text
    assert [row["name"] for row in rows][:4] == ["csf 256", "tnrd 256", "dncnn_s 256", "dncnn_b 256"]
    assert rows[0]["seconds"] == pytest.approx(0.125)
