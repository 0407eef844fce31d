"""Tables of a report's text, to be shown as tables elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

Table = tuple[str, list[str], list[list[str]]]  # title, header and lines


def text_tables(text: str) -> list[Table]:
    """The Markdown tables in a text, each with the last line of text above it.

    Example:
        >>> text_tables("set12\\n\\n| a | b |\\n|---|--:|\\n| x | 1 |")
        [('set12', ['a', 'b'], [['x', '1']])]
    """
    tables: list[Table] = []
    title, block = "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
            continue
        if len(block) > 1:
            header, _, *lines = map(_cells, block)
            tables.append((title, header, _whole(lines, len(header))))
            title = ""
        block = []
        title = line.strip("# ") or title
    return tables


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _whole(lines: Sequence[list[str]], width: int) -> list[list[str]]:
    """Lines with as many cells as the header has."""
    return [[*line[:width], *[""] * (width - len(line))] for line in lines]
