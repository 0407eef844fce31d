import threading

import pytest

from restore.results import published, store
from restore.results import tables as table


def row(image: str, psnr: float, **changes) -> dict:
    base = dict.fromkeys(store.COLUMNS, "")
    base |= {
        "run": "r",
        "task": "denoise",
        "channels": 1,
        "model": "dncnn_s",
        "dataset": "bsd68",
        "setting": "sigma=25",
        "protocol": "dncnn",
        "image": image,
    }
    return base | {"psnr": psnr, "ssim": 0.9, "psnr_input": 20.0, "ssim_input": 0.3, "overlap": "none"} | changes


def test_append_only_adds_and_means_are_derived(tmp_path):
    file = tmp_path / "results.csv"
    store.append(file, [row("a", 29), row("b", 31)])
    before = file.read_text()
    store.append(file, [row("a", 33, run="s")])
    assert file.read_text().startswith(before)
    assert [r["psnr"] for r in store.read(file)] == [29, 31, 33]
    summary = (tmp_path / "summary.csv").read_text().splitlines()
    assert len(summary) == 3
    assert ",30.0," in summary[1]
    assert summary[1].endswith(",2")


def test_header_is_the_houses(tmp_path):
    store.append(tmp_path / "results.csv", [])
    assert (tmp_path / "results.csv").read_text() == (
        "run,experiment,task,model,seed,budget,patches,protocol,dataset,setting,image,channels,psnr,ssim,"
        "psnr_input,ssim_input,precision,overlap,checkpoint_sha256,commit\n"
    )


def test_wrong_columns_write_nothing(tmp_path):
    bad = row("b", 1)
    del bad["overlap"]
    with pytest.raises(ValueError, match="overlap"):
        store.append(tmp_path / "results.csv", [row("a", 1), bad])
    assert not (tmp_path / "results.csv").exists()


def test_many_writers_lose_nothing(tmp_path):
    file = tmp_path / "results.csv"
    writers = [
        threading.Thread(target=store.append, args=(file, [row(f"{i}{j}", i, run=str(i)) for j in range(5)]))
        for i in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    runs = [r["run"] for r in store.read(file)]
    assert len(runs) == 40
    assert all(len(set(runs[i : i + 5])) == 1 for i in range(0, 40, 5)), "a run's rows stay together"


def test_published_numbers_by_model_name():
    assert [r["psnr_db"] for r in published.find("denoise", "set12", "sigma=25", "dncnn_s")] == ["30.436"]
    assert [r["psnr_db"] for r in published.find("denoise", "bsd200", "sigma=50", "red30")] == ["25.75"]
    assert [r["psnr_db"] for r in published.find("denoise_blind", "bsd200", "sigma=50", "red30")] == ["25.69"]
    assert [r["psnr_db"] for r in published.find("denoise_blind", "bsd68", "sigma=50", "dncnn_b")] == ["26.23"]
    assert published.find("denoise", "bsd68", "sigma=26", "dncnn_s") == []
    assert len(published.published()) == 604


def test_tables():
    means = store.means([row("a", 29), row("b", 30, overlap="t7")])
    text = table.means_table(means)
    assert "29.50 / 0.9000" in text
    assert "29.23 (dncnn II)" in text
    assert "1 of 2" in text
    images = table.images_table(
        [row("a", 29), row("b", 31), row("a", 28, model="wavelet"), row("b", 27, model="wavelet")]
    )
    lines = images.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == ["PSNR dB / SSIM", "input", "dncnn s", "wavelet"]
    assert [cell.strip() for cell in lines[-1].split("|")[1:-1]][2:] == ["30.00 / 0.9000", "27.50 / 0.9000"]
    assert len({len(line) for line in lines}) == 1


def test_overlap_of_a_mean():
    assert store.means([row("a", 29), row("b", 30)])[0]["overlap"] == "none"
    assert store.means([row("a", 29, overlap="unknown")])[0]["overlap"] == "unknown"
    assert store.means([row("a", 29), row("b", 30, overlap="t7")])[0]["overlap"] == "1 of 2"


def test_commit_names_this_checkout_or_nothing():
    assert store.commit() == "" or len(store.commit().rstrip("+")) == 10
