import threading

import pytest

from restore.errors import RequestError
from restore.results import store


def psnrs(rows: list[dict]) -> list[float]:
    return [row["value"] for row in rows if row["metric"] == "psnr"]


def test_append_only_adds_and_means_are_derived(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    store.append(file, [*image_rows("a", 29), *image_rows("b", 31)])
    before = file.read_text()
    store.append(file, image_rows("a", 33, run="s"))
    assert file.read_text().startswith(before)
    assert psnrs(store.read(file)) == [29, 31, 33]
    summary = (tmp_path / "summary.csv").read_text().splitlines()
    assert len(summary) == 1 + 2 * 2, "two runs, two metrics"
    assert ",psnr,30.0000,20.0000," in summary[1]
    assert ",ssim,0.9000,0.3000," in summary[2]
    assert summary[1].endswith(",2")


def test_the_same_rows_again_take_the_place_of_the_first(tmp_path, image_rows):
    """A run that was killed after it had written them, and goes on, writes them again."""
    file = tmp_path / "results.csv"
    store.append(file, [*image_rows("a, b", 29), *image_rows("c\nd", 30)])
    before = file.read_text()
    store.append(file, [*image_rows("a, b", 29), *image_rows("c\nd", 30)])
    assert file.read_text() == before
    store.append(file, image_rows("a, b", 31, checkpoint_sha256="of more training"))
    assert psnrs(store.read(file)) == [29, 30, 31], "other weights are another measurement"
    store.append(file, image_rows("a, b", 33, checkpoint_sha256="of still more"), same=store.OF_A_RUN)
    assert psnrs(store.read(file)) == [30, 33], "of a run its latest weights count"
    store.append(file, image_rows("a, b", 32, run="s"), same=store.OF_A_RUN)
    assert psnrs(store.read(file)) == [30, 33, 32]


def test_what_is_no_file_is_refused_and_meanwhile_set_aside(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    file.mkdir()
    with pytest.raises(RequestError, match=r"results\.csv: it is a folder, and no regular file"):
        store.check_header(file)
    store.append(file, image_rows("a", 29))
    assert psnrs(store.read(file)) == [29]
    assert (tmp_path / "results.csv.damaged-1").is_dir()


def test_headers_are_the_houses(tmp_path):
    store.append(tmp_path / "results.csv", [])
    assert (tmp_path / "results.csv").read_text() == (
        "run,experiment,task,model,method_kind,seed,budget,recipe,patches,protocol,dataset,setting,image,channels,metric,"
        "value,value_input,precision,device,torch,fingerprint,overlap,checkpoint_sha256,commit\n"
    )
    assert (tmp_path / "summary.csv").read_text() == (
        "run,experiment,task,model,method_kind,seed,budget,recipe,patches,protocol,dataset,setting,channels,metric,"
        "value,value_input,precision,device,torch,overlap,checkpoint_sha256,commit,images\n"
    )
    assert set(store.GROUP) < set(store.COLUMNS)


def test_four_decimals_or_more(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    store.append(file, image_rows("a", 29.12346, {"ssim": (0.0779, float("nan"))}))
    assert next((row["value"], row["value_input"]) for row in store.read(file)) == (29.1235, 20.0)
    assert ",ssim,0.0779,nan," in file.read_text()


def test_wrong_columns_write_nothing(tmp_path, image_rows):
    bad = image_rows("b", 1)
    del bad[1]["overlap"]
    with pytest.raises(ValueError, match="overlap"):
        store.append(tmp_path / "results.csv", [*image_rows("a", 1), *bad])
    assert not (tmp_path / "results.csv").exists()


def test_a_file_of_other_columns_is_refused_before_anything_is_trained(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    store.check_header(file)
    file.write_text("")
    store.check_header(file)
    store.append(file, image_rows("a"))
    store.check_header(file)
    old = "run,experiment,image,psnr,ssim\nr,e,a,29,0.9\n"
    file.write_text(old)
    for refused in (store.check_header, store.read):
        with pytest.raises(RequestError, match=r"results\.csv has other columns \(run,experiment,image,… 5 of them\)"):
            refused(file)
    assert file.read_text() == old


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[:-30], "row 3 is not whole"),
        (lambda text: text[:-1], "its last line is not whole"),
        (lambda text: text + "r,e\n", "row 4 is not whole"),
        (lambda text: text.replace("0.9000", "?"), "row 3 is not whole"),
        (lambda text: "run,psnr\nr,29\n", "its first line is not the header"),
        (lambda text: text + '"open', "it is not a table of text"),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path, image_rows, caplog, damage, why):
    file = tmp_path / "results.csv"
    store.append(file, image_rows("a", 29))
    damaged = damage(file.read_text())
    file.write_text(damaged)
    (tmp_path / "results.csv.damaged-1").write_text("an older one")
    store.append(file, image_rows("b", 31))
    assert psnrs(store.read(file)) == [31]
    assert (tmp_path / "results.csv.damaged-2").read_text() == damaged
    assert (tmp_path / "results.csv.damaged-1").read_text() == "an older one"
    assert f"is damaged ({why}): it is kept as results.csv.damaged-2" in caplog.text
    assert "31.0000" in (tmp_path / "summary.csv").read_text()


def test_bytes_that_are_no_text(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    store.append(file, image_rows("a", 29))
    file.write_bytes(file.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(RequestError, match="is damaged: it is not a table of text"):
        store.read(file)
    store.append(file, image_rows("b", 31))
    assert psnrs(store.read(file)) == [31]


def test_many_writers_lose_nothing(tmp_path, image_rows):
    file = tmp_path / "results.csv"
    shares = [[row for j in range(5) for row in image_rows(f"{i}{j}", i, run=str(i))] for i in range(8)]
    writers = [threading.Thread(target=store.append, args=(file, share)) for share in shares]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    runs = [row["run"] for row in store.read(file)]
    assert len(runs) == 80
    assert all(len(set(runs[i : i + 10])) == 1 for i in range(0, 80, 10)), "a run's rows stay together"


def test_overlap_of_a_mean(image_rows):
    def overlap(*rows: list[dict]) -> str:
        return store.means([row for image in rows for row in image])[0]["overlap"]

    assert overlap(image_rows("a"), image_rows("b")) == "none"
    assert overlap(image_rows("a", overlap="unknown")) == "unknown"
    assert overlap(image_rows("a"), image_rows("b", overlap="t7")) == "1 of 2"


def test_a_mean_is_over_the_columns_that_are_listed(image_rows):
    """A column that differs by image, such as the fingerprint, is no reason for a mean of its own."""
    rows = [*image_rows("a", 29, fingerprint="+0.1"), *image_rows("b", 31, fingerprint="+0.2")]
    psnr, ssim = store.means(rows)
    assert (psnr["value"], psnr["images"]) == (30, 2)
    assert ssim["metric"] == "ssim"
    assert len(store.means([*rows, *image_rows("a", 28, device="cuda")])) == 4


def test_commit_names_this_checkout_or_nothing():
    assert store.commit() == "" or len(store.commit().rstrip("+")) == 10
