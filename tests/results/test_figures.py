import pytest
import torch
from PIL import Image
from torch import nn

from restore.conditions import Pair
from restore.evaluation.score import Restoration, Score
from restore.results.figures import Gallery, Picture, draw, feature_maps, sheet


def restoration(image: str, metric: str = "psnr", dataset: str = "set12") -> Restoration:
    clean = torch.rand(1, 1, 24, 20)
    score = Score("dncnn", dataset, "sigma=25", "noise", image, 0, 1, "", metric, 30.25, 20.1)
    return Restoration(Pair(clean, clean, {"sigma": torch.tensor([0.1])}), clean, (score,))


def test_a_sheet_is_drawn(tmp_path):
    clean, colour = torch.rand(1, 1, 60, 80), torch.rand(1, 3, 70, 50)
    pictures = [
        Picture("gray", Pair(clean, clean), clean, "20.10 dB", "30.20 dB"),
        Picture("colour", Pair(colour, colour), colour),
    ]
    sheet(pictures, "a title", tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size[0] > 1000


def test_a_gallery_keeps_the_first_images_of_one_place():
    gallery = Gallery(size=2)
    for one in (restoration("a"), restoration("x", dataset="bsd68"), restoration("b"), restoration("c")):
        gallery.keep(one)
    assert [picture.name for picture in gallery.pictures] == ["a", "b"]
    assert gallery.place == ("dncnn", "set12", "sigma=25")
    assert (gallery.pictures[0].title_input, gallery.pictures[0].title) == ("20.10 dB", "30.25 dB")
    other = Gallery()
    other.keep(restoration("a", "ssim"))
    other.keep(Restoration(Pair(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 4)), torch.rand(1, 1, 4, 4)))
    assert [picture.title for picture in other.pictures] == ["SSIM 30.2500"]


class Told(nn.Module):
    conditions = ("sigma",)

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 9, 3)

    def forward(self, degraded: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return self.layer(degraded) + sigma.view(-1, 1, 1, 1)


@pytest.mark.parametrize("metric", ["psnr", "lpips@0.1-7be5be79"])
def test_what_a_run_folder_gets(tmp_path, metric):
    gallery = Gallery()
    assert draw(tmp_path, gallery, "title") == []
    gallery.keep(restoration("a"))
    (tmp_path / "history.csv").write_text(
        f"step,patches,seconds,val/{metric},val/ssim\n1,16,1.0,20,0.5\n2,32,2.0,25,\n"
    )
    drawn = draw(tmp_path, gallery, "title")
    assert [file.name for file in drawn] == ["sheet.png", f"{metric.partition('@')[0]}.png"]
    assert all(file.stat().st_size > 5000 for file in drawn)


def test_feature_maps_of_a_network_that_is_told_something(tmp_path):
    gallery = Gallery()
    gallery.keep(restoration("a"))
    feature_maps(Told(), gallery.pictures[0], ["conv-1"], "title", tmp_path / "maps.png", count=4)
    with Image.open(tmp_path / "maps.png") as image:
        assert image.size[0] > 500
