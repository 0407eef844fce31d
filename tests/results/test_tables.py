from restore.results import store
from restore.results.tables import images_table, means_table


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_means_beside_the_published(image_rows):
    text = means_table(store.means([*image_rows("a", 29), *image_rows("b", 30, overlap="t7")]))
    header, _, line = text.splitlines()
    assert cells(header)[4:7] == ["input PSNR / SSIM", "restored PSNR / SSIM", "published"]
    assert cells(line)[3:] == ["2", "20.00 / 0.3000", "29.50 / 0.9000", "29.23 (dncnn II)", "1 of 2"]


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
