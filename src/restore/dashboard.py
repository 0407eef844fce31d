"""A W&B workspace and report of all runs, as code: saved at W&B, or as JSON with the command that uploads the runs.

    python -m restore.dashboard [runs=runs] [project=restore] [out=dashboard]
    python -m restore.dashboard mode=online entity=<user or team> [runs=runs] [project=restore]

Reads the results.csv files under `runs`, folders with commas (paths.runs by default). The workspace has a section per
task, with every run's value and the published one beside it; a section per sweep, its curves and bars grouped by the
keys that it changes; the course of training, cost, tables and pictures. The report has each sweep's table with what
became of the paper's conclusions. Both go to workspace.json and report.json in `out`; with mode=online they are saved
in the project, too, anew each time. Needs wandb-workspaces: pip install -e '.[dashboard]'.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from restore import atomic
from restore.bounds import Text
from restore.config.arguments import parse
from restore.config.compose import compose
from restore.config.metrics import register_metrics_of
from restore.config.values import check_value
from restore.errors import OutsideError, RequestError, report_errors
from restore.results import store
from restore.runfolder import RunFolder
from restore.tracking.contents import Contents

DEFAULTS = {"runs": "", "project": "restore", "entity": "", "name": "restore", "out": "dashboard", "mode": "offline"}
NO_ENTITY = "your-entity"  # stands in the JSON where none is given


def main(arguments: list[str]) -> None:
    words = parse(__doc__, DEFAULTS, arguments)
    for key, kind in {"project": Text, "name": Text, "out": Text, "mode": Literal["offline", "online"]}.items():
        check_value(key, words[key], kind)
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise RequestError("python -m restore.dashboard needs wandb-workspaces: pip install -e '.[dashboard]'")
    from restore.tracking import workspace

    places = [Path(place).expanduser() for place in words["runs"].split(",") if place]
    places = places or [Path(compose("config", []).paths.runs)]
    contents = read_contents(places)
    entity = words["entity"] or os.environ.get("WANDB_ENTITY", "")
    if words["mode"] == "online" and not entity:
        raise RequestError("mode=online needs to know whose project it is: entity=<user or team>, or WANDB_ENTITY")
    given = (entity or NO_ENTITY, words["project"], words["name"])
    parts = {"workspace": workspace.workspace(contents, *given), "report": workspace.report(contents, *given)}
    out = Path(words["out"]).expanduser()
    out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        atomic.write(out / f"{name}.json", json.dumps(as_json(part), indent=1) + "\n")
        print(out / f"{name}.json")
    for task, count in workspace.left_out(contents).items():
        print(f"left out: {count} sets, settings and metrics of task {task}")
    if words["mode"] == "online":
        save(parts)
    if patterns := offline_runs(places):
        print(f"\nRuns that were logged offline: wandb sync {' '.join(patterns)}")
    if words["mode"] == "offline":
        print("Then, or at once: python -m restore.dashboard mode=online entity=<user or team>")


def read_contents(places: Sequence[Path]) -> Contents:
    """What the results files under some folders hold; one that cannot be read is left out, and said.

    Raises:
        RequestError: a folder is not there, or none has rows.
    """
    contents = Contents()
    for place in places:
        if not place.is_dir():
            raise RequestError(f"runs={place} is no folder")
        for file in sorted(place.rglob("results.csv")):
            try:
                register_metrics_of(RunFolder(file.parent))
                contents.add(file.parent, store.read(file))
            except RequestError as error:
                print(f"left out: {error}")
    if not contents.tasks:
        raise RequestError(f"there is no results.csv of a network under {', '.join(map(str, places))}")
    return contents


def as_json(part: Any) -> dict[str, Any]:
    """A workspace or a report as W&B's server is given it."""
    return part._to_model().model_dump(mode="json", by_alias=True, exclude_none=True)


def save(parts: dict[str, Any]) -> None:
    """Save a workspace and a report in their project.

    Raises:
        OutsideError: there is no key, or the server does not take them; the JSON is written.
    """
    for name, part in parts.items():
        try:
            part.save()
        except Exception as error:  # whatever a tracking service throws
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise OutsideError(f"the {name} could not be saved at W&B ({reason}): its JSON is written") from error
        print(f"{name} {part.url}")


def offline_runs(places: Sequence[Path]) -> list[str]:
    """Patterns, as a shell reads them, of the offline runs under some folders: one for each depth."""
    patterns: dict[str, None] = {}
    for place in places:
        for run in sorted(place.rglob("wandb/offline-run-*")):
            between = run.relative_to(place).parts[:-2]
            patterns["/".join([str(place), *("*" for _ in between), "wandb", "offline-run-*"])] = None
    return list(patterns)


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])
