"""Complete rows of ``results.csv``: what is known of a run, and the scores of its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch

from restore.data.datasets import Images
from restore.evaluation.baselines import Baseline
from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol, Setting
from restore.evaluation.score import Score, score_set, sort_scores
from restore.results import store


@dataclass(frozen=True)
class RunMetadata:
    """The columns of ``results.csv`` that are the same for every row of a run.

    Attributes:
        patches: that the network was trained on.
        precision: of the test.
        device: that the test ran on, ``cpu`` or ``cuda``.
        method_kind: ``network``, ``classical`` or ``callable``.
        torch: its version.
    """

    run: str
    experiment: str
    task: str
    model: str
    seed: int
    budget: str
    patches: int
    precision: str
    device: str
    checkpoint_sha256: str = ""
    method_kind: str = "network"
    torch: str = str(torch.__version__)


def result_rows(
    scores: Sequence[Score], metadata: RunMetadata, overlaps: Mapping[str, Mapping[str, str]] | None
) -> list[dict]:
    """Complete rows of ``results.csv``, one per score.

    Args:
        overlaps: of each set, the test images that the training set contains; None where what was
            trained on is not known.
    """
    known = asdict(metadata) | {"commit": store.commit()}
    rows = []
    for score in scores:
        overlap = "unknown" if overlaps is None else overlaps[score.dataset].get(score.image, "none")
        own = {column: value for column, value in asdict(score).items() if column in store.COLUMNS}
        rows.append(known | own | {"overlap": overlap})
    return rows


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
    metrics: Sequence[Metric],
    metadata: RunMetadata,
    overlaps: Mapping[str, Mapping[str, str]] | None,
) -> list[dict]:
    """Rows of classical methods on the same test pairs; they are told sigma, kernel or mask."""
    rows = []
    for name in names:
        scores = []
        for protocol in protocols:
            for setting in settings:
                method = Baseline(name, setting)
                for images in tests:
                    scores += score_set(method, images, protocol, setting, metrics)
        scores = sort_scores(scores, [images.name for images in tests])
        own = replace(metadata, model=name, method_kind="classical", device="cpu", checkpoint_sha256="")
        rows += result_rows(scores, own, overlaps)
    return rows
