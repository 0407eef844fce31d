"""RED-Net and its ablations: strides, residual blocks, and every skip against an independent transcription."""

import pytest
import torch
from torch import nn
from torch.nn.functional import relu

from restore.models.cost import Cost, count_cost
from restore.models.fcn import FullyConvolutional
from restore.models.red import Deconvolution, REDNet

HIDDEN = 64 * 64 * 9  # weights of a hidden layer


@pytest.mark.parametrize(
    ("network", "cost"),
    [
        (REDNet(depth=10, skip_step=0), Cost(640 + 8 * (HIDDEN + 64) + 577, (1152 + 8 * HIDDEN) * 600, 21)),
        (REDNet(depth=30), Cost(640 + 28 * (HIDDEN + 64) + 577, 1_033_344 * 600, 61)),
        (
            REDNet(depth=30, width=128),
            Cost(1280 + 28 * (4 * HIDDEN + 128) + 1153, (2304 + 28 * 4 * HIDDEN) * 600, 61),
        ),
        (
            REDNet(depth=4, kernel_size=5, skip_step=0),
            Cost(1664 + 2 * (25 * 4096 + 64) + 1601, (3200 + 2 * 25 * 4096) * 600, 17),
        ),
    ],
    ids=["red10", "red30", "red30_released", "red_5x5"],
)
def test_counts_by_hand(network, cost):
    assert count_cost(network, 1, 20, 30) == cost


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


def awake(network: REDNet) -> REDNet:
    """A network whose last layer is not near zero, so that its body shows in its output."""
    nn.init.normal_(network.decoder[-1].weight, std=0.3)
    return network


def straight_line(network: REDNet, y: torch.Tensor, pairs: dict[int, int]) -> torch.Tensor:
    """A chain of RED-Net's layers with ``pairs[decoder layer] = encoder layer`` given from outside."""
    maps, x = {}, y
    for number, layer in enumerate(network.encoder, start=1):
        x = maps[number] = relu(layer(x))
    for number, layer in enumerate(network.decoder, start=1):
        x = nn.ConvTranspose2d.forward(layer, x)
        if number < len(network.decoder):
            x = relu(x)
        if number in pairs:
            x = relu(maps[pairs[number]] + x)
    return y + x


@pytest.mark.parametrize(
    ("depth", "step", "pairs"),
    [
        (30, 2, {1: 14, 3: 12, 5: 10, 7: 8, 9: 6, 11: 4, 13: 2}),  # the released RED30
        (30, 4, {3: 12, 7: 8, 11: 4}),
        (30, 7, {1: 14, 8: 7}),
        (20, 2, {2: 8, 4: 6, 6: 4, 8: 2}),
        (10, 0, {}),
    ],
)
def test_skips_equal_a_straight_line_transcription(depth, step, pairs, generator):
    network = awake(REDNet(depth=depth, width=5, skip_step=step)).double()
    y = torch.rand(1, 1, 12, 15, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(network(y), straight_line(network, y, pairs))


@pytest.mark.parametrize("downsample", [[1], [5], [9], [5, 9], [1, 2, 3]])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (31, 8), (1, 1)])
def test_strides_give_any_image_back_at_its_size(downsample, size, generator):
    network = awake(REDNet(depth=20, width=3, downsample=downsample))
    y = torch.rand(1, 1, *size, generator=generator)
    assert network(y).shape == y.shape
    strides = [number for number, layer in enumerate(network.encoder, start=1) if layer.stride == (2, 2)]
    mirrored = [11 - number for number, layer in enumerate(network.decoder, start=1) if layer.stride == (2, 2)]
    assert strides == sorted(mirrored) == downsample


def test_a_stride_costs_what_is_counted_by_hand():
    # depth 4 on 8×8: c1 stride 2 (16 outputs), c2, d1 on 4×4 maps, d2 stride 2 from 16 inputs
    cost = count_cost(REDNet(depth=4, width=2, skip_step=1, downsample=[1]), 1, 8, 8)
    assert cost.macs == 16 * 9 * (2 + 4 + 4 + 2)
    assert cost.receptive_field == 1 + 2 + 4 + 4 + 2  # the last: one more of the half-size map's pixels
    narrow, wide = REDNet(depth=30, width=2), REDNet(depth=30, width=2, downsample=[5])
    assert count_cost(narrow, 1, 40, 40).macs / count_cost(wide, 1, 40, 40).macs > 2


def test_residual_blocks_are_he_et_als(generator):
    network = awake(REDNet(depth=8, width=4, skip_step=2, skip_kind="residual")).double()
    y = torch.rand(1, 1, 9, 10, generator=generator, dtype=torch.float64)
    c, d = network.encoder, network.decoder
    x = relu(c[0](y))
    x = relu(x + c[2](relu(c[1](x))))
    x = relu(x + d[0](relu(c[3](x))))
    x = relu(x + d[2](relu(d[1](x))))
    torch.testing.assert_close(network(y), y + d[3](x))


def test_without_residual_the_image_itself_is_learned(generator):
    """The same weights: the two outputs differ by the input, and near-zero weights start from a black image."""
    torch.manual_seed(0)
    network = REDNet(depth=6, width=4, residual=False)
    y = torch.rand(1, 1, 11, 9, generator=generator)
    image = network(y)
    assert image.abs().max() < 0.1
    network.residual = True
    torch.testing.assert_close(network(y), y + image)


@pytest.mark.parametrize("residual", [True, False])
def test_last_layer_starts_as_told_whatever_is_learned(residual):
    torch.manual_seed(0)
    near, he = (REDNet(width=32, residual=residual, last_layer=start) for start in ("zero", "he"))
    assert near.decoder[-1].weight.std().item() == pytest.approx(1e-3, rel=0.2)  # of 288 draws
    assert he.decoder[-1].weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.2)


def test_a_start_draws_what_it_drew_before(generator):
    """He et al.'s weights layer by layer, then the last layer's anew: recorded runs start from these."""
    torch.manual_seed(3)
    network = REDNet(depth=6, width=4)
    torch.manual_seed(3)
    maps = [(1, 4), (4, 4), (4, 4), (4, 4), (4, 4), (4, 1)]
    layers = [nn.Conv2d(*each, 3) for each in maps[:3]] + [nn.ConvTranspose2d(*each, 3) for each in maps[3:]]
    for layer, (inside, _) in zip(layers, maps, strict=True):
        nn.init.normal_(layer.weight, std=(2 / (9 * inside)) ** 0.5)
    nn.init.normal_(layers[-1].weight, std=1e-3)
    for ours, drawn in zip([*network.encoder, *network.decoder], layers, strict=True):
        assert torch.equal(ours.weight, drawn.weight)


@pytest.mark.parametrize(("kernel_size", "size"), [(3, (17, 13)), (3, (11, 30)), (5, (21, 24))])
def test_without_padding_maps_shrink_and_grow_back(kernel_size, size, generator):
    network = awake(REDNet(depth=10, width=3, kernel_size=kernel_size, skip_step=2, padding=0)).double()
    shapes = []
    for layer in [*network.encoder, *network.decoder]:
        layer.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[-2:])))
    y = torch.rand(1, 1, *size, generator=generator, dtype=torch.float64)
    restored = network(y)
    taken = [number * (kernel_size - 1) for number in (1, 2, 3, 4, 5, 4, 3, 2, 1, 0)]
    assert shapes == [tuple(side - pixels for side in size) for pixels in taken]
    torch.testing.assert_close(restored, straight_line(network, y, {1: 4, 3: 2}))


def test_deconvolutions_without_padding_are_no_longer_convolutions(generator):
    """With padding and without skips, RED10 is 10 convolutions; without padding it is another function near the border."""
    y = torch.rand(1, 1, 24, 26, generator=generator, dtype=torch.float64)
    plain = awake(REDNet(depth=10, width=3, skip_step=0, residual=False)).double()
    fcn = FullyConvolutional(depth=10, width=3, residual=False).double()
    for convolution, layer in zip(fcn.body, [*plain.encoder, *plain.decoder], strict=True):
        turned = layer.weight.transpose(0, 1).flip(2, 3) if isinstance(layer, Deconvolution) else layer.weight
        convolution.weight.data.copy_(turned.data)
    unpadded = REDNet(depth=10, width=3, skip_step=0, residual=False, padding=0).double()
    unpadded.load_state_dict(plain.state_dict())
    torch.testing.assert_close(plain(y), fcn(y))
    assert (unpadded(y) - fcn(y)).abs().mean() > 0.01 * fcn(y).abs().mean()


@pytest.mark.parametrize(("depth", "step", "most"), [(10, 5, 4), (10, 7, 4), (20, 10, 9)])
def test_a_step_without_a_skip_is_refused_and_the_largest_that_has_one_named(depth, step, most):
    with pytest.raises(ValueError, match=rf"model.skip_step must be 0 \(no skips\) or from 1 to {most} .* is {step}"):
        REDNet(depth=depth, width=2, skip_step=step)
    assert REDNet(depth=depth, width=2, skip_step=most).skips


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"depth": 7}, "depth"),
        ({"depth": 0}, "depth"),
        ({"kernel_size": 4}, "kernel_size"),
        ({"width": 0}, "width"),
        ({"skip_step": -1}, "skip_step"),
        ({"skip_kind": "residual", "depth": 8, "skip_step": 7}, "skip_step"),
        ({"skip_kind": "dense"}, "skip_kind"),
        ({"downsample": [0]}, "downsample"),
        ({"depth": 10, "downsample": [6]}, "downsample"),
        ({"skip_kind": "residual", "downsample": [1]}, "downsample"),
        ({"last_layer": "xavier"}, "last_layer"),
        ({"padding": 1}, "padding"),
        ({"padding": 0, "downsample": [1]}, "padding"),
        ({"padding": 0, "skip_kind": "residual"}, "padding"),
    ],
)
def test_refuses_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"model.{name}"):
        REDNet(**arguments)


def test_told_sigma_it_reads_a_map_behind_the_image_and_adds_the_image_alone(generator):
    torch.manual_seed(0)
    network = REDNet(channels=3, depth=6, width=4, conditions=["sigma"], last_layer="he").eval()
    y, sigma = torch.rand(2, 3, 11, 8, generator=generator), torch.tensor([0.1, 0.2])
    restored = network(y, sigma)
    assert restored.shape == y.shape
    assert network.encoder[0].weight.shape == (4, 4, 3, 3)
    torch.testing.assert_close(restored, network(y, sigma=sigma.view(2, 1, 1, 1).expand(2, 1, 11, 8)))
    assert (network(y, 2 * sigma) - restored).abs().max() > 1e-4
    unheard = REDNet(channels=3, depth=6, width=4, last_layer="he").eval()
    weights = network.state_dict()
    weights["encoder.0.weight"] = weights["encoder.0.weight"][:, :3]
    unheard.load_state_dict(weights)
    torch.testing.assert_close(network(y, 0 * sigma), unheard(y))
    with pytest.raises(TypeError, match="told sigma, and it is given nothing"):
        network(y)
