"""Weights in and out of files, whoever wrote them."""

import logging

import pytest
import torch
from torch import Tensor, nn

from matlab_files import WRITERS, layers_of
from restore.checkpoint import lighten, load_weights, read_state
from restore.errors import RequestError
from restore.models.dncnn import DnCNN
from restore.models.fdncnn import FDnCNN
from restore.models.ffdnet import FFDNet
from restore.models.gopro_red import GoproRED
from restore.models.red import REDNet
from restore.models.srcnn import SRCNN
from restore.models.vdsr import VDSR
from restore.remote import sha256
from restore.runfolder import RunFolder


def awake(network: nn.Module) -> nn.Module:
    """A network all of whose numbers differ from those that another one starts with."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.2, 0.2)
    return network.eval()


def renamed(network: nn.Module) -> dict[str, Tensor]:
    """A state dict with keys of nobody that is known: ``layers.0.weight``, ``layers.2.weight``."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    return {
        f"layers.{2 * n}.{key}": value for n, layer in enumerate(layers) for key, value in layer.state_dict().items()
    }


def restored(network: nn.Module) -> Tensor:
    y = torch.rand(2, 1, 9, 12, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return network.eval()(y, *[torch.tensor([0.1, 0.2])] * len(getattr(network, "conditions", ())))


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize("write", WRITERS.values(), ids=list(WRITERS))
@pytest.mark.parametrize("make", [DnCNN, FFDNet, FDnCNN], ids=lambda make: make.__name__)
@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_mat_file_fills_the_networks_convolutions(write, make, batch_norm, tmp_path):
    theirs = awake(make(depth=4, width=5, batch_norm=False))
    write(tmp_path / "net.mat", layers_of(theirs))
    network = load_weights(make(depth=4, width=5, batch_norm=batch_norm), tmp_path / "net.mat", "theirs")
    assert not has_batch_norm(network)
    torch.testing.assert_close(restored(network), restored(theirs))


def test_sizes_and_border_come_from_an_authors_file(tmp_path):
    theirs = awake(SRCNN(widths=(3, 4), kernel_sizes=(5, 3, 3), border="replicate"))
    WRITERS["v5"](tmp_path / "net.mat", layers_of(theirs))
    network = load_weights(SRCNN(), tmp_path / "net.mat", "srcnn")
    assert str(network) == str(theirs)
    torch.testing.assert_close(restored(network), restored(theirs))
    with pytest.raises(RequestError, match=r"is for 1 channels, and model=srcnn has 3: task\.channels=1"):
        load_weights(SRCNN(channels=3), tmp_path / "net.mat", "srcnn")


def test_a_file_of_another_network_that_fits_is_said(weights_root, caplog):
    load_weights(VDSR(), weights_root / "DnCNN_3.mat", "vdsr")
    assert "DnCNN_3.mat is dncnn_3 of the authors' files, which model=dncnn_3 reads" in caplog.text
    caplog.clear()
    load_weights(VDSR(), weights_root / "VDSR_official.mat", "vdsr")
    assert not caplog.text


def test_a_network_to_be_trained_keeps_its_sizes_and_border(tmp_path):
    theirs = awake(SRCNN(widths=(3, 4), border="replicate"))
    WRITERS["v5"](tmp_path / "net.mat", layers_of(theirs))
    own = SRCNN(widths=(3, 4), border="replicate")
    assert load_weights(own, tmp_path / "net.mat", "srcnn", own_sizes=True) is own
    torch.testing.assert_close(restored(own), restored(theirs))
    with pytest.raises(RequestError, match=r"do not fit model=srcnn: body\.0\.weight is \(3, 1, 9, 9\) in the file"):
        load_weights(SRCNN(widths=(6, 4)), tmp_path / "net.mat", "srcnn", own_sizes=True)
    with pytest.raises(RequestError, match=r"is not model=srcnn: it has .*replicate"):
        load_weights(SRCNN(widths=(3, 4)), tmp_path / "net.mat", "srcnn", own_sizes=True)


def test_a_network_keeps_its_own_formulation(tmp_path):
    theirs = awake(DnCNN(depth=4, width=5, batch_norm=False, residual=False))
    WRITERS["v5"](tmp_path / "net.mat", layers_of(theirs))
    network = load_weights(DnCNN(depth=4, width=5, residual=False), tmp_path / "net.mat", "dncnn_s")
    torch.testing.assert_close(restored(network), restored(theirs))


@pytest.mark.parametrize(
    ("network", "theirs"),
    [
        (DnCNN(depth=4, width=5), DnCNN(depth=4, width=5, batch_norm=False)),
        (DnCNN(depth=4, width=5, batch_norm=False), DnCNN(depth=4, width=5, batch_norm=False)),
        (REDNet(depth=4, width=5, skip_step=1), REDNet(depth=4, width=5, skip_step=1)),
    ],
    ids=["batch norm", "none", "transposed"],
)
def test_keys_of_its_own_are_filled_in_order(network, theirs, tmp_path, caplog):
    torch.save(renamed(awake(theirs)), tmp_path / "net.pth")
    with caplog.at_level(logging.INFO, "restore"):
        network = load_weights(network, tmp_path / "net.pth", "theirs")
    torch.testing.assert_close(restored(network), restored(theirs))
    assert not has_batch_norm(network)
    assert "net.pth has keys of its own: its 4 convolutions taken in order" in caplog.text


def test_keys_that_are_the_networks_are_kept_to(tmp_path, caplog):
    theirs = awake(DnCNN(depth=4, width=5))
    torch.save({"state_dict": {f"network.{k}": v for k, v in theirs.state_dict().items()}}, tmp_path / "net.ckpt")
    with caplog.at_level(logging.INFO, "restore"):
        network = load_weights(DnCNN(depth=4, width=5), tmp_path / "net.ckpt", "dncnn_s")
    assert has_batch_norm(network)
    assert torch.equal(restored(network), restored(theirs))
    assert not caplog.text


@pytest.mark.parametrize(
    ("network", "theirs", "sentence"),
    [
        (DnCNN(depth=5, width=5), DnCNN(depth=4, width=5, batch_norm=False), r"convolution 4 is \(1, 5, 3, 3\) in the file and \(5, 5, 3, 3\) in"),
        (DnCNN(depth=3, width=5), DnCNN(depth=4, width=5, batch_norm=False), r"convolution 3 is \(5, 5, 3, 3\) in the file and \(1, 5, 3, 3\) in"),
        (FFDNet(depth=4, width=5), FDnCNN(depth=4, width=5, batch_norm=False), r"convolution 1 is \(5, 2, 3, 3\) in the file and \(5, 5, 3, 3\) in"),
        (GoproRED(1, depth=4, width=5, skip_step=1), DnCNN(depth=4, width=5, batch_norm=False), "convolution 3 is .* in the file and absent in"),
        (
            nn.Sequential(nn.Conv2d(1, 5, 3), nn.PReLU(), nn.Conv2d(5, 1, 3)),
            DnCNN(depth=2, width=5),
            "net.mat holds convolutions alone, and model=theirs has other layers with weights",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 5, 3), nn.Conv2d(5, 1, 3, bias=False)),
            DnCNN(depth=2, width=5),
            "convolution 2 of .*net.mat has a bias, and that of model=theirs has none",
        ),
    ],
    ids=["deeper", "shallower", "other", "transposed", "prelu", "no bias"],
)  # fmt: skip
def test_other_networks_are_refused_by_one_sentence(network, theirs, sentence, tmp_path):
    WRITERS["v7.3"](tmp_path / "net.mat", layers_of(awake(theirs)))
    with pytest.raises(RequestError, match=sentence):
        load_weights(network, tmp_path / "net.mat", "theirs")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"a": torch.zeros(3)}, "body.0.weight is absent in the file"),
        ({"a.weight": torch.zeros(3)}, "body.0.weight is absent in the file"),
        ({"a.weight": torch.zeros(5, 1, 3, 3), "a.scale": torch.zeros(5)}, "body.0.weight is absent in the file"),
        ({"a.weight": torch.zeros(5, 1, 3, 3)}, "convolution 2 is absent in the file"),
        ({"body.0.weight": torch.zeros(5, 1, 3, 3)}, "body.0.bias is absent in the file"),
        ({}, "holds no weights"),
    ],
)
def test_other_states_are_refused_by_one_sentence(state, sentence, tmp_path):
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(RequestError, match=sentence):
        load_weights(DnCNN(depth=3, width=5, batch_norm=False), tmp_path / "net.pth", "dncnn_s")


def test_nothing_is_executed(tmp_path):
    torch.save(DnCNN(depth=3, width=2), tmp_path / "net.pth")
    with pytest.raises(RequestError, match="is not a checkpoint that can be read"):
        load_weights(DnCNN(depth=3, width=2), tmp_path / "net.pth", "dncnn_s")


def test_lightened_weights_are_the_best_ones_in_half_precision(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    network = awake(DnCNN(depth=3, width=4))
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 7, "optimizer_states": [torch.zeros(9)]}, run.best)
    torch.save({"state_dict": {}, "global_step": 9}, run.last)
    before = sha256(run.best)
    lighten(run)
    content = torch.load(run.best, weights_only=True)
    assert set(content) == {"state_dict", "global_step"}
    assert content["global_step"] == 7
    assert sha256(run.best) != before
    assert not run.last.exists()
    for key, value in read_state(run.best).items():
        assert value.dtype in (torch.float32, torch.int64)
        torch.testing.assert_close(value, network.state_dict()[key], atol=1e-3, rtol=1e-3)


def test_without_a_best_checkpoint_the_last_one_is_lightened(tmp_path):
    run = RunFolder(tmp_path)
    run.checkpoints.mkdir()
    state = {f"network.{key}": value for key, value in awake(DnCNN(depth=3, width=4)).state_dict().items()}
    torch.save({"state_dict": state, "global_step": 9, "optimizer_states": [torch.zeros(9)]}, run.last)
    lighten(run)
    assert set(torch.load(run.last, weights_only=True)) == {"state_dict", "global_step"}
    assert not run.best.exists()


def test_digest_is_sha256(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
