import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from restore.models.red import Deconvolution, REDNet


@pytest.mark.parametrize(("depth", "skips"), [(10, ()), (20, (2, 4, 6, 8)), (30, (2, 4, 6, 8, 10, 12, 14))])
def test_skips_are_where_the_released_network_has_them(depth, skips):
    assert REDNet(depth=depth, width=4, skip_step=0 if depth == 10 else 2).skips == skips


def straight_line_red20(network: REDNet, y: torch.Tensor) -> torch.Tensor:
    """RED20 written out: c8→d2, c6→d4, c4→d6, c2→d8, each sum followed by the released program's ReLU."""
    c, d = network.encoder, network.decoder
    plain = lambda layer, x: nn.ConvTranspose2d.forward(layer, x)  # noqa: E731
    c1 = relu(c[0](y))
    c2 = relu(c[1](c1))
    c3 = relu(c[2](c2))
    c4 = relu(c[3](c3))
    c5 = relu(c[4](c4))
    c6 = relu(c[5](c5))
    c7 = relu(c[6](c6))
    c8 = relu(c[7](c7))
    c9 = relu(c[8](c8))
    c10 = relu(c[9](c9))
    d1 = relu(plain(d[0], c10))
    d2 = relu(c8 + relu(plain(d[1], d1)))
    d3 = relu(plain(d[2], d2))
    d4 = relu(c6 + relu(plain(d[3], d3)))
    d5 = relu(plain(d[4], d4))
    d6 = relu(c4 + relu(plain(d[5], d5)))
    d7 = relu(plain(d[6], d6))
    d8 = relu(c2 + relu(plain(d[7], d7)))
    d9 = relu(plain(d[8], d8))
    return y + plain(d[9], d9)


def test_graph_equals_the_straight_line_transcription(generator):
    network = REDNet(depth=20, width=6)
    nn.init.normal_(network.decoder[-1].weight, std=0.3)
    y = torch.rand(2, 1, 15, 18, generator=generator)
    torch.testing.assert_close(network(y), straight_line_red20(network, y), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_deconvolution_is_torchs(kernel_size, generator):
    layer = Deconvolution(3, 5, kernel_size, padding=kernel_size // 2)
    x = torch.rand(2, 3, 9, 7, generator=generator)
    torch.testing.assert_close(layer(x), nn.ConvTranspose2d.forward(layer, x))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel_size", [3, 5, 7])
def test_output_has_the_size_of_odd_inputs_and_starts_near_them(channels, kernel_size, generator):
    network = REDNet(channels, depth=4, width=5, kernel_size=kernel_size, skip_step=1)
    y = torch.rand(2, channels, 17, 13, generator=generator)
    restored = network(y)
    assert restored.shape == y.shape
    assert (restored - y).abs().max() < 0.1


@pytest.mark.parametrize(
    ("argument", "value"), [("depth", 7), ("depth", 0), ("kernel_size", 4), ("width", 0), ("skip_step", -1)]
)
def test_refuses_by_name(argument, value):
    with pytest.raises(ValueError, match=f"model.{argument}"):
        REDNet(**{argument: value})
