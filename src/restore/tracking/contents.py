"""What a project of runs holds, so that a dashboard can be laid out for it: tasks, places of the tables, swept keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restore.results.claims import words
from restore.results.grid import grid_table, without_seed
from restore.results.quantities import quantity
from restore.tracking.record import place_of, published_value

NAMED_GROUPS = ("task", "model", "optim", "budget", "recipe")  # whose choice is told by their name


@dataclass(frozen=True)
class Place:
    """Where networks are compared: a set, a setting, a protocol and a metric, all in one key."""

    key: str  # <set>/<setting>/<protocol>/<metric>
    metric: str
    published: bool = False

    @property
    def title(self) -> str:
        """``set12 sigma=25, PSNR in dB, protocol dncnn``."""
        dataset, setting, protocol, _ = self.key.split("/")
        known = quantity(self.metric)
        unit = f" in {known.unit}" if known.unit else ""
        return f"{dataset} {setting}, {known.title}{unit}, protocol {protocol}"


@dataclass
class Ablation:
    """A sweep: the keys that it changes, where it is judged, and its table with the verdicts, in Markdown."""

    name: str
    experiment: str
    keys: tuple[str, ...]
    places: tuple[Place, ...]
    metric: str
    text: str


@dataclass
class Contents:
    """Places by task, pictures' keys, and sweeps."""

    tasks: dict[str, dict[str, Place]] = field(default_factory=dict)
    pictures: dict[str, None] = field(default_factory=dict)
    ablations: list[Ablation] = field(default_factory=list)

    def add(self, folder: Path, rows: Sequence[dict]) -> None:
        """Take in the rows of one results file: a run's, or a sweep's, which lie beside what its jobs are called by."""
        networks = [row for row in rows if row["method_kind"] == "network"]
        for row in one_each(networks):
            place = Place(f"{place_of(row)}/{row['metric']}", row["metric"], published_value(row) is not None)
            places = self.tasks.setdefault(row["task"], {})
            if place.published or place.key not in places:  # of any network there
                places[place.key] = place
            dataset, setting, _, _ = place.key.split("/")
            self.pictures[f"tested/{dataset}/{setting}"] = None
        keys = swept_keys(row["run"] for row in networks)
        if keys:
            self.ablations.append(ablation(folder, networks, keys))


def one_each(rows: Sequence[dict]) -> list[dict]:
    """The first row of each method, place and metric."""
    columns = ("task", "model", "protocol", "dataset", "setting", "metric")
    return list({tuple(row[column] for column in columns): row for row in reversed(rows)}.values())[::-1]


def swept_keys(jobs: Iterable[str]) -> tuple[str, ...]:
    """The keys in which the jobs of a sweep differ, by their names, less the seed; none of runs that are no jobs.

    Example:
        >>> swept_keys(["model.skip_step=2,seed=0", "model.skip_step=4,seed=0"])
        ('model.skip_step',)
        >>> swept_keys(["denoise_red10/2026-11-22"])
        ()
    """
    values: dict[str, set[str]] = {}
    for job in jobs:
        for word in words(without_seed(job)):
            key, equals, value = word.partition("=")
            if equals and re.fullmatch(r"[\w.@/]+", key):
                values.setdefault(key, set()).add(value)
    return tuple(key for key, found in values.items() if len(found) > 1)


def config_key(key: str) -> str:
    """Where a run's configuration tells what a swept key was set to: of a group, its name."""
    return f"{key}.name" if key in NAMED_GROUPS else key.replace("/", ".")


def ablation(folder: Path, rows: Sequence[dict], keys: tuple[str, ...]) -> Ablation:
    """A sweep's rows as what is shown of it; the table that `restore.report` wrote, or one made of the rows."""
    metric = rows[0]["metric"]
    places = {f"{place_of(row)}/{metric}": None for row in rows if row["metric"] == metric}
    table = folder / "table.md"
    text = table.read_text(encoding="utf-8") if table.is_file() else grid_table(rows)
    shown = tuple(Place(place, metric) for place in places)
    return Ablation(folder.name, rows[0]["experiment"], keys, shown, metric, text)
