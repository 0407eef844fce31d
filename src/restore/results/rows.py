"""The end of a run: rows, tables, pictures, ``result.json`` and one summary line."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from restore.data.datasets import Images
from restore.evaluation.baselines import Baseline
from restore.evaluation.protocol import Protocol, Setting
from restore.evaluation.score import Score, score_set, sort_scores
from restore.results import figures, store
from restore.results import tables as table
from restore.results.figures import Picture

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunMetadata:
    """The columns of ``results.csv`` that are the same for every row of a run."""

    run: str
    experiment: str
    task: str
    model: str
    seed: int
    budget: str
    patches: int
    precision: str
    checkpoint_sha256: str = ""


class Gallery:
    """Keeps the first tested images of the first set, setting and protocol, to be drawn."""

    def __init__(self, size: int = 3):
        self.size, self.place = size, None
        self.pictures: list[Picture] = []

    def keep(self, score: Score, degraded: Tensor, restored: Tensor, clean: Tensor) -> None:
        self.place = self.place or (score.protocol, score.dataset, score.setting)
        if (score.protocol, score.dataset, score.setting) == self.place and len(self.pictures) < self.size:
            states = (image.cpu() for image in (clean, degraded, restored))
            self.pictures.append(Picture(score.image, *states, score.psnr_input, score.psnr))


def rows(scores: Sequence[Score], facts: RunMetadata, overlaps: dict[str, dict[str, str]] | None) -> list[dict]:
    """Complete rows of ``results.csv``.

    Args:
        overlaps: of each set, the test images that the training set contains; None where what was
            trained on is not known.
    """
    commit = store.commit()
    complete = []
    for score in scores:
        found = "unknown" if overlaps is None else overlaps[score.dataset].get(score.image, "none")
        complete.append(asdict(facts) | score.row() | {"overlap": found, "commit": commit})
    return complete


def check_baselines(names: Sequence[str], settings: Sequence[Setting]) -> None:
    """Refuse, before anything is trained, what `classical_rows` could not score after.

    Raises:
        RequestError: an unknown method, or one for another kind of degradation.
    """
    for name in names:
        for setting in settings:
            Baseline(name, setting)


def classical_rows(
    names: Sequence[str],
    tests: Sequence[Images],
    protocols: Sequence[Protocol],
    settings: Sequence[Setting],
    facts: RunMetadata,
    overlaps: dict[str, dict[str, str]] | None,
) -> list[dict]:
    """Rows of classical methods on the same test pairs; they are told sigma, kernel or mask, a network is not."""
    found = []
    for name in names:
        scores = []
        for protocol in protocols:
            for setting in settings:
                method = Baseline(name, setting)
                for images in tests:
                    scores += score_set(method, images, protocol, setting)
        scores = sort_scores(scores, [images.name for images in tests])
        found += rows(scores, replace(facts, model=name, checkpoint_sha256=""), overlaps)
    return found


def tables(all_rows: Sequence[dict], protocols: Sequence[Protocol], settings: Sequence[Setting]) -> str:
    """A table per image where a set is small, one of the means, and what the protocols' names stand for."""
    parts = []
    groups: dict[tuple, list[dict]] = {}
    for row in all_rows:
        groups.setdefault((row["dataset"], row["setting"], row["protocol"]), []).append(row)
    for (dataset, setting, protocol), group in groups.items():
        if len({row["image"] for row in group}) <= 14:
            overlaps = sorted({row["image"] for row in group if row["overlap"] not in ("none", "unknown")})
            said = "training images not known" if group[0]["overlap"] == "unknown" else "none"
            where = f"{dataset} {setting}, protocol {protocol}"
            parts.append(f"{where}, overlap with training: {', '.join(overlaps) or said}")
            parts.append(table.images_table(group))
    means = store.means(all_rows)
    parts.append(table.means_table(means))
    if differences := protocol_differences(means):
        parts.append("\n".join(differences))
    families = dict.fromkeys(setting.family for setting in settings)
    parts.append("\n".join(f"protocol {one.describe(family)}" for one in protocols for family in families))
    return "\n\n".join(parts)


def protocol_differences(means: Sequence[dict]) -> list[str]:
    """What each further protocol gives beside the first one, a line per set, setting and network."""
    first: dict[tuple, dict] = {}
    lines = []
    for mean in means:
        key = (mean["dataset"], mean["setting"], mean["model"])
        reference = first.setdefault(key, mean)
        if reference is not mean:
            psnr, ssim = mean["psnr"] - reference["psnr"], mean["ssim"] - reference["ssim"]
            what = f"{mean['protocol']} against {reference['protocol']} on {' '.join(key)}"
            lines.append(f"{what}: {psnr:+.3f} dB, SSIM {ssim:+.4f}")
    return lines


def margins(means: Sequence[dict], model: str) -> list[str]:
    """How far the network is ahead of the best classical method, a line per set and setting."""
    lines = []
    for mean in means:
        others = [
            other
            for other in means
            if other["model"] != model and all(other[key] == mean[key] for key in ("dataset", "setting", "protocol"))
        ]
        if mean["model"] == model and others:
            best = max(others, key=lambda other: other["psnr"])
            difference = mean["psnr"] - best["psnr"]
            where = f"{mean['dataset']} {mean['setting']}"
            against = best["model"].replace("_", " ")
            lines.append(
                f"{model} against {against} on {where}: {difference:+.2f} dB ({mean['psnr']:.2f} against {best['psnr']:.2f})"
            )
    return lines


def write_result(folder: Path, **result) -> None:
    """``result.json``: the run's state and objective, written atomically."""
    partial = folder / ".result.json"
    partial.write_text(json.dumps(result, indent=1) + "\n")
    partial.replace(folder / "result.json")


def draw(folder: Path, gallery: Gallery, title: str) -> list[Path]:
    """The picture sheet and the PSNR over training, where there is something to draw."""
    drawn = []
    if gallery.pictures:
        drawn.append(folder / "sheet.png")
        figures.sheet(gallery.pictures, f"{title}; {', '.join(gallery.place)}", drawn[-1])
    if (history := folder / "history.csv").is_file():
        drawn.append(folder / "psnr.png")
        figures.psnr_over_training(history, title, drawn[-1])
    return drawn
