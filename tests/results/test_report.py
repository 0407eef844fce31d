from restore.degradations.noise import GaussianNoise
from restore.evaluation.metrics import Metric, psnr, ssim
from restore.evaluation.protocol import Protocol, Setting
from restore.results import store
from restore.results.report import margins, missing_values, protocol_differences, report

PROTOCOL, SETTING = Protocol("dncnn"), Setting("sigma=25", 25, GaussianNoise(25))


def joined(*images: list[dict]) -> list[dict]:
    return [row for image in images for row in image]


def test_everything_in_its_order(image_rows):
    rows = joined(image_rows("a", 29), image_rows("b", 31, overlap="t7"))
    metrics = [Metric("psnr", psnr), Metric("ssim", ssim), Metric("vif", psnr, smallest=41)]
    text = report(rows, [PROTOCOL], [SETTING], metrics)
    assert text.startswith("bsd68 sigma=25, protocol dncnn, overlap with training: b\n\n| PSNR dB / SSIM")
    assert "| bsd68 sigma=25 |    dncnn | dncnn_s |" in text
    assert "published in dncnn II for bsd68, not run here" in text
    assert "vif is not defined for 2 of 2 test pairs (bsd68 sigma=25); it needs sides from 41 pixels" in text
    assert text.endswith(PROTOCOL.describe("noise").join(["protocol ", ""]))
    many = joined(*(image_rows(str(i), overlap="unknown") for i in range(15)))
    assert "| 3 " not in report(many, [PROTOCOL], [SETTING]), "a large set has no line per image"


def test_images_that_were_not_compared_with_the_training_set(image_rows):
    text = report(image_rows("a", overlap="unknown"), [PROTOCOL], [SETTING])
    assert "overlap with training: training images not known" in text


def test_protocols_differ_by_each_metric(image_rows):
    more = {"lpips@0.1-ab": (0.2, 0.4)}
    rows = joined(image_rows("a", 29, more), image_rows("a", 29.5, {"ssim": (0.91, 0.3)}, protocol="red"))
    assert protocol_differences(store.means(rows)) == [
        "red against dncnn on bsd68 sigma=25 dncnn_s: +0.500 dB, SSIM +0.0100"
    ]


def test_margin_over_the_best_classical_method(image_rows):
    rows = joined(
        image_rows("a", 29, {"ssim": (0.8, 0.3)}),
        image_rows("a", 27, model="wavelet"),
        image_rows("a", 28, model="non_local_means"),
        image_rows("a", 40, model="bm3d", setting="sigma=50"),
    )
    assert margins(store.means(rows), "dncnn_s") == [
        "dncnn_s against non local means on bsd68 sigma=25: "
        "+1.00 dB (29.00 against 28.00), SSIM -0.1000 (0.8000 against 0.9000)"
    ]


def test_the_best_is_the_lowest_where_lower_is_better(image_rows):
    def of(model: str, distance: float) -> list[dict]:
        return [row | {"metric": "lpips", "value": distance} for row in image_rows("a", model=model)[:1]]

    rows = joined(of("dncnn_s", 0.2), of("wavelet", 0.3), of("bm3d", 0.25))
    assert margins(store.means(rows), "dncnn_s") == [
        "dncnn_s against bm3d on bsd68 sigma=25: LPIPS -0.0500 (0.2000 against 0.2500)"
    ]


def test_what_is_missing_is_one_line_a_metric(image_rows):
    settings = [f"sigma={sigma}" for sigma in (5, 15, 25, 50, 75)]
    rows = joined(*(image_rows("a", setting=setting) for setting in settings))
    blocks = Metric("psnrb", psnr, channels=1, families=["jpeg"])
    assert missing_values(rows, [Metric("psnr", psnr), blocks]) == [
        "psnrb is not defined for 5 of 5 test pairs (bsd68 sigma=15, bsd68 sigma=25, bsd68 sigma=5, bsd68 sigma=50 "
        "and 1 more); it needs 1 channel, a degradation of family jpeg"
    ]
