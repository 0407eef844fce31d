from restore.results import store
from restore.results.tables import images_table, means_table, not_run_tables


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_means_beside_the_published(image_rows):
    text = means_table(store.means([*image_rows("a", 29), *image_rows("b", 30, overlap="t7")]))
    header, _, line = text.splitlines()
    assert cells(header)[4:7] == ["input PSNR / SSIM", "restored PSNR / SSIM", "published"]
    assert cells(line)[3:] == ["2", "20.00 / 0.3000", "29.50 / 0.9000", "29.23 (dncnn II)", "not known", "1 of 2"]
    known = means_table(store.means(image_rows("a", budget="gpu", recipe="paper_dncnn")))
    assert cells(known.splitlines()[2])[-2] == "gpu, paper_dncnn"


def test_the_error_of_all_images_is_told_in_decibels_too(image_rows):
    """Two images of 0.1 and 0.001: the mean of their PSNRs is 20 dB, the PSNR of their mean error is 13."""
    pairs = (("a", 10, 0.1), ("b", 30, 0.001))
    rows = [
        row
        for name, db, error in pairs
        for row in image_rows(name, db, {"mse": (error, 0.2)})
        if row["metric"] != "ssim"
    ]
    header, _, line = means_table(store.means(rows)).splitlines()
    assert cells(header)[5] == "restored PSNR / MSE / PSNR of the mean MSE"
    assert cells(line)[5] == "20.00 / 0.05050 / 12.97"
    assert cells(line)[4].endswith(" / 6.99")


def test_methods_that_were_not_run_stand_by_their_published_values(image_rows):
    means = store.means([*image_rows("a"), *image_rows("a", setting="sigma=50")])
    heading, table, *more = not_run_tables(means)
    assert heading == "published in dncnn II for bsd68, not run here"
    lines = {line[0]: line[1:] for line in map(cells, table.splitlines())}
    assert lines["PSNR"] == ["sigma=25", "sigma=50"]
    assert lines["WNNM"] == ["28.83", "25.87"]
    assert lines["CSF"] == ["28.74", "–"]
    assert "DnCNN-S" not in lines, "it was run"
    assert more[0] == "published in dncnn V for bsd68, not run here"
    everything = not_run_tables(store.means([*image_rows("a"), *image_rows("a", model="bm3d")]))
    assert "BM3D" not in "".join(everything)
    assert not_run_tables(store.means(image_rows("a", dataset="photographs"))) == []


def test_tables_about_a_set_that_is_not_named_where_their_network_was_run(image_rows):
    of_dncnn = not_run_tables(store.means(image_rows("01", dataset="set12", setting="sigma=50")))
    of_red = not_run_tables(store.means(image_rows("01", dataset="set12", setting="sigma=50", model="red20")))
    heading = "published in red 1 for fourteen images that are not named, not run here"
    assert heading not in of_dncnn
    lines = of_red[of_red.index(heading) + 1]
    assert "RED30" in lines
    assert "RED20" not in lines


def test_published_values_image_by_image(image_rows):
    rows = [*image_rows("01", 29, dataset="set12"), *image_rows("02", 31, dataset="set12")]
    rows += image_rows("01", 28, dataset="set12", model="wavelet")
    lines = [cells(line) for line in images_table(rows).splitlines()]
    assert lines[0][2:] == ["dncnn s", "dncnn s, published", "wavelet"]
    assert lines[2] == ["01", "20.00 / 0.3000", "29.00 / 0.9000", "30.18", "28.00 / 0.9000"]
    assert lines[3][3] == "33.06"
    assert lines[4][3] == "30.436", "the set's mean"


def test_means_follow_the_metrics_of_the_rows(image_rows):
    """The first one leads; one that some images lack says of how many it is; one that a network lacks is a dash."""
    distance = {"lpips@0.1-7be5be79": (0.25, 0.5)}
    rows = [
        *(row for row in image_rows("a", 29, distance) if row["metric"] != "ssim"),
        *image_rows("b", 30),
        *image_rows("b", 28, model="wavelet"),
    ]
    header, _, network, wavelet = means_table(store.means(rows)).splitlines()
    assert cells(header)[5] == "restored PSNR / LPIPS / SSIM"
    assert cells(network)[5] == "29.50 / 0.2500 / 0.9000 (lpips@0.1-7be5be79 of 1, ssim of 1)"
    assert cells(network)[6] == "29.23 (dncnn II)"
    assert cells(wavelet)[5] == "28.00 / – / 0.9000"


def test_images_and_methods(image_rows):
    rows = [
        *image_rows("a", 29),
        *image_rows("b", 31),
        *image_rows("a", 28, model="wavelet"),
        *image_rows("b", 27, model="wavelet"),
    ]
    lines = images_table(rows).splitlines()
    assert cells(lines[0]) == ["PSNR dB / SSIM", "input", "dncnn s", "wavelet"]
    assert cells(lines[2]) == ["a", "20.00 / 0.3000", "29.00 / 0.9000", "28.00 / 0.9000"]
    assert cells(lines[-1])[2:] == ["30.00 / 0.9000", "27.50 / 0.9000"]
    assert len({len(line) for line in lines}) == 1


def test_an_image_without_a_metric_has_a_dash(image_rows):
    rows = [*image_rows("a", 29), *(row for row in image_rows("b", 31) if row["metric"] == "psnr")]
    rows = [row for row in rows if not (row["metric"] == "psnr" and row["image"] == "a")]
    lines = images_table(rows).splitlines()
    assert cells(lines[0])[0] == "SSIM / PSNR dB"
    assert cells(lines[2])[2] == "0.9000 / –"
    assert cells(lines[3])[2] == "– / 31.00"
    assert cells(lines[4])[2] == "0.9000 / 31.00"


def test_an_authors_file_has_its_own_column_and_stands_for_its_method(image_rows):
    """Beside a network of ours by the same model's name, and with what is printed of TNRD and not of tnrd_jpeg."""
    file = {"method_kind": "released", "run": "dncnn_s_25"}
    rows = [*image_rows("01", 29, dataset="set12"), *image_rows("01", 30, dataset="set12", **file)]
    lines = [cells(line) for line in images_table(rows).splitlines()]
    assert lines[0][2:] == ["dncnn s", "dncnn s, published", "dncnn s 25 (authors)", "dncnn s 25 (authors), published"]
    assert lines[2][2:] == ["29.00 / 0.9000", "30.18", "30.00 / 0.9000", "30.18"]
    place = {"task": "jpeg", "dataset": "classic5", "setting": "quality=10", "model": "tnrd_jpeg"}
    means = store.means(image_rows("a", **place, method_kind="released", run="tnrd_jpeg_10"))
    line = cells(means_table(means).splitlines()[2])
    assert (line[2], *line[6:8]) == ("tnrd_jpeg_10 (authors)", "29.28 / 0.7992 (dncnn V)", "its authors")
    assert "TNRD" not in "".join(not_run_tables(means)), "it was run"


def test_what_authors_print_of_themselves_is_no_table_of_methods_that_were_not_run(image_rows):
    headings = not_run_tables(store.means(image_rows("01", dataset="set12")))[::2]
    assert headings == ["published in dncnn III for set12, not run here"]
    file = {"method_kind": "released", "run": "srcnn_915_3", "model": "srcnn"}
    own = not_run_tables(store.means(image_rows("a", dataset="set5", task="sr", setting="scale=3", **file)))
    assert own
    assert not [text for text in own if "authors" in text]
