"""The papers' tables and figures with our runs in them, and the table and the pictures of a sweep.

    python -m restore.report [runs=<results.csv or folder>,…] [out=<folder>]
    python -m restore.report table=red_4,dncnn_III [runs=…] [out=<folder>]
    python -m restore.report table=released [runs=…] [out=<folder>]
    python -m restore.report page=true [runs=…] [out=<folder>]
    python -m restore.report figure=red_12,dncnn_8 [runs=…] [out=<folder>]
    python -m restore.report what=generalisation|frontier [runs=…] [out=<folder>]
    python -m restore.report sweep=runs/sweeps/<name> [out=<folder>] [metric=<name>] [beside=<folders>]

Without words it reads all results.csv under the folder of runs and experiments/, or under those that `runs` names, and
writes every table (Markdown, CSV, LaTeX) and every figure (SVG and PNG, one column wide), the generalisation matrices,
the quality–cost frontiers beside printed values, and index.md, to `out`, build/report by default. A figure that was not
run says by which command it comes.

Of a sweep it reads the results.csv; prints each setting's metric as mean ± standard deviation over seeds and its
paired difference from the first setting with a bootstrap 95 % interval over images and seeds. Draws over
training the validated metric, the training loss and the first layer's gradient norm, and what the jobs kept for
pictures: crops side by side, feature maps, the gain over BM3D. Where the experiment names its paper's conclusions,
says which of them hold, which are contradicted, which are open, and which were not run. Writes table.md and the
pictures (and, to another folder, the rows and the jobs' histories) to `out`, by default the sweep's folder. The
metric is the first of the sweep's unless another is named. The crops and rows of `beside`, folders of other runs with commas, are drawn
together with the sweep's: the two halves of DnCNN's Fig. 8, for one. A kept record, experiments/<name>, can be
read again.

logger=wandb (or tensorboard, mlflow) tells a logger of the tables, the rows and the pictures, as a run of job type
report; logger.mode=online, logger.project and logger.entity are W&B's.

A table has a line for every method that its paper prints, and beneath it ours: red_1 … red_10, red_5.6, red_fig7,
dncnn_II, dncnn_III, dncnn_IV (run times, from experiments/bench), dncnn_V, gopro_1. Below stand published and ours once
more with the difference, the protocol, the budget, the overlap and the checkpoint. It is written to <name>.md, .csv and
.tex where `out` is given. table=released has a line for every set and setting that an authors' file was scored on.

what=generalisation is each network on each corruption and strength that it was scored on, those it never saw too;
what=frontier its PSNR against what it costs.

page=true writes report.html, one file that needs no network: scores beside the published ones, curves over training,
ablations, and the test images that `sheets` kept, of the same places, to `out`, by default the current folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from restore import atomic
from restore.config.arguments import read
from restore.config.commands import Report
from restore.config.compose import compose
from restore.config.metrics import register_metrics_of
from restore.errors import RequestError, report_errors
from restore.reproduction import OUT, table, write_everything, write_figures, write_what
from restore.results import store
from restore.results.page.document import INSTALL, page_of, plotly_script
from restore.results.records import Record
from restore.runfolder import RunFolder
from restore.runs.sweep_report import report_sweep
from restore.runs.tracked import LOGGER_KEYS, track_report

KINDS = ("sweep", "table", "figure", "what", "page")  # of reports: one at a time, or none for all tables and figures


def main(arguments: list[str]) -> None:
    logging_words = [word for word in arguments if word.partition("=")[0] in LOGGER_KEYS]
    words = read(__doc__ or "", Report, [word for word in arguments if word not in logging_words])
    told = dict(word.split("=", 1) for word in logging_words)
    if told and "logger" not in told:
        raise RequestError(f"{next(iter(told))} is of a logger: logger=wandb")
    out = Path(words.out).expanduser() if words.out else None
    places = words.runs or []
    asked = [kind for kind in KINDS if getattr(words, kind)]
    if len(asked) > 1:
        raise RequestError(f"{asked[0]}= and {asked[1]}= are reports of their own: give one of them")
    if told and asked not in (["sweep"], ["table"]):
        raise RequestError(f"logger={told['logger']} is told of a sweep or of tables: sweep=<folder> or table=<names>")
    if words.sweep:
        beside = [Path(path).expanduser() for path in words.beside or ()]
        report_sweep(Path(words.sweep).expanduser(), out, words.metric or "", beside, told)
    elif words.table:
        report_tables(words.table, places, out, told)
    elif words.figure:
        report_figures(words.figure, places, out or OUT / "figures")
    elif words.what:
        print("\n".join(map(str, write_what(words.what, records_at(places), out or OUT / words.what))))
    elif words.page:
        report_page(places, out or Path())
    else:
        print(write_everything(records_at(places), out or OUT))
        if find_spec("plotly"):
            report_page(places, out or OUT)
        else:
            print(f"report.html was not written: it needs plotly: {INSTALL}")


# -- the papers' tables and figures ----------------------------------------------------------------


def report_tables(
    names: Sequence[str], places: Sequence[str], out: Path | None, told: Mapping[str, str] | None = None
) -> None:
    """Print the papers' tables, and write each to files of its name where a folder is given.

    Args:
        places: results files, and folders that are searched for such; by default the runs' and ``experiments``.

    Raises:
        RequestError: an unknown table, or a place that is not there.
    """
    rows = [row for record in records_at(places) for row in record.rows]
    tables = [table(name, rows) for name in names]
    for one in tables:
        print(one.text + "\n")
        for file in one.write(out) if out else ():
            print(file)
    if told:
        text = "\n\n".join(f"{one.name}\n\n{one.text}" for one in tables)
        track_report(told, ",".join(names), text, [], [], None, out or Path())


def report_figures(names: Sequence[str], places: Sequence[str], out: Path) -> None:
    """Draw the papers' figures; arguments as of `report_tables`."""
    for drawn in write_figures(names, records_at(places), out):
        print(f"{drawn.figure.name}: {drawn.sentence}")
        for file in drawn.files:
            print(file)


def records_at(places: Sequence[str]) -> list[Record]:
    """The folders with results at some places, as of `results_files`; those that cannot be read are left out, and said."""
    found = (Record(file.parent, rows_or_none(file, named=str(file) in places)) for file in results_files(places))
    return [record for record in found if record.rows]


def results_files(places: Sequence[str]) -> list[Path]:
    """The results files at some places, those nearest to the top of a folder first.

    Raises:
        RequestError: a place that is named is not there.
    """
    places = places or usual_places()
    files: dict[Path, None] = {}
    for place in (Path(place).expanduser() for place in places):
        if not place.exists():
            raise RequestError(f"runs={place} is not there")
        below = (
            sorted(place.rglob("results.csv"), key=lambda file: (len(file.parts), file)) if place.is_dir() else [place]
        )
        files |= dict.fromkeys(below)
    return list(files)


def usual_places() -> list[str]:
    """The folder of runs and the kept records, where they are."""
    return [place for place in (compose("config", []).paths.runs, "experiments") if Path(place).is_dir()]


def rows_or_none(file: Path, named: bool) -> list[dict]:
    """The rows of a results file; none, with a line that says why, where one that was found cannot be read.

    Raises:
        RequestError: it cannot be read, and was named.
    """
    try:
        register_metrics_of(RunFolder(file.parent))
        return store.read(file)
    except RequestError as error:
        if named:
            raise
        print(f"left out: {error}")
        return []


# -- the page --------------------------------------------------------------------------------------


def report_page(places: Sequence[str], out: Path) -> None:
    """Write ``report.html`` of what lies under some places, by default the folder of runs and ``experiments``.

    Raises:
        RequestError: a place is not there, nothing was measured under them, or plotly is not installed.
    """
    script = plotly_script()
    files = results_files(places)
    tables = {file: rows_or_none(file, named=str(file) in places) for file in files}
    folders = [Path(place).expanduser() for place in places or usual_places()]
    page = page_of(folders, tables, script)
    out.mkdir(parents=True, exist_ok=True)
    atomic.write(out / "report.html", page)
    print(f"{out / 'report.html'} ({len(page) / 1e6:.1f} MB)")


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])
