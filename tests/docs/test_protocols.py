"""The table of the published noise in docs/protocols.md is that of the record and of the published numbers."""

import re
from pathlib import Path

from restore.results import store
from restore.results.published import published

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| (\d\d|mean)(?: (\w+))? \| ([\d.]+) \| ([\d.]+) \| (-?[\d.]+) \| [\d.]+ \|$", re.M)


def test_table_iii_stands_beside_the_record_with_no_difference():
    lines = LINE.findall((ROOT / "docs" / "protocols.md").read_text())
    rows = store.read(ROOT / "experiments" / "dncnn_table_iii" / "results.csv")
    rows = [row for row in rows if (row["dataset"], row["metric"], row["protocol"]) == ("set12", "psnr", "dncnn")]
    printed = {
        row["dataset"]: row["value"]
        for row in published()
        if (row["table"], row["method"], row["setting"], row["metric"]) == ("III", "DnCNN-S", "sigma=25", "psnr")
    }
    assert len(lines) == 13
    for (number, name, paper, here, difference), row in zip(lines[:12], rows, strict=True):
        assert (number, paper) == (row["image"], printed[f"set12/{name}"])
        assert here == f"{row['value']:.2f}" == paper
        assert difference == "0.00"
    mean = sum(row["value"] for row in rows) / 12
    assert lines[12] == ("mean", "", printed["set12"], f"{mean:.3f}", "0.000")
