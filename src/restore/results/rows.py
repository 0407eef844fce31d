"""Complete rows of ``results.csv``: what is known of a run, and the scores of its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch

from restore.evaluation.score import Score
from restore.results import store


@dataclass(frozen=True)
class RunMetadata:
    """The columns of ``results.csv`` that are the same for every row of a run.

    Attributes:
        patches: that the network was trained on.
        precision: of the test.
        device: that the test ran on, ``cpu`` or ``cuda``.
        recipe: that it was trained by, as ``conf/recipe`` has it; empty where that is not known.
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
    recipe: str = ""
    checkpoint_sha256: str = ""
    method_kind: str = "network"
    torch: str = str(torch.__version__)

    def of_baseline(self, name: str) -> RunMetadata:
        """The same for a classical method that was scored beside the run's network."""
        return replace(self, model=name, method_kind="classical", precision="32", device="cpu", checkpoint_sha256="")


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
