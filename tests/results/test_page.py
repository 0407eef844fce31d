"""The page of results as data and as a file: what it holds, escapes, bounds and refuses."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from restorations import ENTRY, TESTS, restoration

from restore import report
from restore.errors import RequestError
from restore.results import store
from restore.results.crops import Crops
from restore.results.page import charts, document, pictures
from restore.results.page.document import build_page
from restore.results.page.scores import PUBLISHED, entries
from restore.results.page.sources import Source, crop_folders, gather

PLOTLY = "window.Plotly = {};"
HOSTILE = "</script><img src=x onerror=alert(1)>"


def content_of(page):
    """The block of data in a page."""
    return json.loads(re.search(r'id="content">(.*?)</script>', page.decode(), re.DOTALL)[1])


def test_scores_are_means_over_seeds_beside_what_is_printed(image_rows):
    rows = [row | {"run": f"depth=17,seed={seed}", "checkpoint_sha256": str(seed)}
            for seed, psnr in ((0, 29.0), (1, 29.2)) for image in "ab" for row in image_rows(image, psnr)]  # fmt: skip
    ours = [entry for entry in entries([Source("mine", rows), Source("again", rows)]) if entry.kind != PUBLISHED]
    assert {entry.source for entry in ours} == {"mine"}, "a score that stands twice is taken once"
    (psnr,) = (entry for entry in ours if entry.metric == "psnr")
    assert psnr.value == pytest.approx(29.1)
    assert psnr.deviation == pytest.approx(0.1 * 2**0.5)
    assert (psnr.seeds, psnr.images, psnr.input, psnr.variant) == (2, 2, 20.0, "depth=17")
    assert (psnr.reference, psnr.printed) == (29.23, "DnCNN, Table II")


def test_what_papers_print_in_several_tables_is_one_row():
    printed = entries([])
    (red30,) = (
        e
        for e in printed
        if (e.method, e.dataset, e.setting, e.metric, e.task) == ("RED30", "set5", "scale=3", "psnr", "sr")
    )
    assert (red30.kind, red30.value, red30.printed) == (PUBLISHED, 33.82, "RED-Net, Table 4, Table 7")
    assert not [entry for entry in printed if "/" in entry.dataset], "of single images there is none"


def test_long_histories_are_thinned_and_that_is_said():
    count = 1000
    history = {"step": [*map(float, range(count))], "patches": [*map(float, range(count))],
               "val/psnr": [20 + number / count for number in range(count)], "train/loss": [float("nan")] * count}  # fmt: skip
    source = Source("mine", [], {"seed=0": history, "seed=1": {"step": [1.0]}})
    drawn = charts.curves(source)
    (job,) = drawn["jobs"]
    assert len(job["columns"]["val/psnr"]) == charts.MOST_POINTS
    assert (job["along"]["patches"][0], job["along"]["patches"][-1]) == (0, count - 1)
    assert "train/loss" not in job["columns"], "a column of nothing is no curve"
    assert any("rows at even distances" in each for each in content_of(build_page([source], [], PLOTLY))["left_out"])


def test_an_ablation_says_what_cannot_be_told_apart(image_rows):
    rows = [row | {"run": f"depth={depth},seed={seed}", "budget": "cpu", "recipe": "ours"}
            for depth, gain in ((5, 0.0), (7, 1.0), (9, 0.0)) for seed in range(3)
            for image in "abc" for row in image_rows(image, 29 + gain + 0.01 * seed)]  # fmt: skip
    drawn = charts.ablation(Source("mine", rows))
    first, wide, same = drawn["places"][0]["points"]
    assert "difference" not in first
    assert (wide["difference"], wide["distinguishable"]) == (pytest.approx(1), True)
    assert (same["difference"], same["distinguishable"]) == (pytest.approx(0), False)
    assert drawn["trained"] == "Budget cpu, recipe ours."
    ragged = [row for row in rows if row["run"] != "depth=9,seed=2" or row["image"] != "a"]
    assert [point["name"] for point in charts.ablation(Source("mine", ragged))["places"][0]["points"]] == [
        "depth=5",
        "depth=7",
    ]


def test_jobs_belong_to_their_sweep(tmp_path, image_rows):
    sweep, alone = tmp_path / "sweep", tmp_path / "alone"
    for folder, run in ((sweep, "seed=0"), (sweep / "seed=0", "seed=0"), (alone, "alone")):
        store.append(folder / "results.csv", [row | {"run": run, "fingerprint": ""} for row in image_rows("a")])
    for folder in (sweep / "seed=0", alone, tmp_path / "training"):
        folder.mkdir(exist_ok=True)
        (folder / "history.csv").write_text("step,patches,val/psnr\n1,16,20\n2,32,21\n")
    (alone / ".hydra").mkdir()
    (alone / ".hydra" / "config.yaml").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "history.csv").write_text("step,patches\n1,many\n")
    files = [sweep / "results.csv", sweep / "seed=0" / "results.csv", alone / "results.csv"]
    sources = {each.name: each for each in gather([tmp_path], {file: store.read(file) for file in files})}
    assert {name: list(each.histories) for name, each in sources.items()} == {
        "sweep": ["seed=0"], f"{tmp_path.name}/alone": ["alone"], "training": ["training"], "other": []}  # fmt: skip
    assert sources["other"].unreadable == [str(tmp_path / "other" / "history.csv")]


def test_a_results_file_that_is_named_brings_what_lies_beside_it_alone(tmp_path, monkeypatch, image_rows):
    monkeypatch.chdir(tmp_path)
    store.append(Path("results.csv"), [row | {"fingerprint": ""} for row in image_rows("a")])
    for folder in (Path(), Path("elsewhere")):
        folder.mkdir(exist_ok=True)
        (folder / "history.csv").write_text("step,patches,val/psnr\n1,16,20\n2,32,21\n")
        Crops(folder, [ENTRY], TESTS).keep("red10", restoration())
    (source,) = gather([Path("results.csv")], {Path("results.csv"): store.read(Path("results.csv"))})
    assert (source.name, len(source.rows), len(source.histories)) == (tmp_path.name, 2, 1)
    assert crop_folders([Path("results.csv")]) == [Path()]
    assert len(crop_folders([Path()])) == 2


def test_crops_of_one_pair_come_together_and_what_is_no_image_is_left_out(tmp_path, caplog):
    for name, gain, seed in (("one", 1, 0), ("two", 2, 0), ("another noise", 2, 1)):
        Crops(tmp_path / name, [ENTRY], TESTS).keep("red10", restoration(gain, seed=seed))
    folders = crop_folders([tmp_path])
    assert [folder.name for folder in folders] == ["another noise", "one", "two"]
    groups = pictures.comparisons(folders)
    assert [[each.job for each in group] for group in groups] == [["another noise"], ["one", "two"]]
    shown = pictures.comparison(groups[1])
    assert [(each["name"], each["value"]) for each in shown["versions"]] == [
        ("clean", ""), ("degraded", "20.00 dB"), ("red10 one", "21.00 dB"), ("red10 two", "22.00 dB")]  # fmt: skip
    place = tmp_path / "two" / "crops" / "set12" / "sigma=25" / "a"
    Image.new("L", (3, 3)).save(place / "red10.png")
    (tmp_path / "one" / "crops" / "set12" / "sigma=25" / "a" / "red10.png").write_text("<svg onload='alert(1)'/>")
    assert [each["name"] for each in pictures.comparison(groups[1])["versions"]] == ["clean", "degraded"]
    assert "it is of 3×3 pixels" in caplog.text
    (tmp_path / "one" / "crops" / "set12" / "sigma=25" / "a" / "clean.png").unlink()
    assert pictures.comparison(groups[1]) is None


def test_a_large_image_is_not_decoded(tmp_path):
    Image.new("1", (5000, 5000)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="5000×5000 pixels are more than a page shows"):
        pictures.encoded(tmp_path / "a.png")


def test_what_runs_say_is_data_and_only_the_pages_own_scripts_run(image_rows):
    rows = [row | {"run": f"{HOSTILE}=1", "model": "%SCRIPT% \ud800", "task": HOSTILE} for row in image_rows("a")]
    page = build_page([Source(HOSTILE, rows, {HOSTILE: {"step": [1.0, 2.0], "val/psnr": [1.0, 2.0]}})], [], PLOTLY)
    text = page.decode()
    assert HOSTILE not in text
    assert text.count("onerror") == text.count("\\u003cimg src=x onerror"), "it stands in the data alone"
    assert content_of(page)["scores"][0][1] == HOSTILE
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    for each in (script, PLOTLY):
        assert base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() in policy
    assert "script-src 'sha256-" in policy
    packed = re.search(r'id="plotly">(.*?)</script>', text, re.DOTALL)[1]
    assert gzip.decompress(base64.b64decode(packed)).decode() == PLOTLY
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", script)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text), "nothing is fetched"


def test_the_size_is_bounded_and_what_did_not_fit_is_said(tmp_path, monkeypatch):
    for image in ("a", "bird_GT"):
        Crops(tmp_path / image, [ENTRY | {"image": image, "region": "whole"}], TESTS).keep(
            "red10", restoration(image=image)
        )
    whole = build_page([], crop_folders([tmp_path]), PLOTLY)
    assert len(content_of(whole)["images"]) == 2
    monkeypatch.setattr(document, "MOST_BYTES", len(whole) - 2000)
    part = build_page([], crop_folders([tmp_path]), PLOTLY)
    assert len(part) <= document.MOST_BYTES
    assert len(content_of(part)["images"]) == 1
    assert f"1 of 2 test images did not fit into {document.MOST_BYTES:,} bytes." in content_of(part)["left_out"]
    monkeypatch.setattr(document, "MOST_BYTES", 10_000)
    with pytest.raises(RequestError, match="bytes without any image: name fewer folders"):
        build_page([], [], PLOTLY)


def test_more_scores_than_a_page_takes_are_counted(image_rows, monkeypatch):
    monkeypatch.setattr(document, "MOST_ENTRIES", 1)
    content = content_of(build_page([Source("mine", image_rows("a"))], [], PLOTLY))
    assert [row[0] for row in content["scores"]].count("network") == 1
    assert "The scores are the first 1 of 2." in content["left_out"]


def test_the_command(tmp_path, image_rows, monkeypatch, capsys):
    monkeypatch.setattr(report, "plotly_script", lambda: PLOTLY)
    store.append(tmp_path / "run" / "results.csv", [row | {"fingerprint": ""} for row in image_rows("a")])
    report.main(["page=true", f"runs={tmp_path / 'run'}", f"out={tmp_path / 'made'}"])
    page = tmp_path / "made" / "report.html"
    assert content_of(page.read_bytes())["scores"][0][0] == "network"
    assert f"{page} (" in capsys.readouterr().out
    with pytest.raises(RequestError, match="is not there"):
        report.main(["page=true", f"runs={tmp_path / 'none'}"])
    for words in (["page=yes"], ["page=true", "table=red_4"]):
        with pytest.raises(RequestError):
            report.main(words)


def test_without_plotly_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(RequestError, match=r"pip install -e '\.\[page\]'"):
        document.plotly_script()
