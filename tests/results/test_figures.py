import torch
from PIL import Image

from restore.results.figures import Picture, psnr_over_training, sheet


def test_sheet_and_plot_are_drawn(tmp_path):
    clean = torch.rand(1, 1, 60, 80)
    colour = torch.rand(1, 3, 70, 50)
    pictures = [Picture("gray", clean, clean, clean, 20.1, 30.2), Picture("colour", colour, colour, colour, 20.1, 30.2)]
    sheet(pictures, "a title", tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size[0] > 1000
    (tmp_path / "history.csv").write_text("step,patches,seconds,val/psnr,val/ssim\n1,16,1.0,20,0.5\n2,32,2.0,25,0.6\n")
    psnr_over_training(tmp_path / "history.csv", "a title", tmp_path / "psnr.png", {"input": 20.0})
    with Image.open(tmp_path / "psnr.png") as image:
        assert image.size[0] > 500
