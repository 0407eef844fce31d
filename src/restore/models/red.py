"""RED-Net: convolutional encoder and deconvolutional decoder with symmetric skip connections.

X.-J. Mao, C. Shen, Y.-B. Yang, "Image Restoration Using Convolutional Auto-encoders with Symmetric
Skip Connections", arXiv 1606.08921.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from torch import Tensor, cat, nn
from torch.nn.functional import conv2d, relu

from restore.bounds import Count, Start, Whole
from restore.models.layers import check, check_maps, check_skips, condition_maps, he_normal_, skips_between, start_last_
from restore.models.red_released import layer_names, read_weights


class Deconvolution(nn.ConvTranspose2d):
    """A transposed convolution; one of stride 1 is computed as the convolution it is.

    Its output is that of a convolution with the filters turned by 180° and their two channel axes
    swapped; oneDNN computes that form 1.4 times as fast, forward and backward.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if self.stride != (1, 1):
            return super().forward(x, output_size)
        turned = self.weight.transpose(0, 1).flip(2, 3)  # (out, in, k, k)
        return conv2d(x, turned, self.bias, padding=self.kernel_size[0] - 1 - int(self.padding[0]))


class REDNet(nn.Module):
    """RED10, RED20, RED30 and their ablations: ``restored = degraded + decoder(encoder(degraded))``.

    With n = depth / 2 convolutions c1..cn and deconvolutions d1..dn (all ``kernel_size`` squared,
    zero padding, bias, ReLU after each but dn) and skip step s, for every k·s < n the map of c(k·s)
    is added to that of d(n − k·s) (section 3 and the authors' released definition). A stride of 2 at
    ci is mirrored at d(n + 1 − i) (section 4.5).

    Args:
        channels: image channels, 1 or 3.
        depth: layers in all, even, at least 2 (the paper: 10, 20, 30).
        width: feature maps of every hidden layer (the ablations: 64; the released network: 128).
        kernel_size: odd filter size (the paper: 3; Fig. 10: 3, 5, 7, 9).
        skip_step: a skip every so many layers (the paper: 2), so few that there is one; 0 for none, as in RED10.
        skip_kind: ``mirrored``, or ``residual`` for Fig. 7's other network: He et al.'s blocks one
            after the other, each of `skip_step` hidden layers, ``relu(x + layers(x))``.
        downsample: numbers (from 1) of the convolutions of stride 2 (Fig. 8: 1, 5, 9, or 5 and 9).
        residual: True adds the input to the output; False learns the clean image itself, so that
            with a skip step of 0 nothing is added to anything (Figs. 2 and 6, section 3.4).
        last_layer: how it starts: ``zero``, near zero, or ``he``, as the others do.
        padding: None pads so that every map keeps the image's size. 0 pads nothing: each convolution
            takes ``kernel_size − 1`` pixels off a side, and each deconvolution puts them on again.
        conditions: what it is told, a map each in this order behind the image, as FDnCNN is: ``sigma``, or
            other values and maps of `restore.conditions`. None by default, as in the paper.

    Shape:
        ``(N, C, H, W)`` and each condition ``(N,)`` or ``(N, 1, H, W)``, in units of the image
        (sigma / 255), to ``(N, C, H, W)``, any H and W; without padding, of more than
        ``n · (kernel_size − 1)`` each.

    Raises:
        ValueError: an argument is out of its range, or a condition is a kernel.

    Deviation: the released program applies a ReLU after each sum as well; both terms are already
    non-negative, so it changes nothing and is left out. The paper does not state its initialisation:
    hidden layers follow He et al. 2015, and the last layer starts near zero by default, so that a
    network that adds its input starts from the identity. That its network of Fig. 2, which
    "down-samples the content", pads nothing is our reading: padded, at stride 1, a deconvolution is a
    convolution, and 5 + 5 layers are the 10 convolutions that they are compared with.
    """

    def __init__(
        self,
        channels: Count = 1,
        depth: Count = 30,
        width: Count = 64,
        kernel_size: Count = 3,
        skip_step: Whole = 2,
        skip_kind: Literal["mirrored", "residual"] = "mirrored",
        downsample: Sequence[Count] = (),
        residual: bool = True,
        last_layer: Start = "zero",
        padding: Whole | None = None,
        conditions: Sequence[str] = (),
    ):
        super().__init__()
        half = depth // 2
        check(depth, kernel_size, width, even=True)
        if skip_kind not in ("mirrored", "residual"):
            raise ValueError(f"model.skip_kind must be mirrored or residual, and it is '{skip_kind}'")
        # what is skipped over: half of the layers, or blocks of all the hidden ones
        skipped = depth - 1 if skip_kind == "residual" else half
        check_skips(skipped, skip_step)
        if not set(downsample) <= set(range(1, half + 1)):
            raise ValueError(f"model.downsample must name convolutions from 1 to {half}, and it is {list(downsample)}")
        if downsample and skip_kind == "residual":
            raise ValueError("model.skip_kind=residual adds maps of one size: leave model.downsample out")
        if padding not in (None, 0):
            raise ValueError(f"model.padding must be null (each map keeps its size) or 0, and it is {padding}")
        if padding == 0 and (downsample or skip_kind == "residual"):
            other = "model.downsample" if downsample else "model.skip_kind=residual"
            raise ValueError(f"model.padding=0 changes the size of every map: leave {other} out")
        pixels = kernel_size // 2 if padding is None else padding
        self.conditions = check_maps(conditions)
        sizes = [channels] + [width] * half
        seen = [channels + len(self.conditions)] + [width] * half  # what each convolution reads
        strides = [2 if number in downsample else 1 for number in range(1, half + 1)]
        self.encoder = nn.ModuleList(
            nn.Conv2d(seen[i], sizes[i + 1], kernel_size, strides[i], pixels) for i in range(half)
        )
        self.decoder = nn.ModuleList(
            Deconvolution(sizes[i + 1], sizes[i], kernel_size, strides[i], pixels) for i in reversed(range(half))
        )
        self.channels, self.skip_kind, self.residual = channels, skip_kind, residual
        # numbers (from 1) of the convolutions whose maps are handed across, or of the hidden layers that end a block
        self.skips = skips_between(skipped, skip_step)
        for layer in [*self.encoder, *self.decoder]:
            he_normal_(layer)
        start_last_(self.decoder[-1], last_layer)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a network that the authors trained, from its ``.caffemodel``.

        Its layers with weights are ``conv1`` … ``conv<n>`` and ``deconv1`` … ``deconv<n>``; n, channels, width and
        filter size are the file's. A skip every two layers (none where n is at most 2), zero padding and the
        input that is added are the released definition's and program's, whatever the file says of them.

        The released program runs Caffe from MATLAB, which hands it an image with rows and columns exchanged;
        here an image keeps them, so the last two axes of every kernel are swapped.

        Raises:
            ValueError: the file is no Caffe file, or a layer is missing, misnamed, of another type, or of
                another size than the first layer asks for.
        """
        weights = read_weights(path)
        width, channels, kernel_size, _ = weights["conv1"][0].shape
        half = len(weights) // 2
        try:
            network = cls(channels, 2 * half, width, kernel_size, skip_step=2 if half > 2 else 0)
        except ValueError as error:
            raise ValueError(f"{path} is no network that can be built: {error}") from error
        for name, layer in zip(layer_names(half), [*network.encoder, *network.decoder], strict=True):
            weight, bias = weights[name]
            layer.weight.data.copy_(weight.transpose(2, 3))
            layer.bias.data.copy_(bias)
        return network

    def forward(self, degraded: Tensor, *values: Tensor, **named: Tensor) -> Tensor:
        maps = condition_maps(self.conditions, values, named, degraded)
        seen = cat([degraded, maps], dim=1) if self.conditions else degraded
        output = self._blocks(seen) if self.skip_kind == "residual" else self._mirrored(seen)
        return degraded + output if self.residual else output

    def _mirrored(self, x: Tensor) -> Tensor:
        maps, shapes = [], []
        for number, convolution in enumerate(self.encoder, start=1):
            shapes.append(x.shape[-2:])
            x = relu(convolution(x))  # (N, width, H, W), each side halved, rounded up, at a stride
            if number in self.skips:
                maps.append(x)
        half = len(self.decoder)
        for number, deconvolution in enumerate(self.decoder[:-1], start=1):
            x = relu(deconvolution(x, shapes.pop()))
            if half - number in self.skips:
                x = x + maps.pop()
        return self.decoder[-1](x, shapes.pop())

    def _blocks(self, x: Tensor) -> Tensor:
        first, *hidden, last = [*self.encoder, *self.decoder]
        start = x = relu(first(x))
        for number, layer in enumerate(hidden, start=1):
            x = layer(x)
            if number in self.skips:
                x = start = relu(x + start)
            else:
                x = relu(x)
        return last(x)
