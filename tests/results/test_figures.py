import pytest
import torch
from PIL import Image
from torch import nn

from restore.conditions import Pair
from restore.errors import RequestError
from restore.evaluation.score import Restoration, Score
from restore.results import figures
from restore.results.figures import Gallery, Picture, draw, feature_maps, layers_of, sheet, stack_maps


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


def test_the_last_layer_is_drawn_without_the_relu_that_does_not_follow_it(tmp_path, monkeypatch):
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    nn.init.constant_(network[2].weight, -0.1)
    drawn = []
    axes = figures.pyplot().Axes
    monkeypatch.setattr(axes, "imshow", lambda self, image, **_: drawn.append(image))
    gallery = Gallery()
    gallery.keep(restoration("a"))
    feature_maps(network, gallery.pictures[0], ["conv-1", "conv-2"], "title", tmp_path / "maps.png", count=4)
    assert all(image.min() >= 0 for image in drawn[:4])
    assert len(drawn) == 5
    assert drawn[4].min() < 0


def test_layers_by_model():
    assert layers_of(None, "red10") == layers_of([], "red10") == layers_of({}, "red10") == []
    assert layers_of(["conv-2"], "red10") == ["conv-2"]
    assert layers_of({"fcn": ["conv-8"], "red10": ["deconv-3"]}, "red10") == ["deconv-3"]
    with pytest.raises(RequestError, match="feature_maps has layers of fcn, red10, and none of model=red20"):
        layers_of({"fcn": ["conv-8"], "red10": ["deconv-3"]}, "red20")


def test_the_maps_of_two_networks_are_one_picture(tmp_path):
    sizes = {"model=fcn,seed=0": (40, 30), "model=fcn,seed=1": (40, 90), "model=red10,seed=0": (50, 20)}
    for name, size in sizes.items():
        (tmp_path / name).mkdir()
        Image.new("RGB", size, "gray").save(tmp_path / name / "maps.png")
    (tmp_path / "model=red10,seed=1").mkdir()
    file = stack_maps(sorted(tmp_path.iterdir()), tmp_path)
    with Image.open(file) as picture:
        assert picture.size == (50, 50), "the first seed of each, under each other"
    assert stack_maps([tmp_path / "model=red10,seed=1"], tmp_path) is None
    assert stack_maps([tmp_path], tmp_path) is None, "a run's own picture stays"
