"""Colour super-resolution and deblocking by a network of luma: what is made, restored, kept and scored."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import metrics, photograph, protocol, read_rows
from restore.colour import rgb_to_y, with_luma
from restore.conditions import Pair
from restore.config.build import build_settings
from restore.config.compose import compose
from restore.data.datasets import WholeImage
from restore.evaluation.luma_only import LumaOnly
from restore.evaluation.metrics import psnr, psnr_y
from restore.evaluation.protocol import Setting
from restore.evaluation.score import score_image
from restore.image import quantise, to_unit
from restore.resize import imresize, imresize_uint8
from restore.results.published import find, printed_for


def setting(*words: str) -> Setting:
    return build_settings(compose("evaluate", list(words)).task)[0]


SR = ("task=sr", "task.scale=3", "task.colour=y_only")
JPEG = ("task=jpeg", "task.quality=10", "task.colour=y_only")


def rgb(height: int = 48, width: int = 42) -> torch.Tensor:
    return torch.from_numpy(photograph(height, width, 3)).permute(2, 0, 1)[None].contiguous()


def chroma(image: torch.Tensor) -> torch.Tensor:
    """Cb and Cr of BT.601 in studio range, less 128, in levels: ``(…, 2, H, W)``."""
    rows = torch.tensor([[-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=torch.float64)
    return torch.einsum("kc,nchw->nkhw", rows, image.double())


def brighter(luma: torch.Tensor) -> torch.Tensor:
    assert luma.shape[1] == 1, "a network of one channel is given luma"
    return luma + 0.05


def decoded(levels: torch.Tensor, quality: int, subsampling: int) -> torch.Tensor:
    file = io.BytesIO()
    Image.fromarray(levels[0].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return to_unit(torch.from_numpy(np.array(Image.open(file)))).permute(2, 0, 1)[None]


def test_luma_is_replaced_and_chroma_is_not():
    image = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    wanted = rgb_to_y(image) + 0.1
    changed = with_luma(image, wanted)
    torch.testing.assert_close(rgb_to_y(changed), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(chroma(changed), chroma(image), atol=2e-5, rtol=0)
    torch.testing.assert_close(with_luma(image, rgb_to_y(image)), image)
    assert torch.equal(image, torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", ["dncnn", "red", "srcnn", "vdsr"])
def test_super_resolution_of_a_colour_image(name):
    """The pair is that of a network of three channels; chroma of the restored image is bicubic."""
    levels, one = rgb(), setting(*SR)
    pair = protocol(name).pair(levels, one, "x")
    assert pair.clean.shape == (1, 3, 48, 42)
    assert torch.equal(pair.clean, to_unit(levels))
    low = to_unit(imresize_uint8(levels, 16, 14).double()) if name == "dncnn" else imresize(pair.clean.double(), 16, 14)
    expected = imresize(low, 48, 42).float()
    if name == "vdsr":
        expected = with_luma(expected, rgb_to_y(expected).clamp(16 / 255, 235 / 255))
    torch.testing.assert_close(pair.degraded, expected, atol=1e-6, rtol=0)
    restored = protocol(name).restore(brighter, pair, one)
    bright = with_luma(pair.degraded, rgb_to_y(pair.degraded) + 0.05)
    eight_bit = name in ("srcnn", "vdsr")
    torch.testing.assert_close(restored, quantise(bright) if eight_bit else bright, atol=0.003, rtol=0)
    if not eight_bit:
        torch.testing.assert_close(chroma(restored), chroma(pair.degraded), atol=1e-3, rtol=0)
    border = 0 if name == "red" else 3
    assert protocol(name).compared(restored, one).shape == (1, 3, 48 - 2 * border, 42 - 2 * border)
    colour = setting("task=sr", "task.scale=3", "task.colour=rgb")
    assert (colour.channels, colour.luma_only, colour.name) == (3, False, one.name)
    if name != "vdsr":
        assert torch.equal(protocol(name).pair(levels, colour, "x").degraded, pair.degraded)


@pytest.mark.parametrize(("subsampling", "pillow"), [("4:2:0", 2), ("4:4:4", 0)])
def test_deblocking_of_a_colour_file(subsampling, pillow):
    levels, one = rgb(), setting(*JPEG, f"task.subsampling={subsampling}")
    assert one.name == f"quality=10 {subsampling}"
    pair = protocol("dncnn").pair(levels, one, "x")
    assert torch.equal(pair.degraded, decoded(levels, 10, pillow)), "it is what the file decodes to"
    restored = protocol("dncnn").restore(brighter, pair, one)
    assert torch.equal(restored, quantise(with_luma(pair.degraded, rgb_to_y(pair.degraded) + 0.05)))


@pytest.mark.parametrize("words", [SR, JPEG])
def test_both_scores_stand_in_rows_of_three_channels(words):
    one, dncnn = setting(*words), protocol("dncnn")
    assert (one.channels, one.luma_only) == (1, True)
    image = WholeImage("set", "a", 0, rgb())
    restoration = score_image(lambda luma: luma, image, dncnn, one, metrics("psnr", "psnr_y"))
    assert [(score.metric, score.channels) for score in restoration.scores] == [("psnr", 3), ("psnr_y", 3)]
    both = [dncnn.compared(each, one) for each in (restoration.restored, restoration.pair.clean)]
    assert restoration.scores[0].value == pytest.approx(psnr(*both).item(), abs=1e-4)
    assert restoration.scores[1].value == pytest.approx(psnr_y(*both).item(), abs=1e-4)
    assert restoration.scores[0].value != pytest.approx(restoration.scores[1].value, abs=0.1)


def test_published_numbers_of_luma_never_stand_beside_rgb():
    """By the channels of a row and by the name of its setting: either alone would do."""
    for words, dataset, method in ((SR, "set5", "dncnn_3"), (JPEG, "classic5", "dncnn_3")):
        task, one = words[0].removeprefix("task="), setting(*words)
        assert find(task, dataset, one.trained_name, method, 1)
        assert not find(task, dataset, one.name, method, 1)
        assert not find(task, dataset, one.trained_name, method, 3)
        assert not printed_for(task, dataset, one.name, 3)


def test_the_ensemble_restores_luma_too():
    one, red = setting(*SR), protocol("red")
    pair = red.pair(rgb(), one, "x")
    expected = with_luma(pair.degraded, rgb_to_y(pair.degraded) + 0.05)
    torch.testing.assert_close(red.restore(brighter, pair, one), expected, atol=1e-5, rtol=0)


def test_a_network_is_told_what_it_asks_for():
    def told_scale(luma: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return luma + scale.view(-1, 1, 1, 1) / 100

    told_scale.conditions = ("scale",)
    assert LumaOnly(told_scale).conditions == ("scale",)
    one, dncnn = setting(*SR), protocol("dncnn")
    pair = dncnn.pair(rgb(), one, "x")
    gained = rgb_to_y(dncnn.restore(told_scale, pair, one)) - rgb_to_y(pair.degraded)
    torch.testing.assert_close(gained, torch.full_like(gained, 0.03), atol=1e-5, rtol=0)


def test_gray_images_validate_by_luma():
    one, dncnn = setting(*SR), protocol("dncnn").for_validation()
    gray = rgb()[:, :1]
    pair = dncnn.pair(gray, one, "x")
    assert pair.degraded.shape == pair.clean.shape == gray.shape
    assert torch.equal(dncnn.restore(brighter, pair, one), pair.degraded + 0.05)
    plain = setting("task=sr", "task.scale=3")
    assert torch.equal(dncnn.pair(gray, plain, "x").degraded, pair.degraded)
    assert torch.equal(dncnn.restore(brighter, Pair(pair.clean, pair.clean), plain), pair.clean + 0.05)


def test_a_run_trains_on_luma_and_is_scored_in_colour(command, tmp_path, image_folder):
    train, test = image_folder("train", 4, channels=3), image_folder("test", 2, channels=3)
    tiny = ["model=red10", "model.width=4", "trainer.max_steps=2", "data.batch_size=2", "data.patch_size=16"]
    words = ["data=folder", f"data.path={train}", f"test_sets=[{test}]", "logger=none", "metric=[psnr,psnr_y,ssim]"]
    answer = command("run", *JPEG, *tiny, *words, "feature_maps=[conv-1]", "trainer.max_time=null")
    assert answer.code == 0, answer.err
    assert "Y of colour images" in answer.out
    folder = next((tmp_path / "runs" / "jpeg_red10").iterdir())
    for metric in ("psnr", "psnr_y", "ssim"):
        rows = read_rows(folder / "results.csv", metric)
        assert {(row["setting"], row["channels"]) for row in rows} == {("quality=10 4:2:0", "3")}
        assert len(rows) == 2
    for again in (["+task.subsampling=4:4:4"], [*JPEG, "task.subsampling=4:4:4"]):  # its own task changed, and another
        answer = command("evaluate", f"run={folder}", *again, f"test_sets=[{test}]")
        assert answer.code == 0, answer.err
    settings = [row["setting"] for row in read_rows(folder / "results.csv")]
    assert settings == ["quality=10 4:2:0"] * 2 + ["quality=10 4:4:4"] * 2  # asked twice, measured once
    gray = image_folder("gray", 1)
    answer = command("evaluate", f"run={folder}", f"test_sets=[{gray}]")
    assert (answer.code, "is gray" in answer.err) == (2, True)


@pytest.mark.parametrize(("words", "sentence"), [
    (("task=sr", "task.colour=y_only", "task.channels=3"), "task.colour=y_only has a network of 1 channel"),
    (("task=jpeg", "task.colour=rgb", "task.channels=1"), "task.colour=rgb has a network of 3 channels"),
    (("task=jpeg", "task.subsampling=4:2:2"), "did you mean '4:2:0'"),
    (("task=sr", "task.colour=y"), "unknown task.colour 'y'"),
])  # fmt: skip
def test_refusals(command, words, sentence):
    answer = command("evaluate", *words, "test_sets=photographs")
    assert (answer.code, sentence in answer.err) == (2, True), answer.err


@pytest.mark.slow
def test_authors_files_of_luma_restore_colour(command, weights_root, data_root, tmp_path):
    """VDSR on Set5 x3 in colour: its luma is within 0.05 dB of the gray score, and RGB has no published number."""
    words = ["task=sr", "task.scale=3", "test_sets=set5", "protocol=dncnn", "baselines=[vdsr,bicubic]"]
    gray, colour = tmp_path / "gray.csv", tmp_path / "colour.csv"
    assert command("evaluate", *words, f"results={gray}").code == 0
    answer = command("evaluate", *words, "task.colour=y_only", "metric=[psnr,psnr_y]", f"results={colour}")
    assert answer.code == 0, answer.err

    def mean(file, metric: str, model: str) -> float:
        values = [float(row["value"]) for row in read_rows(file, metric) if row["model"] == model]
        assert len(values) == 5
        return sum(values) / 5

    for model in ("vdsr", "bicubic"):
        assert mean(colour, "psnr_y", model) == pytest.approx(mean(gray, "psnr", model), abs=0.05)
    assert mean(colour, "psnr", "vdsr") > mean(colour, "psnr", "bicubic") + 1
    assert mean(colour, "psnr", "vdsr") < mean(colour, "psnr_y", "vdsr") - 0.5
