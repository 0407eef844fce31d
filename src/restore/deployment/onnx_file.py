"""A network as an ONNX file: any size, conditions as inputs, compared with the network before it is written."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from restore.conditions import apply_network, stand_in, told
from restore.deployment.card import KEY, Card, forms
from restore.deployment.onnx_network import OnnxBacked, OnnxNetwork, required
from restore.errors import RequestError
from restore.models.csf import CSF
from restore.models.red import Deconvolution
from restore.models.tnrd import TNRD

OPSET = 20
TOLERANCE = 1e-4  # of [0, 1], by which network and file may differ
SIZES = ((1, 37, 53), (2, 64, 41), (1, 101, 90))  # images, height and width that they are compared on
LARGEST = 2**31 - 1  # bytes of a protobuf
FORMLESS = {CSF: "it divides in the Fourier domain", TNRD: "it reads its functions from tables"}


def to_onnx(network: nn.Module, card: Card) -> tuple[bytes, float]:
    """The bytes of the ONNX file of a network, and by how much it differs from the network at most.

    Its inputs are ``image`` ``(N, C, H, W)``, float32 in [0, 1] with N, H and W free, and one for each condition that
    the network is told, by its name (`restore.conditions`); its output is ``restored``, neither clipped nor
    rounded. The card stands in its metadata.

    Args:
        network: on the CPU, in evaluation mode.

    Raises:
        RequestError: the extra ``onnx`` is not installed, the network has no form in ONNX, or the file restores
            something else than the network: by more than 1e-4 on images of odd sizes.
    """
    required("onnx", "onnxscript", "onnxruntime")
    for kind, reason in FORMLESS.items():
        if any(isinstance(module, kind) for module in network.modules()):
            raise RequestError(f"model={card.model} has no form in ONNX here: {reason}")
    content = _traced(network, card)
    difference = max(differences(network, OnnxNetwork(content), card.channels))
    if not difference <= TOLERANCE:
        raise RequestError(
            f"model={card.model} is not exported: its ONNX file differs from it by {difference:.1g} of [0, 1], and "
            f"at most {TOLERANCE:.0e} is allowed"
        )
    return content, difference


def with_onnx(network: nn.Module, channels: int, name: str, device: str = "cpu") -> OnnxBacked:
    """The same network, computed by onnxruntime: ``restore.apply backend=onnx``.

    Args:
        network: on the CPU, in evaluation mode.
        name: in ``conf/model``, for sentences.
        device: that onnxruntime computes on, ``cpu`` in as many threads as torch has, or ``cuda``.

    Raises:
        RequestError: as of `to_onnx`.
    """
    content, _ = to_onnx(network, Card(name, "", channels, forms(network)))
    return OnnxBacked(network, OnnxNetwork(content, torch.get_num_threads(), device))


def differences(network: nn.Module, other: OnnxNetwork, channels: int) -> Iterator[float]:
    """The largest difference of a network and its file on random images of each of `SIZES`, odd sides among them."""
    generator = torch.Generator().manual_seed(0)
    for count, height, width in SIZES:
        image = torch.rand(count, channels, height, width, generator=generator)
        conditions = {
            name: value * (0.5 + torch.rand(value.shape, generator=generator))
            for name, value in stand_in(told(network), image).items()
        }
        with torch.no_grad():
            expected = apply_network(network, image, conditions)
        yield (apply_network(other, image, conditions) - expected).abs().max().item()


def _traced(network: nn.Module, card: Card) -> bytes:
    image = torch.rand(2, card.channels, 65, 70)  # two images: one would be taken for a constant
    conditions = stand_in(card.conditions, image)
    free = torch.export.Dim.DYNAMIC
    shapes = [{0: free, 2: free, 3: free}, *({0: free} | _sides(c) for c in conditions.values())]
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                _Positional(network, tuple(conditions)),
                (image, *conditions.values()),
                input_names=["image", *conditions],
                output_names=["restored"],
                dynamic_shapes=(shapes[0], *([tuple(shapes[1:])] if conditions else [])),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except Exception as error:  # of the exporter, of which each step has its own
            said = next((line for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
            raise RequestError(f"model={card.model} has no form in ONNX here ({' '.join(said.split())})") from error
    assert program is not None
    proto = program.model_proto
    proto.producer_name, proto.producer_version = "restore", card.version
    entry = proto.metadata_props.add()
    entry.key, entry.value = KEY, card.to_json()
    if proto.ByteSize() > LARGEST:
        raise RequestError(f"model={card.model} is of {proto.ByteSize():,} bytes, and an ONNX file has at most 2 GB")
    return proto.SerializeToString()


def _sides(condition: Tensor) -> dict[int, object]:
    """The free axes of a condition behind the first."""
    free = torch.export.Dim.DYNAMIC
    return {axis: free for axis in range(condition.dim()) if axis >= condition.dim() - 2 and axis > 0}


class _Positional(nn.Module):
    """A network whose conditions come in the order of their names, and whose transposed convolutions have an ONNX form."""

    def __init__(self, network: nn.Module, names: Sequence[str]):
        super().__init__()
        self.network, self.names = copy.deepcopy(network), tuple(names)
        for module in self.network.modules():
            if isinstance(module, nn.ConvTranspose2d) and not (
                isinstance(module, Deconvolution) and module.stride == (1, 1)
            ):
                module.__class__ = type("Cropped", (_Cropped, type(module)), {})

    def forward(self, image: Tensor, *conditions: Tensor) -> Tensor:
        return self.network(image, **dict(zip(self.names, conditions, strict=True)))


class _Cropped(nn.ConvTranspose2d):
    """A transposed convolution of any output size: as large as its stride can make it, then cropped.

    The output's padding adds rows and columns behind the last ones and changes none before, and in ONNX it is
    a constant, where torch computes it from the size that is asked for.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        padding = [stride - 1 for stride in self.stride]
        restored = nn.functional.conv_transpose2d(
            x, self.weight, self.bias, self.stride, _plain(self.padding), padding, self.groups, self.dilation
        )
        if output_size is None:
            return restored[..., : restored.shape[-2] - padding[0], : restored.shape[-1] - padding[1]]
        return restored[..., : output_size[-2], : output_size[-1]]


def _plain(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    assert not isinstance(padding, str), "transposed convolutions have none by name"
    return padding


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own steps, and of torchvision, which nothing here needs."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
