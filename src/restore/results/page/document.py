"""Puts a page together: one HTML file that fetches nothing, whose own scripts alone may run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from importlib import resources
from pathlib import Path
from typing import Any

from restore import __version__
from restore.errors import RequestError
from restore.results.curves import COLOURS
from restore.results.page.charts import MOST_POINTS, ablation, curves, described
from restore.results.page.pictures import comparison, comparisons
from restore.results.page.scores import Entry, entries, single_images
from restore.results.page.sources import Source, crop_folders, gather
from restore.results.tables import metrics_of

MOST_BYTES = 10_000_000  # of the whole file
MOST_ENTRIES = 6_000  # of the leaderboard that are ours
MOST_SOURCES = 200  # that are drawn
INSTALL = "pip install -e '.[page]'"
SCRIPTS = ("state.js", "scores.js", "chart.js", "training.js", "ablations.js", "viewer.js", "start.js")


def plotly_script() -> str:
    """Plotly's JavaScript, from its Python package.

    Raises:
        RequestError: the package is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise RequestError(f"page=true draws with plotly, which is not installed: {INSTALL}") from error
    return get_plotlyjs()


def build_page(sources: Sequence[Source], folders: Iterable[Path], plotly: str) -> bytes:
    """The page of some sources and of the crops in some folders.

    What a run folder says is data: it stands in a block of JSON, and the page writes it as text. Of scripts only those
    with the hashes in the content security policy run, which are the page's own and `plotly`'s; nothing is fetched.
    The file stays under `MOST_BYTES`: images are taken in as long as they fit, and the page says what was left out.
    """
    rows, left_out = _scores(sources)
    drawn = sources[:MOST_SOURCES]
    if len(sources) > MOST_SOURCES:
        left_out.append(f"Curves and ablations are of {MOST_SOURCES} of {len(sources)} folders.")
    training = [each for source in drawn if (each := curves(source))]
    shortened = [each.pop("thinned") for each in training]
    if any(shortened):
        left_out.append(f"Of longer histories {MOST_POINTS} rows at even distances are drawn.")
    left_out += [f"{name} is no history, and was left out." for source in sources for name in source.unreadable]
    content: dict[str, Any] = {
        "version": __version__,
        "colours": COLOURS,
        "colour_map": _colour_map(),
        "metrics": {label: described(label) for label in _metric_labels(rows, drawn)},
        "columns": [field.name for field in fields(Entry)],
        "scores": [astuple(row) for row in rows],
        "training": training,
        "ablations": [each for source in drawn if (each := ablation(source))],
        "images": [],
        "left_out": left_out,
    }
    frame = _frame(plotly)
    bytes_without_images = len(_document(frame, content))
    room = MOST_BYTES - bytes_without_images - 1_000  # for the sentence that says what did not fit
    if room < 0:
        raise RequestError(
            f"runs: the page would have {bytes_without_images:,} bytes without any image: name fewer folders"
        )
    groups = comparisons(folders)
    for number, group in enumerate(groups):
        shown = comparison(group)
        if shown is None:
            continue
        room -= len(_json(shown)) + 1
        if room < 0:
            left_out.append(
                f"{len(groups) - number} of {len(groups)} test images did not fit into {MOST_BYTES:,} bytes."
            )
            break
        content["images"].append(shown)
    return _document(frame, content)


def page_of(places: Sequence[Path], tables: dict[Path, Sequence[dict]], plotly: str) -> bytes:
    """The page of what lies under some places.

    Args:
        places: folders, and results files.
        tables: the rows of each ``results.csv`` there.
    """
    return build_page(gather(places, tables), crop_folders(places), plotly)


def _scores(sources: Sequence[Source]) -> tuple[list[Entry], list[str]]:
    rows = entries(sources)
    own, printed = ([row for row in rows if bool(row.source) is ours] for ours in (True, False))
    said = [f"{single_images()} values that papers print of single images stand in their tables alone: "
            "python -m restore.report table=dncnn_III, for one."]  # fmt: skip
    if len(own) > MOST_ENTRIES:
        said.append(f"The scores are the first {MOST_ENTRIES:,} of {len(own):,}.")
    return [*own[:MOST_ENTRIES], *printed], said


def _metric_labels(rows: Iterable[Entry], sources: Iterable[Source]) -> list[str]:
    """All metrics, those that the sources lead with first."""
    leading = [label for source in sources for label in metrics_of(source.rows)[:1]]
    return list(dict.fromkeys([*sorted(set(leading), key=leading.count, reverse=True), *(row.metric for row in rows)]))


def _colour_map() -> str:
    """Matplotlib's inferno as 256 colours of three bytes, for errors: dark is none."""
    from matplotlib import colormaps

    return base64.b64encode((colormaps["inferno"](range(256))[:, :3] * 255).round().astype("uint8").tobytes()).decode()


def _frame(plotly: str) -> dict[str, str]:
    """The parts of a page that are the same whatever it is of, by their places in the HTML file."""
    script = "\n" + "\n".join(map(_asset, SCRIPTS)) + "\n"
    return {
        "HASHES": " ".join(f"'sha256-{_hash(text)}'" for text in (script, plotly)),
        "STYLE": _asset("page.css"),
        "SCRIPT": script,
        "PLOTLY": base64.b64encode(gzip.compress(plotly.encode(), 9, mtime=0)).decode(),
        "HTML": _asset("page.html"),
    }


def _document(frame: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    parts = {**frame, "CONTENT": _json(content)}
    # in one pass: what a run says is no place of the page's own
    return re.sub(r"%([A-Z]+)%", lambda place: parts[place[1]], frame["HTML"]).encode()


def _json(content: Any) -> str:
    """JSON in ASCII that no HTML element ends in."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("restore.results.page") / "assets" / name).read_text(encoding="utf-8")
