"""List and fetch the trained files that authors have published: where each one lies, its terms, and whether it is here.

    python -m restore.pretrained
    python -m restore.pretrained name=tnrd [folder=<folder>]
    python -m restore.pretrained fetch=dncnn_s_25,csf [folder=<folder>] [mirror=<address>]

First a line for each network that comes with the package: what it removes, and its scores. Then a line per file: its name, its method, the task and the settings that it was trained for, image channels, the model that
reads it here (none for a few), its licence, whether the right file is in the folder of published weights
(`folder`, else RESTORE_WEIGHTS, else ~/.cache/restore/weights), and its address. `name` is a file's name, one of `baselines`, or how names begin; with it
the place where each file is looked for and the command that scores it are said too. `fetch` takes such names, with commas,
or `all`: each file is fetched from its pinned place and checked before it gets its name. `mirror` is another place with the
same files, an address with {repository}, {commit} and {path}. None of the files is part of this package: whoever fetches one
keeps to its licence.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from restore.config.arguments import read
from restore.config.commands import Pretrained
from restore.config.compose import compose
from restore.download import Download
from restore.errors import RequestError, report_errors, unknown_name
from restore.released import Released, baseline_names, of_baseline, released
from restore.runfolder import RunFolder, shipped_runs

HEADER = ("name", "method", "for", "channels", "model", "licence", "here", "address")


def main(arguments: list[str]) -> int:
    words = read(__doc__ or "", Pretrained, arguments)
    folder = words.folder or compose("evaluate", []).paths.weights
    if words.fetch:
        if words.name:
            raise RequestError("name= and fetch= are asked for one at a time")
        names = [""] if words.fetch == ["all"] else words.fetch
        return fetch({each.name: each for name in names for each in chosen(name)}, folder, words.mirror)
    files = chosen(words.name or "")
    if not words.name:
        print(f"With the package, by name as run= or restore.load(name):\n\n{shipped()}\n\nBy their authors:\n")
    print(listing(files, folder))
    if words.name:
        print()
        for each in files:
            print(instructions(each, folder))
    here = sum(state(each, folder) == "yes" for each in files)
    print(f"\n{here} of {len(files)} files are in {folder}.")
    return 0


def shipped() -> str:
    """The networks that come with the package."""
    from restore.runs.model_card import (
        listing as listing_of_runs,  # builds configurations, which the rest does not need
    )

    return listing_of_runs([RunFolder.find(name) for name in shipped_runs()])


def fetch(files: Mapping[str, Released], folder: str, mirror: str) -> int:
    """Fetch files and say what became of each: 0 where all are here, 1 where one is not.

    Raises:
        RequestError: there is no network.
    """
    missing = {each.place_in(folder): each for each in files.values() if not each.located(folder)}
    outcome = Download(mirror).fetch([(each, place) for place, each in missing.items()])
    for place in outcome.fetched:
        print(f"fetched  {missing[place].name}: {place}; {missing[place].licence}")
    for place, reason in outcome.failed.items():
        print(f"failed   {missing[place].name}: {reason}")
    wrong = [each for each in files.values() if state(each, folder) == "another file"]
    for each in wrong:
        print(f"failed   {each.name}: another file is at {each.located(folder)}: move it away")
    here = len(files) - len(missing) - len(wrong)
    print(f"{len(outcome.fetched)} fetched, {here} here already, {len(outcome.failed) + len(wrong)} failed")
    return 1 if outcome.failed or wrong else 0


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
    place = file.place_in(folder or "<folder of RESTORE_WEIGHTS>")
    if not file.model:
        return f"{file.name}: {place}; no network here reads it"
    return f"{file.name}: {place}; python -m restore.evaluate released={file.name} test_sets=<sets>"


if __name__ == "__main__":
    with report_errors():
        code = main(sys.argv[1:])
    raise SystemExit(code)
