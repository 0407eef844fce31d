"""Trials to break it: run by `make test-faults`, which prints how many there were of each kind, and what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Tally = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def tally(record_property) -> Tally:
    """Count trials of a kind, or what became of them: ``tally("kills")``, ``tally("rows doubled", 0)``."""

    def count(what: str, number: int = 1) -> None:
        record_property(what, number)

    return count


def pytest_terminal_summary(terminalreporter) -> None:
    """The sums over all tests; they come back from the workers with the reports."""
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if HERE.name in Path(report.nodeid.partition("::")[0]).parts:
            for what, number in report.user_properties if report.when == "call" else ():
                sums[what] += number
    if sums:
        terminalreporter.section("faults")
        for what in sorted(sums):
            terminalreporter.write_line(f"{sums[what]:7}  {what}")
