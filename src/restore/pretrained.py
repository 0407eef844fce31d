"""List the trained files that authors have published: where each one lies, its terms, and whether it is here.

    python -m restore.pretrained
    python -m restore.pretrained name=tnrd [folder=<folder>]

A line per file: its name, its method, the task and the settings that it was trained for, image channels, the model that
reads it here (none for a few), its licence, whether the right file is in the folder of published weights
(RESTORE_WEIGHTS, or `folder`), and its address. `name` is a file's name, one of `baselines`, or how names begin; with it
the place where each file is looked for and the command that scores it are said too. Nothing is fetched, and none of the
files is part of this package: whoever fetches one keeps to its licence.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from restore.config.arguments import parse
from restore.config.compose import compose
from restore.errors import RequestError, report_errors, unknown_name
from restore.released import Released, baseline_names, of_baseline, released

HEADER = ("name", "method", "for", "channels", "model", "licence", "here", "address")


def main(arguments: list[str]) -> None:
    words = parse(__doc__, {"name": "", "folder": ""}, arguments)
    folder = words["folder"] or compose("evaluate", []).paths.weights
    files = chosen(words["name"])
    print(listing(files, folder))
    if words["name"]:
        print()
        for each in files:
            print(instructions(each, folder))
    here = sum(state(each, folder) == "yes" for each in files)
    where = f"in {folder}" if folder else "here: RESTORE_WEIGHTS is not set"
    print(f"\n{here} of {len(files)} files are {where}.")


def chosen(name: str) -> Sequence[Released]:
    """The files of a name, of a baseline, or whose names begin so; all for an empty name.

    Raises:
        RequestError: there are none; the sentence says the nearest name.
    """
    if not name:
        return released()
    files = [each for each in released() if each.name == name] or of_baseline(name)
    files = files or [each for each in released() if each.name.startswith(name)]
    if not files:
        raise unknown_name("name", name, [*baseline_names(), *(each.name for each in released())])
    return files


def listing(files: Sequence[Released], folder: str | Path | None) -> str:
    """A line per file, in columns; the address, which is long, stands last."""
    cells = [HEADER]
    for each in files:
        trained_for = f"{each.task} {each.settings}".strip() or "–"
        known = (each.name, each.method, trained_for, str(each.channels), each.model or "none here", each.licence)
        cells.append((*known, state(each, folder), each.address))
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in cells
    )


def state(file: Released, folder: str | Path | None) -> str:
    """Whether a file is in a folder: ``yes``, ``no``, or ``another file`` where something else has its name."""
    path = file.located(folder)
    if path is None:
        return "no"
    try:
        file.check(path)
    except RequestError:
        return "another file"
    return "yes"


def instructions(file: Released, folder: str | Path | None) -> str:
    """Where a file is looked for, and what scores it."""
    place = Path(folder).expanduser() / file.file if folder else f"<folder of RESTORE_WEIGHTS>/{file.file}"
    if not file.model:
        return f"{file.name}: {place}; no network here reads it"
    return f"{file.name}: {place}; python -m restore.evaluate released={file.name} test_sets=<sets>"


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])
