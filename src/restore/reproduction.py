"""The papers' tables and figures from runs and records, each to its files: one of them, or all with an index."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restore import atomic
from restore.bench import run_times
from restore.errors import RequestError, unknown_name
from restore.results.comparison import COLUMNS, HEADER, compared_columns, comparisons
from restore.results.frontier import Frontier, frontiers, write_frontiers
from restore.results.generalisation import Matrix, matrices, write_matrices
from restore.results.latex import NEEDS, longtable
from restore.results.paper_figures import Drawn, draw_figure
from restore.results.paper_tables import paper_parts, paper_table, printed_rows, table_names, title_of
from restore.results.printed_figures import find_figure, printed_figures
from restore.results.records import Record
from restore.results.released import not_scored, released_lines, released_table
from restore.results.tables import markdown
from restore.runs.known_networks import KnownNetworks

OUT = Path("build") / "report"
RELEASED, RUN_TIMES = "released", "dncnn_IV"  # tables that are of no printed scores
WHAT = ("generalisation", "frontier")
FEW = 3  # networks that a frontier of the whole report has at least
TITLES = {
    RELEASED: "The authors' files: published and measured",
    RUN_TIMES: "DnCNN, Table IV: seconds an image, the published ones on an i7-5820K and a Titan X",
}


@dataclass(frozen=True)
class Table:
    """One table in three forms.

    Attributes:
        run: how many of its printed values have one of ours beside them, in words.
    """

    name: str
    title: str
    text: str
    comma_separated: str
    latex: str
    run: str = ""

    def write(self, out: Path) -> list[Path]:
        """Write ``<name>.md``, ``.csv`` and ``.tex``."""
        out.mkdir(parents=True, exist_ok=True)
        contents = {"md": self.text + "\n", "csv": self.comma_separated, "tex": self.latex}
        files = [out / f"{self.name}.{suffix}" for suffix in contents]
        for file, content in zip(files, contents.values(), strict=True):
            atomic.write(file, content)
        return files


def every_table() -> list[str]:
    """Names of all tables: the papers' in their order, the run times among them, and that of the authors' files."""
    names = table_names()
    place = next(number for number, name in enumerate(names) if name == "dncnn_V")
    return [*names[:place], RUN_TIMES, *names[place:], RELEASED]


def table(name: str, rows: Sequence[dict]) -> Table:
    """A table with our rows in it.

    Args:
        name: one of `every_table`, whatever its capitals.
        rows: of any number of results files.

    Raises:
        RequestError: no table has that name.
    """
    known = {each.lower(): each for each in every_table()}
    if name.lower() not in known:
        raise unknown_name("table", name, every_table())
    name = known[name.lower()]
    if name == RUN_TIMES:
        header, lines = run_times.table_iv()
        return _plain(name, header, lines, f"{TITLES[name]}.\n\n{markdown(header, lines)}")
    if name == RELEASED:
        header, lines = released_lines(rows)
        text = "\n\n".join(filter(None, (released_table(rows), not_scored(rows))))
        return _plain(name, header, lines, text)
    return _paper_table(name, rows)


def _plain(name: str, header: Sequence[str], lines: Sequence[Sequence[str]], text: str) -> Table:
    latex = NEEDS + longtable(header, lines, f"{TITLES[name]}.", name)
    return Table(name, TITLES[name], text, _comma_separated(header, lines), latex)


def _paper_table(name: str, rows: Sequence[dict]) -> Table:
    title = title_of(printed_rows(name))
    found = comparisons(name, rows)
    _, beside = compared_columns(found)
    count = len({(each.method, each.setting, each.metric, each.published) for each in found if each.ours})
    every = len({(each.method, each.setting, each.metric, each.published) for each in found})
    text, latex = paper_table(name, rows), NEEDS
    for number, part in enumerate(paper_parts(name, rows)):
        latex += longtable(part.header, part.lines, f"{title}. {part.title}.", f"{name}-{number}")
    if beside:
        caption = "ours beside the published: mean over seeds ± deviation, difference with its 95 % interval"
        text += f"\n\n{caption[0].upper()}{caption[1:]}\n\n{markdown(HEADER, beside)}"
        latex += longtable(HEADER, beside, f"{title}, {caption}.", f"{name}-beside")
    values = _comma_separated(COLUMNS, [each.numbers() for each in found])
    return Table(name, title, text, values, latex, f"{count} of {every}")


def _comma_separated(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    return text.getvalue()


# -- generalisation and frontier -------------------------------------------------------------------


def write_what(what: str, records: Sequence[Record], out: Path) -> list[Path]:
    """Write the generalisation matrix or the quality–cost frontier of any set of runs.

    Raises:
        RequestError: an unknown name, or runs of which none can be made.
    """
    if what not in WHAT:
        raise unknown_name("what", what, WHAT)
    networks = KnownNetworks(records)
    if what == "generalisation":
        if found := matrices(_rows(records), networks.trained_on):
            return write_matrices(found, out)
        raise RequestError("what=generalisation takes two networks that were scored in two settings of one set each")
    if front := _frontiers(records, networks):
        return write_frontiers(front, out)
    raise RequestError("what=frontier takes two networks of known sizes that were scored on one set and setting")


def _frontiers(records: Sequence[Record], networks: KnownNetworks, printed_alone: bool = False) -> list[Frontier]:
    times = run_times.milliseconds(), run_times.published_milliseconds()
    return frontiers(_rows(records), networks.cost, networks.trained_on, *times, printed_alone=printed_alone)


def _rows(records: Sequence[Record]) -> list[dict]:
    return [row for record in records for row in record.rows]


# -- all of it -------------------------------------------------------------------------------------


def write_everything(records: Sequence[Record], out: Path = OUT) -> Path:
    """Write every table and figure, the generalisation matrices and the frontiers beside printed values, and an index.

    Returns:
        The index.
    """
    rows = _rows(records)
    tables = [table(name, rows) for name in every_table()]
    for each in tables:
        each.write(out / "tables")
    figures = [draw_figure(figure, records, out / "figures") for figure in printed_figures()]
    networks = KnownNetworks(records)
    found = matrices(rows, networks.trained_on)
    front = [each for each in _frontiers(records, networks, printed_alone=True) if len(each.points) >= FEW]
    if found:
        write_matrices(found, out / "generalisation")
    if front:
        write_frontiers(front, out / "frontier")
    index = out / "index.md"
    atomic.write(index, index_text(records, tables, figures, found, front))
    return index


def index_text(
    records: Sequence[Record],
    tables: Sequence[Table],
    figures: Sequence[Drawn],
    found: Sequence[Matrix],
    front: Sequence[Frontier],
) -> str:
    """What was made, of what, and what was not run."""
    lines = [
        "# The papers' tables and figures",
        f"By `python -m restore.report` from {len(records)} results files.",
        "## Tables",
        "Each as Markdown, CSV and LaTeX; how many of its printed values have one of ours beside them.",
    ]
    listed = [
        [
            each.title,
            each.run or "–",
            " ".join(f"[{suffix}](tables/{each.name}.{suffix})" for suffix in ("md", "csv", "tex")),
        ]
        for each in tables
    ]
    lines += [markdown(("table", "run here", "files"), listed), "## Figures"]
    for drawn in figures:
        name, figure = drawn.figure.name, drawn.figure
        lines.append(f"### {figure.title}: {figure.shows}")
        if drawn.files:
            lines.append(f"![{figure.title}](figures/{name}.png)")
        lines.append(f"{drawn.sentence}{f' [SVG](figures/{name}.svg)' if drawn.files else ''}")
    for what, parts in (("generalisation", found), ("frontier", front)):
        if parts:
            lines += [f"## {what.capitalize()}", f"[Table]({what}/{what}.md), [CSV]({what}/{what}.csv)."]
            lines += [f"![{part.name}](<{what}/{part.name}.png>)" for part in parts]
    return "\n\n".join(lines) + "\n"


def write_figures(names: Sequence[str], records: Sequence[Record], out: Path) -> list[Drawn]:
    """Draw the figures of some names.

    Raises:
        RequestError: an unknown name.
    """
    return [draw_figure(figure, records, out) for figure in map(find_figure, names)]
