"""Bundled photographs, degraded and restored by each network that comes with the package: ``make try``.

    python -m restore.demo [out=runs/try] [networks=denoise_gray,super_resolution]

Each network gets scikit-image's test photographs, degraded as its own task is tested (in the middle of its strengths), and
is scored by protocol dncnn. Draws one sheet, clean | degraded | restored, a crop of 160 pixels each, writes every restored
photograph whole beside it, and prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from restore import photos
from restore.application.network import TrainedNetwork, load_network
from restore.config.arguments import read
from restore.config.build import build_protocols, build_settings, test_channels
from restore.config.commands import Demo
from restore.config.compose import compose
from restore.config.metrics import build_metrics
from restore.data import datasets
from restore.data.datasets import WholeImage
from restore.errors import report_errors, unknown_name
from restore.evaluation.protocol import Setting
from restore.evaluation.score import Restoration, score_image
from restore.image import to_levels
from restore.photos import Photo
from restore.results.panels import Panel, Row
from restore.results.panels import compose as compose_panels
from restore.results.panels import write as write_panels
from restore.results.quantities import quantity
from restore.results.tables import markdown
from restore.runfolder import shipped_runs

SET = "photographs"
CROP = 160  # pixels
CENTRES = {"astronaut": (0.2, 0.42), "camera": (0.28, 0.45), "coffee": (0.35, 0.5)}  # of what there is to be seen


@dataclass(frozen=True)
class Trial:
    """One photograph through one network."""

    network: str
    setting: str
    image: str
    restoration: Restoration


def main(arguments: list[str]) -> None:
    words = read(__doc__ or "", Demo, arguments)
    names = shipped_runs() if words.networks is None else words.networks
    if unknown := next((name for name in names if name not in shipped_runs()), None):
        raise unknown_name("network", unknown, shipped_runs())
    out = Path(words.out).expanduser()
    found = [trial for name in names for trial in trials(name)]
    for trial in found:
        keep(trial, out)
    print(table(found))
    print(write_panels(partial(compose_panels, sheet_rows(found), "make try"), out / "sheet.png"))


def trials(name: str) -> Iterator[Trial]:
    """The test photographs through one network, by protocol ``dncnn``."""
    trained, scoring = load_network(name), compose("evaluate", [])
    protocol, metrics = build_protocols(scoring)[0], build_metrics(scoring)
    setting = middle(trained)
    channels = test_channels(trained.config.task)
    images = datasets.read(datasets.find(SET, None, channels, training=False), channels)
    device = next((parameter.device for parameter in trained.network.parameters()), torch.device("cpu"))
    for index, (image, levels) in enumerate(zip(images.names, images.images, strict=True)):
        whole = WholeImage(SET, image, index, levels[None].to(device))
        yield Trial(name, setting.name, image, score_image(trained.network, whole, protocol, setting, metrics))


def middle(trained: TrainedNetwork) -> Setting:
    """The middle of the strengths that a network's task is tested at."""
    settings = build_settings(trained.config.task)
    return settings[len(settings) // 2]


def keep(trial: Trial, out: Path) -> None:
    """Write the restored photograph."""
    levels = _levels(trial.restoration.restored)
    target = out / trial.network / f"{trial.image}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    photos.write(Photo(levels[..., 0].copy() if levels.shape[2] == 1 else levels.copy()), target)


def table(found: Sequence[Trial]) -> str:
    """A line per network and photograph."""
    rows = []
    for trial in found:
        first, *_ = trial.restoration.scores
        known = quantity(first.metric)
        rows.append((trial.network, trial.setting, trial.image, known.text(first.value_input), known.text(first.value)))
    return markdown(("network", "setting", "photograph", "degraded, PSNR dB", "restored, PSNR dB"), rows)


def sheet_rows(found: Sequence[Trial]) -> list[Row]:
    """A row of panels per network: two photographs, clean | degraded | restored."""
    rows: dict[tuple[str, str], list[list[Panel]]] = {}
    for trial in found:
        first, *_ = trial.restoration.scores
        known, pair = quantity(first.metric), trial.restoration.pair
        states = {
            trial.image: (pair.clean, ""),
            "degraded": (pair.degraded, known.caption(first.value_input)),
            "restored": (trial.restoration.restored, known.caption(first.value)),
        }
        panels = [
            Panel(_crop(image, trial.image), tuple(filter(None, (label, value))))
            for label, (image, value) in states.items()
        ]
        rows.setdefault((trial.network, trial.setting), []).append(panels)
    return [
        Row(f"{network}, {setting}", tuple(panel for panels in images[:2] for panel in panels))
        for (network, setting), images in rows.items()
    ]


def _crop(image: Tensor, name: str) -> Image.Image:
    levels = _levels(image)
    down, right = CENTRES.get(name, (0.5, 0.5))
    top, left = (
        round(min(max(0.0, share * side - CROP / 2), max(0, side - CROP)))
        for share, side in ((down, levels.shape[0]), (right, levels.shape[1]))
    )
    part = levels[top : top + CROP, left : left + CROP]
    return Image.fromarray(part[..., 0] if part.shape[2] == 1 else part)


def _levels(image: Tensor):
    """``(H, W, C)``, 8 bits."""
    return to_levels(image.float().cpu().clamp(0, 1))[0].permute(1, 2, 0).numpy()


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])
