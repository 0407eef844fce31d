import torch
from torch import nn

from conftest import protocol
from restore.data.datamodule import WholeImage
from restore.degradations.noise import GaussianNoise
from restore.evaluation.protocol import Setting
from restore.evaluation.score import Score, score_image, sort_scores


def image(levels: torch.Tensor) -> WholeImage:
    return WholeImage("set", "a", 0, levels)


def test_a_perfect_network_scores_infinity_and_the_input_its_own():
    levels = torch.randint(0, 256, (1, 1, 40, 30), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    clean = levels.float() / 255
    degraded, restored, same, score = score_image(
        lambda x: clean, image(levels), protocol("dncnn"), Setting("sigma=25", 25, GaussianNoise(25))
    )
    assert torch.equal(restored, clean)
    assert torch.equal(same, clean)
    assert score.psnr == float("inf")
    assert 19.5 < score.psnr_input < 21
    assert (degraded - clean).std() > 0.08
    assert set(score.row()) == {
        *("protocol", "dataset", "setting", "image", "channels", "psnr", "ssim", "psnr_input", "ssim_input")
    }


def test_float32_inside_a_mixed_precision_trainer():
    network = nn.Conv2d(1, 1, 3, padding=1)
    seen = []
    network.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    levels = torch.zeros(1, 1, 20, 20, dtype=torch.uint8)
    setting = Setting("sigma=5", 5, GaussianNoise(5))
    with torch.autocast("cpu", torch.bfloat16):
        score_image(network, image(levels), protocol("dncnn"), setting, "32")
    score_image(network, image(levels), protocol("dncnn"), setting, "bf16-mixed")
    assert seen == [torch.float32, torch.bfloat16]


def test_order_does_not_depend_on_who_came_first():
    scores = [Score("red", d, s, str(i), i, 1, 0, 0, 0, 0) for i in (1, 0) for d in ("b", "a") for s in ("x", "y")]
    places = [(s.dataset, s.setting, s.index) for s in sort_scores(scores, ["a", "b"])]
    assert places == [(d, s, i) for d in "ab" for s in "xy" for i in (0, 1)]
