"""The library's door: load, restore_image and score."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.restoration import denoise_tv_chambolle
from torch import nn

import restore
from conftest import photograph, read_rows
from restore.errors import RequestError
from restore.models.dncnn import DnCNN
from restore.models.ffdnet import FFDNet


@pytest.fixture
def folder(tmp_path):
    for number in range(2):
        Image.fromarray(photograph(40, 48, 3, number)).save(tmp_path / f"{number}.png")
    return str(tmp_path)


def test_the_shipped_network_denoises_an_array():
    network = restore.load("red14_denoise25", device="cpu")
    assert not network.training
    clean = photograph(64, 80, 1).astype(np.float32) / 255
    noisy = clean + 25 / 255 * np.random.default_rng(0).standard_normal(clean.shape, dtype=np.float32)
    restored = restore.restore_image(network, noisy)
    assert (restored.shape, restored.dtype) == (clean.shape, np.float32)
    assert np.mean((restored - clean) ** 2) < 0.15 * np.mean((noisy - clean) ** 2)


def test_levels_and_units_are_told_apart_by_their_type():
    levels = photograph(20, 22, 3)
    identity = nn.Identity()
    assert np.array_equal(np.round(restore.restore_image(identity, levels) * 255), levels)
    assert np.allclose(restore.restore_image(identity, levels / 255.0), levels / 255)


def test_a_weights_file_with_a_model(tmp_path):
    network = DnCNN(depth=4, width=6).eval()
    torch.save(network.state_dict(), tmp_path / "net.pt")
    loaded = restore.load(tmp_path / "net.pt", "dncnn_s", ["model.depth=4", "model.width=6"], device="cpu")
    image = torch.rand(1, 1, 12, 10)
    torch.testing.assert_close(loaded(image), network(image))


@pytest.mark.parametrize("sigma", [25 / 255, np.full((20, 22), 25 / 255)], ids=["value", "map"])
def test_a_network_is_told_what_it_asks_for(sigma):
    torch.manual_seed(0)
    network = FFDNet(depth=3, width=8).eval()
    image = photograph(20, 22, 1)
    restored = restore.restore_image(network, image, sigma=sigma)
    expected = network(torch.from_numpy(image)[None, None] / 255, torch.tensor([25 / 255]))
    np.testing.assert_allclose(restored, expected[0, 0].detach(), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: restore.load("red99"), "red99 is not the folder of a run"),
        (lambda: restore.load("mlp"), "mlp: no network here reads"),
        (lambda: restore.load("none.pt", "dncnn_s"), "there is no weights file none.pt"),
        (lambda: restore.load("none.pt", "dncnn_x"), "unknown model 'dncnn_x': did you mean"),
        (lambda: restore.restore_image(FFDNet(depth=3), np.zeros((8, 8))), "is told sigma, and it is given nothing"),
        (lambda: restore.restore_image(nn.Identity(), np.zeros((8, 8)), sigma=1), "is told nothing, and it is given"),
        (lambda: restore.restore_image(nn.Identity(), np.zeros((8, 8, 4))), r"this one is \(8, 8, 4\)"),
        (lambda: restore.restore_image(nn.Identity(), np.zeros((8, 8), int)), "this one is of int64"),
        (lambda: restore.score(np.tanh, task="denoize"), "did you mean 'denoise'"),
        (lambda: restore.score(np.tanh, conditions=["kernel"]), "is told kernel, and of sigma=25 only sigma is known"),
        (lambda: restore.score(lambda image: image[1:]), "and returns one of"),
    ],
    ids=range(11),
)
def test_a_wrong_request_is_answered_by_one_sentence(call, sentence):
    with pytest.raises(RequestError, match=sentence):
        call()


def test_a_function_of_another_library_is_scored_as_a_network_is(folder, command, tmp_path):
    """Told sigma, in the units of the image; and its input's scores are those that the command gives."""
    levels = []

    def total_variation(image, sigma):
        assert image.ndim == 2
        assert image.dtype == np.float32
        levels.append(sigma * 255)
        return denoise_tv_chambolle(image, weight=0.8 * sigma)

    rows = restore.score(total_variation, test_sets=folder, conditions=["sigma"], overrides=["task.sigma=30"])
    assert levels == pytest.approx([30, 30])
    assert {(row["model"], row["method_kind"], row["setting"], row["protocol"]) for row in rows} == {
        ("total_variation", "callable", "sigma=30", "dncnn")
    }
    answer = command("evaluate", f"test_sets={folder}", "task.sigma=30", "baselines=[total_variation]")
    assert answer.code == 0, answer.err
    stored = [row for row in read_rows(tmp_path / "results.csv") if row["model"] == "total_variation"]
    ours = [row for row in rows if row["metric"] == "psnr"]
    assert [row["value"] for row in ours] == pytest.approx([row["value"] for row in stored], abs=1e-3)
    assert [row["fingerprint"] for row in ours] == [row["fingerprint"] for row in stored]


def test_a_network_and_a_function_of_colour(folder):
    kinds = {row["method_kind"] for row in restore.score(nn.Identity(), test_sets=[folder], metric="psnr")}
    assert kinds == {"network"}
    rows = restore.score(
        lambda image, kernel: image if kernel.shape == (15, 15) and image.shape == (40, 48, 3) else None,
        task="deblur",
        test_sets=[folder],
        conditions=("kernel",),
        metric="psnr",
        name="nothing",
    )
    assert [row["value"] for row in rows] == [row["value_input"] for row in rows]


def test_the_door_is_opened_lazily():
    """Importing the package imports no torch; its names are there all the same."""
    import subprocess
    import sys

    code = "import sys, restore; assert 'torch' not in sys.modules; assert 'score' in dir(restore); restore.load"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        restore.lod  # noqa: B018
