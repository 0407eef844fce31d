"""State dicts of other programs, held to networks written here as theirs are defined: the same images come out."""

import pytest
import torch
from torch import Tensor, cat, nn

import restore
from restore.checkpoint import load_weights, read_state
from restore.errors import RequestError
from restore.models.dncnn import DnCNN
from restore.models.fdncnn import FDnCNN
from restore.models.ffdnet import FFDNet
from restore.models.red import REDNet
from restore.models.vdsr import VDSR

DEPTH, WIDTH = 5, 6


def body(inside: int, outside: int, norm_eps: float = 0, biases: tuple[bool, bool, bool] = (True, True, True)):
    """Convolutions with ReLU between them, and batch norms in the middle ones where they have an epsilon."""
    layers: list[nn.Module] = [nn.Conv2d(inside, WIDTH, 3, padding=1, bias=biases[0]), nn.ReLU()]
    for _ in range(DEPTH - 2):
        layers.append(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=biases[1]))
        if norm_eps:
            layers.append(nn.BatchNorm2d(WIDTH, eps=norm_eps))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Conv2d(WIDTH, outside, 3, padding=1, bias=biases[2]))


class KairDnCNN(nn.Module):
    def __init__(self, norm_eps: float = 0):
        super().__init__()
        self.model = body(1, 1, norm_eps)

    def forward(self, degraded: Tensor) -> Tensor:
        return degraded - self.model(degraded)


class KairFDnCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = body(2, 1)

    def forward(self, degraded: Tensor, sigma: Tensor) -> Tensor:
        return self.model(cat([degraded, sigma.view(-1, 1, 1, 1).expand_as(degraded)], dim=1))


class KairFFDNet(nn.Module):
    """Its sub-images are torch's, row by row, as its ``.pth`` files have been turned from the authors' order."""

    def __init__(self, channels: int):
        super().__init__()
        self.model = body(4 * channels + 1, 4 * channels)

    def forward(self, degraded: Tensor, sigma: Tensor) -> Tensor:
        x = nn.functional.pixel_unshuffle(degraded, 2)
        maps = sigma.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[-2:])
        return nn.functional.pixel_shuffle(self.model(cat([x, maps], dim=1)), 2)


class Deepinv(nn.Module):
    def __init__(self, bias: bool):
        super().__init__()
        self.in_conv = nn.Conv2d(1, WIDTH, 3, padding=1, bias=bias)
        self.conv_list = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=bias) for _ in range(DEPTH - 2))
        self.out_conv = nn.Conv2d(WIDTH, 1, 3, padding=1, bias=bias)

    def forward(self, degraded: Tensor) -> Tensor:
        x = self.in_conv(degraded).relu()
        for convolution in self.conv_list:
            x = convolution(x).relu()
        return degraded + self.out_conv(x)


class PyTorchDnCNN(nn.Module):
    """SaoYan's, whose convolutions have no bias, or the authors', whose first one has and whose epsilon is 1e-4."""

    def __init__(self, authors: bool):
        super().__init__()
        self.dncnn = body(1, 1, 1e-4 if authors else 1e-5, (authors, False, False))

    def forward(self, degraded: Tensor) -> Tensor:
        return degraded - self.dncnn(degraded)


class PyTorchVDSR(nn.Module):
    def __init__(self):
        super().__init__()
        middle = [nn.Module() for _ in range(DEPTH - 2)]
        for block in middle:
            block.conv = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.residual_layer = nn.Sequential(*middle)  # first, so that the keys do not stand in the order of the layers
        self.input = nn.Conv2d(1, WIDTH, 3, padding=1, bias=False)
        self.output = nn.Conv2d(WIDTH, 1, 3, padding=1, bias=False)

    def forward(self, degraded: Tensor) -> Tensor:
        x = self.input(degraded).relu()
        for block in self.residual_layer:
            x = block.conv(x).relu()
        return degraded + self.output(x)


def awake(network: nn.Module) -> nn.Module:
    """All numbers drawn, variances of batch norm among those to which its epsilon is not small."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(1e-4, 1e-3, generator=generator)
            elif value.is_floating_point():
                value.uniform_(-0.2, 0.2, generator=generator)
    return network.eval()


def outputs(network: nn.Module, channels: int = 1) -> Tensor:
    y = torch.rand(2, channels, 10, 12, generator=torch.Generator().manual_seed(2))
    told = type(network).__name__ in ("FFDNet", "FDnCNN", "KairFFDNet", "KairFDnCNN")
    with torch.no_grad():
        return network.eval()(y, *[torch.tensor([0.1, 0.2])] * told)


SIZES = {"depth": DEPTH, "width": WIDTH}
CASES = {
    "KAIR": (KairDnCNN(), DnCNN),
    "KAIR, trained with batch norm": (KairDnCNN(1e-4), DnCNN),
    "KAIR's FDnCNN": (KairFDnCNN(), FDnCNN),
    "KAIR's FFDNet": (KairFFDNet(1), FFDNet),
    "deepinv": (Deepinv(True), DnCNN),
    "deepinv without biases": (Deepinv(False), DnCNN),
    "SaoYan": (PyTorchDnCNN(authors=False), DnCNN),
    "the authors' program": (PyTorchDnCNN(authors=True), DnCNN),
    "pytorch-vdsr": (PyTorchVDSR(), VDSR),
}


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("wrapped", ["{}", "module.{}", "_orig_mod.module.{}"])
@pytest.mark.parametrize(("theirs", "make"), CASES.values(), ids=list(CASES))
def test_the_same_images_come_out(theirs, make, wrapped, batch_norm, tmp_path):
    state = {wrapped.format(key): value for key, value in awake(theirs).state_dict().items()}
    torch.save(state, tmp_path / "net.pth")
    own = make(**SIZES) if make is VDSR else make(**SIZES, batch_norm=batch_norm)
    network = load_weights(own, tmp_path / "net.pth", "theirs")
    torch.testing.assert_close(outputs(network), outputs(theirs), rtol=1e-4, atol=1e-5)
    normalised = any(key.endswith("running_mean") for key in state)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) == (normalised and batch_norm)


def test_colour_has_its_sub_images_plane_by_plane(tmp_path):
    theirs = awake(KairFFDNet(3))
    torch.save({"params": theirs.state_dict()}, tmp_path / "net.pth")
    network = load_weights(FFDNet(3, **SIZES), tmp_path / "net.pth", "ffdnet")
    torch.testing.assert_close(outputs(network, 3), outputs(theirs, 3), rtol=1e-4, atol=1e-5)


def test_from_python_by_the_network_s_name(tmp_path):
    theirs = awake(Deepinv(True))
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    words = [f"model.depth={DEPTH}", f"model.width={WIDTH}"]
    network = restore.load(tmp_path / "net.pth", model="dncnn_s", overrides=words)
    torch.testing.assert_close(outputs(network), outputs(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("around", ["state_dict", "params", "params_ema", "model_state_dict", "model", "net"])
def test_where_checkpoints_have_their_state(around, tmp_path):
    own = DnCNN(**SIZES).state_dict()
    torch.save({around: {f"module.{key}": value for key, value in own.items()}, "epoch": 3}, tmp_path / "net.pth")
    network = load_weights(DnCNN(**SIZES), tmp_path / "net.pth", "dncnn_s")
    assert all(torch.equal(value, own[key]) for key, value in network.state_dict().items())


def test_averaged_weights_are_those_that_are_tested(tmp_path):
    torch.save({"params": {"a": torch.zeros(1)}, "params_ema": {"a": torch.ones(1)}}, tmp_path / "net.pth")
    assert read_state(tmp_path / "net.pth")["a"] == 1


def written(theirs: nn.Module) -> dict[str, Tensor]:
    return dict(theirs.state_dict())


def without(theirs: nn.Module, key: str) -> dict[str, Tensor]:
    return {name: value for name, value in theirs.state_dict().items() if name != key}


@pytest.mark.parametrize(
    ("state", "network", "sentence"),
    [
        (written(Deepinv(True)), VDSR(**SIZES), "has the keys of deepinv's DnCNN, and this network is VDSR"),
        (written(PyTorchVDSR()), DnCNN(**SIZES), "has the keys of pytorch-vdsr's VDSR, and this network is DnCNN"),
        (written(KairDnCNN()), VDSR(**SIZES), "has the keys of KAIR's DnCNN or FDnCNN or FFDNet, and this network"),
        (written(KairDnCNN()), DnCNN(**SIZES, residual=False), "is KAIR's, which predicts what is to be taken away: model.residual=true"),
        (written(KairFDnCNN()), FDnCNN(**SIZES, residual=True), "the restored image itself: model.residual=false"),
        (written(KairFDnCNN()), DnCNN(**SIZES), r"body.0.weight is \(6, 2, 3, 3\) in the file and \(6, 1, 3, 3\)"),
        (written(KairDnCNN()), DnCNN(depth=4, width=WIDTH), r"body.6.weight is \(6, 6, 3, 3\) in the file and \(1, 6, 3, 3\)"),
        (written(KairDnCNN()), DnCNN(depth=6, width=WIDTH), r"body.8.weight is \(1, 6, 3, 3\) in the file and \(6, 6, 3, 3\)"),
        (without(PyTorchDnCNN(True), "dncnn.3.running_var"), DnCNN(**SIZES), "has in dncnn.3 a batch norm without"),
        ({"model.0.weight": torch.zeros(6)}, DnCNN(**SIZES), "has in model.0 weight, which are neither"),
        ({f"layers.{n}.weight": torch.zeros(6, 6, 3, 3) for n in range(5)}, FFDNet(**SIZES), "in which order its sub-images come"),
        ({str(n): {"model.0.weight": torch.zeros(1)} for n in range(25)}, DnCNN(**SIZES), "no tensors by their names, but 25 dictionaries, 0 to 24"),
    ],
)  # fmt: skip
def test_others_are_refused_by_one_sentence(state, network, sentence, tmp_path):
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(RequestError, match=sentence):
        load_weights(network, tmp_path / "net.pth", "theirs")


def test_networks_without_layouts_take_convolutions_in_order(tmp_path, caplog):
    theirs = REDNet(depth=4, width=5, skip_step=1)
    layers = [layer for layer in theirs.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    state = {f"model.{n}.{key}": value for n, layer in enumerate(layers) for key, value in layer.state_dict().items()}
    torch.save(state, tmp_path / "net.pth")
    network = load_weights(REDNet(depth=4, width=5, skip_step=1), tmp_path / "net.pth", "red10")
    torch.testing.assert_close(outputs(network), outputs(theirs))
    assert "taken in order" in caplog.text


def test_a_network_trained_on_without_batch_norm_is_read_again(tmp_path):
    trained = awake(DnCNN(**SIZES, batch_norm=False))
    torch.save(
        {"state_dict": {f"network.{key}": value for key, value in trained.state_dict().items()}}, tmp_path / "x.ckpt"
    )
    network = load_weights(DnCNN(**SIZES), tmp_path / "x.ckpt", "dncnn_s")
    torch.testing.assert_close(outputs(network), outputs(trained))
