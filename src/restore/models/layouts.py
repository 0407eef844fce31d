"""State dicts that other programs write of networks that are here too: whose keys are whose layers, and what differs.

Read from their definitions: KAIR (github.com/cszn/KAIR, models/network_dncnn.py, network_ffdnet.py, basicblock.py),
deepinv (deepinv/models/dncnn.py), SaoYan/DnCNN-PyTorch and cszn/DnCNN (TrainingCodes/dncnn_pytorch), pytorch-vdsr
(twtygqyy/pytorch-vdsr).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from restore.models.dncnn import DnCNN
from restore.models.fdncnn import FDnCNN
from restore.models.ffdnet import FFDNet
from restore.models.vdsr import VDSR

State = Mapping[str, Tensor]
WRAPPERS = ("module", "_orig_mod", "network", "model", "net", "generator")  # DataParallel, torch.compile, Lightning, …
CONVOLUTION, BATCH_NORM = {"weight", "bias"}, {"weight", "bias", "running_mean", "running_var"}


@dataclass(frozen=True)
class Layout:
    """How a program writes one of the networks here.

    Attributes:
        program: as it is called in messages.
        network: the class here that computes the same.
        layers: patterns of its layers' names, in the order that the layers are gone through; those of one pattern by
            their number.
        residual: what the network has to predict here; None where it has no choice.
        negated: its last layer gives the negative of what the network's here gives.
        row_by_row: its four sub-images of a plane are (0, 0), (0, 1), (1, 0), (1, 1); FFDNet's own are column by column.
        epsilon: of its batch norms, by the layers that it has.
    """

    program: str
    network: type[nn.Module]
    layers: tuple[str, ...]
    residual: bool | None = None
    negated: bool = False
    row_by_row: bool = False
    epsilon: Callable[[Mapping[str, dict[str, Tensor]]], float] = lambda layers: 1e-5

    def order(self, names: Sequence[str]) -> list[str] | None:
        """Names of layers in the order of the network; None where one of them is none of this program's."""
        places = []
        for name in names:
            for place, pattern in enumerate(self.layers):
                if match := re.fullmatch(pattern, name):
                    places.append((place, *(int(number) for number in match.groups()), name))
                    break
            else:
                return None
        return [str(place[-1]) for place in sorted(places)]


def _authors_epsilon(layers: Mapping[str, dict[str, Tensor]]) -> float:
    """DnCNN's authors' first convolution has a bias, and their batch norms 1e-4; SaoYan's has none, and torch's 1e-5."""
    return 1e-4 if "bias" in layers["dncnn.0"] else 1e-5


LAYOUTS = (
    Layout("KAIR", DnCNN, (r"model\.(\d+)",), residual=True, epsilon=lambda layers: 1e-4),
    Layout("KAIR", FDnCNN, (r"model\.(\d+)",), residual=False, epsilon=lambda layers: 1e-4),
    Layout("KAIR", FFDNet, (r"model\.(\d+)",), row_by_row=True, epsilon=lambda layers: 1e-4),
    Layout("deepinv", DnCNN, ("in_conv", r"conv_list\.(\d+)", "out_conv"), residual=True, negated=True),
    Layout("DnCNN-PyTorch", DnCNN, (r"dncnn\.(\d+)",), residual=True, epsilon=_authors_epsilon),
    Layout("pytorch-vdsr", VDSR, ("input", r"residual_layer\.(\d+)\.conv", "output"), residual=True),
)


def unwrapped(state: State, network: nn.Module) -> tuple[State, Layout | None]:
    """A state dict without the prefixes that wrappers put before every key, and whose it then is.

    It is unwrapped until its keys are the network's own (``module.body.0.weight``) or of a known program
    (``module.model.0.weight``); where they never are, it is returned as it came.

    Returns:
        The state, and the first layout by which its layers have names, for whichever of the networks that have layouts;
        None where it is the network's own, nobody's, or the network has none.
    """
    own, current = network.state_dict().keys(), state
    known = LAYOUTS if any(type(network) is each.network for each in LAYOUTS) else ()
    while True:
        if not own.isdisjoint(current):
            return current, None
        names = list(_layers(current))
        if layout := next((each for each in known if each.order(names)), None):
            return current, layout
        first = next(iter(current)).partition(".")[0]
        if first not in WRAPPERS or any(not key.startswith(f"{first}.") for key in current):
            return state, None
        current = {key.removeprefix(f"{first}."): value for key, value in current.items()}


def layout_for(network: nn.Module, layout: Layout) -> Layout:
    """The layout of that program for a network here.

    Raises:
        ValueError: the program's keys are not known to be this network's, or it predicts something else.
    """
    same = [each for each in LAYOUTS if (each.program, each.layers) == (layout.program, layout.layers)]
    own = next((each for each in same if type(network) is each.network), None)
    if own is None:
        networks = " or ".join(each.network.__name__ for each in same)
        raise ValueError(f"has the keys of {layout.program}'s {networks}, and this network is {type(network).__name__}")
    if own.residual is not None and getattr(network, "residual", own.residual) != own.residual:
        predicted = "what is to be taken away" if own.residual else "the restored image itself"
        wanted = str(own.residual).lower()
        raise ValueError(f"is {layout.program}'s, which predicts {predicted}: model.residual={wanted}")
    return own


def translate(state: State, layout: Layout, with_batch_norm: bool) -> list[dict[str, Tensor]]:
    """The tensors of each layer as the network here has them, in its order.

    Args:
        with_batch_norm: leave batch norms, a convolution's bias before one moved into its mean, and what their
            epsilon is more than torch's into their variance; otherwise they are merged into the convolutions.

    Raises:
        ValueError: a layer that is neither a convolution nor a batch norm after one.
    """
    layers = _layers(state)
    names = layout.order(list(layers))
    assert names is not None
    epsilon = layout.epsilon(layers)
    translated: list[dict[str, Tensor]] = []
    for name in names:
        layer = layers[name]
        if "running_mean" in layer:
            if not translated or "running_mean" in translated[-1] or not set(layer) >= BATCH_NORM:
                raise ValueError(f"has in {name} a batch norm without a convolution before it, or without its numbers")
            before = translated[-1]
            normalised = layer | {"running_mean": layer["running_mean"] - before.pop("bias", 0)}
            if with_batch_norm:
                normalised["running_var"] = layer["running_var"] + (epsilon - 1e-5)
                translated.append({"num_batches_tracked": torch.tensor(0)} | normalised)
            else:
                gain = layer["weight"] / (layer["running_var"] + epsilon).sqrt()
                before["weight"] = before["weight"] * gain.view(-1, 1, 1, 1)
                before["bias"] = layer["bias"] - normalised["running_mean"] * gain
        elif set(layer) <= CONVOLUTION and layer.get("weight", torch.empty(0)).dim() == 4:
            translated.append(dict(layer))
        else:
            raise ValueError(f"has in {name} {', '.join(layer)}, which are neither a convolution's nor a batch norm's")
    if layout.negated:
        translated[-1] = {key: -value for key, value in translated[-1].items()}
    if layout.row_by_row:
        first, last = translated[0], translated[-1]
        planes = len(last["weight"]) // 4
        first["weight"] = torch.cat([_transposed(first["weight"], 1, planes), first["weight"][:, 4 * planes :]], dim=1)
        translated[-1] = {key: _transposed(value, 0, planes) for key, value in last.items()}
    return translated


def _transposed(tensor: Tensor, axis: int, planes: int) -> Tensor:
    """Sub-images of each plane along an axis in the other order, what is behind them left out."""
    order = [4 * plane + place for plane in range(planes) for place in (0, 2, 1, 3)]
    return tensor.index_select(axis, torch.tensor(order))


def _layers(state: State) -> dict[str, dict[str, Tensor]]:
    layers: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        layer, _, name = key.rpartition(".")
        layers.setdefault(layer, {})[name] = value
    return layers
