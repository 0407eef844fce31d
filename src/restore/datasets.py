"""List, fetch and check the papers' sets, and say which images two of them share.

    python -m restore.datasets
    python -m restore.datasets fetch=set12,bsd68 [folder=<folder>] [mirror=<address>]
    python -m restore.datasets verify=train400,set5
    python -m restore.datasets overlap=train400,bsd68

Names are those of folders (bsds500, bsds500/val, kodak24) or of the sets that `data` and `test_sets` take (bsd432,
bsd100). Sets lie in one folder, `folder`, else RESTORE_DATA, else ~/.cache/restore/data, each in a folder of its own.

fetch     fetches from a pinned place what is not there, several files at once, and checks every file's SHA-256 before
          it gets its name; called again it goes on where it was cut. `mirror` is another place with the same files, an
          address with {repository}, {commit} and {path}
verify    compares the files that are there with what was published
overlap   the test images of the second set that the first, a training set, contains whole or cropped

Each set keeps its own terms of use; nothing of them is part of this package. T91, DIV2K, GOPRO and SIDD are had by
hand: the list says how.
"""

from __future__ import annotations

import sys
from pathlib import Path

from restore.config.arguments import read
from restore.config.commands import Datasets
from restore.config.compose import compose
from restore.data import datasets
from restore.data.overlap import overlap
from restore.data.sources import BY_HAND, Source, of_name, sources
from restore.download import Download
from restore.errors import RequestError, report_errors
from restore.results.tables import markdown


def main(arguments: list[str]) -> int:
    words = read(__doc__ or "", Datasets, arguments)
    asked = [key for key in ("fetch", "verify", "overlap") if getattr(words, key)]
    if len(asked) > 1:
        raise RequestError(f"{' and '.join(f'{key}=' for key in asked)} are asked for one at a time")
    paths = compose("evaluate", []).paths
    root = Path(words.folder or paths.data).expanduser()
    if not asked:
        print(listing(root))
        return 0
    if words.overlap:
        training, test = words.overlap
        return say_overlap(training, test, root, paths.cache)
    chosen = [source for name in words.fetch or words.verify or () for source in of_name(name)]
    wanted = [sources()[folder] for folder in dict.fromkeys(source.folder for source in chosen)]
    return fetch(wanted, root, words.mirror) if words.fetch else verify(wanted, root)


def listing(root: Path) -> str:
    """A line per folder: its files, its size, whether it is here, its terms and its place."""
    rows = []
    for source in sources().values():
        here = sum(place.is_file() for _, place in source.places(root))
        file = next(iter(source.files.values()))
        cells = [source.folder, str(len(source.files)), f"{source.bytes / 1e6:.1f}", str(here), source.terms]
        rows.append([*cells, f"{file.repository}@{file.commit[:10]}"])
    table = markdown(("set", "files", "MB", "here", "terms", "from"), rows)
    by_hand = "\n".join(f"{name}: {instructions}" for name, instructions in BY_HAND.items())
    return f"{table}\n\nBy hand:\n{by_hand}\n\nSets are looked for in {root}."


def fetch(wanted: list[Source], root: Path, mirror: str) -> int:
    """Fetch folders and say what became of them: 0 where all is here, 1 where a file is not."""
    download, failed = Download(mirror), 0
    for source in wanted:
        outcome = download.fetch(source.places(root))
        failed += len(outcome.failed)
        print(f"{source.folder}: {len(outcome.fetched)} fetched, {len(outcome.here)} here already, in {root / source.folder}; "
              f"terms: {source.terms}")  # fmt: skip
        for place, reason in outcome.failed.items():
            print(f"  {place}: {reason}")
    return 1 if failed else 0


def verify(wanted: list[Source], root: Path) -> int:
    """Compare folders with what was published: 0 where every file is here and is right, else 1."""
    wrong = 0
    for source in wanted:
        absent = [place for _, place in source.places(root) if not place.is_file()]
        others = [place for file, place in source.places(root) if place.is_file() and not file.is_in(place)]
        right = len(source.files) - len(absent) - len(others)
        more = f", {len(absent)} not here" * bool(absent) + f", {len(others)} with another content" * bool(others)
        print(f"{source.folder}: {right} of {len(source.files)} files are right{more}")
        for place in others:
            print(f"  {place}")
        wrong += len(absent) + len(others)
    return 1 if wrong else 0


def say_overlap(training: str, test: str, root: Path, cache: str | None) -> int:
    """Say which test images a training set contains; 0 where there are none, else 1."""
    first, second = (
        datasets.read(datasets.find(name, root, 1, training=is_training), 1)
        for name, is_training in ((training, True), (test, False))
    )
    matches, count = overlap(first, second, cache), len(second.names)
    print(f"{len(matches)} of the {count} images of {test} are in {training}{':' if matches else ''}")
    for name, contained_in in matches.items():
        print(f"  {name} in {contained_in}")
    return 1 if matches else 0


if __name__ == "__main__":
    with report_errors():
        code = main(sys.argv[1:])
    raise SystemExit(code)
