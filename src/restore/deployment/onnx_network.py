"""An ONNX file as a network: onnxruntime computes it, and it is called as the networks here are."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restore.conditions import told
from restore.deployment.card import KEY, Card
from restore.errors import RequestError
from restore.files import check_regular
from restore.models.reach import Reach


def required(*packages: str) -> None:
    """Refuse what needs packages that are not installed.

    Raises:
        RequestError: which one, and the extra that brings it.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise RequestError(f"{package} is not installed: pip install -e '.[onnx]'")


class OnnxNetwork:
    """``restored = session(degraded, conditions)``, in float32, whatever computes it.

    Args:
        file: written by ``python -m restore.export``, or its bytes.
        threads: of onnxruntime; 0 for one a core.
        device: ``cpu``, or ``cuda`` where onnxruntime-gpu is installed.

    Attributes:
        card: what the file says of its network.
        conditions: that it is told, in `restore.conditions`' sense.
        reach: of its tiles; None where it restores whole images alone.

    Shape:
        ``(N, C, H, W)`` to the same, on the device of the image.

    Raises:
        RequestError: onnxruntime is not installed, cannot use the device, or the file is none of restore's.
    """

    def __init__(self, file: str | Path | bytes, threads: int = 0, device: str = "cpu"):
        required("onnxruntime")
        import onnxruntime

        name = "the ONNX file" if isinstance(file, bytes) else str(file)
        try:
            if not isinstance(file, bytes):
                check_regular(Path(file))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = threads, 3
            provider = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
            if provider not in onnxruntime.get_available_providers():
                raise RequestError(f"this onnxruntime has no {provider}: pip install onnxruntime-gpu")
            content = file if isinstance(file, bytes) else Path(file).read_bytes()
            self.session = onnxruntime.InferenceSession(content, options, providers=[provider])
            self.card = Card.from_json(self.session.get_modelmeta().custom_metadata_map.get(KEY, "null"))
        except RequestError:
            raise
        except Exception as error:  # the system's, JSON's, and onnxruntime's, which has no base class of its own
            raise RequestError(f"{name} is no ONNX file of restore's that can be read ({_line(error)})") from error
        self.conditions = tuple(self.card.conditions)
        self.reach = Reach(*self.card.reach) if self.card.reach else None

    def __call__(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        if degraded.dim() != 4 or degraded.shape[1] != self.card.channels:
            raise RequestError(
                f"this network restores images (N, {self.card.channels}, H, W), and is given {tuple(degraded.shape)}"
            )
        inputs = {"image": degraded} | conditions
        arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in inputs.items()}
        (restored,) = self.session.run(["restored"], arrays)
        return torch.from_numpy(restored).to(degraded.device)


class OnnxBacked(nn.Module):
    """A network that onnxruntime computes, and that is else what it was: its weights, layers and reach can be counted.

    Args:
        network: what was exported.
        onnx: its file.

    Shape:
        as of the network's; the session is on the CPU unless `onnx` says otherwise.
    """

    def __init__(self, network: nn.Module, onnx: OnnxNetwork):
        super().__init__()
        self.network, self.onnx, self.conditions = network, onnx, told(network)
        self.channels = onnx.card.channels

    def forward(self, degraded: Tensor, **conditions: Tensor) -> Tensor:
        if degraded.is_meta:  # it is counted
            return self.network(degraded, **conditions)
        return self.onnx(degraded, **conditions)

    def __deepcopy__(self, memo: dict[int, Any]) -> OnnxBacked:
        return OnnxBacked(copy.deepcopy(self.network, memo), self.onnx)  # a session cannot be copied


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
