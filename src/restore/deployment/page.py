"""One web page that restores photographs offline: the network, onnxruntime-web and the page itself in one HTML file."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from restore.deployment.card import Card
from restore.errors import RequestError
from restore.files import check_regular

BUNDLE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
PLACES = (".", "dist", "onnxruntime-web/dist", "node_modules/onnxruntime-web/dist")  # of the two, below a folder
INSTALL = "npm install onnxruntime-web@1.30"
# what a person sets of each condition, in the units of its slider, and what of the unit range one of these is
SLIDERS: dict[str, dict[str, Any]] = {
    "sigma": {"label": "Noise (sigma, levels of 255)", "least": 0, "most": 75, "step": 1, "start": 25, "unit": 1 / 255},
    "read_noise": {"label": "Read noise (levels)", "least": 0, "most": 30, "step": 0.5, "start": 5, "unit": 1 / 255},
    "gain": {"label": "Gain (levels)", "least": 0, "most": 25, "step": 0.1, "start": 2.5, "unit": 1 / 255},
    "quality": {"label": "JPEG quality", "least": 1, "most": 100, "step": 1, "start": 30, "unit": 1},
    "scale": {"label": "Scale", "least": 2, "most": 4, "step": 1, "start": 2, "unit": 1},
}


@dataclass(frozen=True)
class Runtime:
    """The two files of onnxruntime-web that a page holds: its script, which brings its own glue, and its WebAssembly."""

    script: bytes
    wasm: bytes

    @classmethod
    def read(cls, folder: Path) -> Runtime:
        """The files in a folder, or where npm puts them below it.

        Raises:
            RequestError: they are not there, or cannot be read.
        """
        for place in (folder / name for name in PLACES):
            if (place / BUNDLE).is_file() and (place / WASM).is_file():
                try:
                    for name in (BUNDLE, WASM):
                        check_regular(place / name)
                    return cls((place / BUNDLE).read_bytes(), (place / WASM).read_bytes())
                except (OSError, ValueError) as error:
                    raise RequestError(f"wasm={folder}: {place} cannot be read ({error})") from error
        raise RequestError(f"wasm={folder} has no {BUNDLE} and {WASM}: {INSTALL}, and name its folder dist")


def build_page(onnx: bytes, card: Card, runtime: Runtime) -> bytes:
    """The page of a network: HTML that fetches nothing, its content security policy forbids it.

    The WebAssembly is gzipped (of 14 MB a quarter is left) and unpacked in the page; a worker computes,
    a tile after the other, so that memory is bounded and the page stays alive.

    Args:
        onnx: the network's ONNX file.

    Raises:
        RequestError: the network is told maps or kernels, which nobody can type, or restores whole images alone.
    """
    unsettable = [name for name, form in card.conditions.items() if form != "value" or name not in SLIDERS]
    if unsettable:
        raise RequestError(f"format=page has no way to say {unsettable[0]}, which model={card.model} is told")
    if card.reach is None:
        raise RequestError(
            f"format=page restores tiles, and model={card.model} cannot be applied in tiles: "
            "its output depends on more than its receptive field"
        )
    sliders = {name: SLIDERS[name] for name in card.conditions if not (name == "scale" and card.scale != (1,))}
    facts = {**asdict(card), "sliders": sliders}
    parts = {
        "TITLE": html.escape(f"{card.weights or card.model}: {card.task}"),
        "STYLE": _asset("page.css"),
        "SCRIPT": _asset("page.js"),
        "WORKER": _asset("worker.js"),
        "CARD": json.dumps(facts).replace("<", "\\u003c"),
        "NETWORK": _text(onnx),
        "RUNTIME": _text(runtime.script),
        "WASM": _text(gzip.compress(runtime.wasm, 9, mtime=0)),
    }
    # in one pass: what a card or a script holds is no place of the page's own
    return re.sub(r"%([A-Z]+)%", lambda place: parts[place[1]], _asset("page.html")).encode()


def _asset(name: str) -> str:
    return (resources.files("restore.deployment") / "page" / name).read_text(encoding="utf-8")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
