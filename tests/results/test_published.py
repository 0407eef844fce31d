from collections import Counter

from restore.results import published


def values(*place: str, metric: str = "psnr") -> list[str]:
    return [row["value"] for row in published.find(*place, metrics=[metric])]


def test_published_numbers_by_model_name():
    assert values("denoise", "set12", "sigma=25", "dncnn_s") == ["30.436"]
    assert values("denoise", "bsd200", "sigma=50", "red30") == ["25.75"]
    assert values("denoise", "bsd200", "sigma=50", "red30", metric="ssim") == ["0.7167"]
    assert values("denoise_blind", "bsd200", "sigma=50", "red30") == ["25.69"]
    assert values("denoise_blind", "bsd68", "sigma=50", "dncnn_b") == ["26.23"]
    assert values("denoise", "bsd68", "sigma=26", "dncnn_s") == []
    assert values("denoise", "bsd68", "sigma=25", "dncnn_s", metric="psnr_y") == []


def test_every_number_that_the_papers_print():
    assert Counter(row["metric"] for row in published.published()) == {"psnr": 604, "ssim": 270}
    assert len({tuple(row.values())[:-1] for row in published.published()}) == 874, "none stands twice"
    assert all(0 < float(row["value"]) <= (1 if row["metric"] == "ssim" else 60) for row in published.published())


def test_a_cell_follows_the_metrics():
    rows = published.find("denoise", "bsd200", "sigma=50", "red30")
    assert published.cell(rows, ["psnr", "ssim"]) == "25.75 / 0.7167 (red 2)"
    assert published.cell(rows, ["ssim"]) == "0.7167 (red 2)"
    assert published.cell(rows, ["lpips", "psnr", "vif"]) == "– / 25.75 (red 2)"
    assert published.cell(rows, ["lpips"]) == "–"
    assert published.cell([], ["psnr"]) == "–"
