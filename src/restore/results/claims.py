"""What a paper concludes from an experiment, and what became of it here: inside, outside or open.

A claim is a mapping of an experiment's file. `says` has our words, `quote` the paper's own where they are known, `where`
the section. What it is about stands in one of these pairs of keys:

- ``better, worse``: of two points of the grid the first is ahead. With ``at_most: true`` and a `margin` it is ahead by
  less than the margin ("degrades less than 0.1 dB"), which an equal or a lower value shows too.
- ``same: [one, other]`` and a `margin`: neither is ahead of the other by the margin ("almost as well").
- ``quantity, higher, lower``: a column of the jobs' ``history.csv``, compared over seeds (`SUMMARIES`).
- ``protocols: [one, other]``: the same networks score higher by the first protocol than by the second.
- ``better`` and ``published: {paper, table, method}``: a point is ahead of a method's printed mean.

A point is named by the words that matter, ``model=red20``: a claim is decided once for each value of the others. The
word ``input`` stands for the degraded image. A difference is decided by its 95 % interval: the claim ``holds`` where
the whole interval bears it out, is ``contradicted`` where the whole interval speaks against it, and is ``open``
otherwise. (For equivalence that is stricter than two one-sided tests at 5 %, whose interval has 90 %.) A margin is in
dB: a claim that has one is judged by the first metric in that unit, whatever the others are judged by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isnan
from statistics import fmean
from typing import Any

from restore.errors import RequestError, unknown_name
from restore.results.grid import Points, places, seed_means, short
from restore.results.histories import History
from restore.results.published import published
from restore.results.quantities import Quantity, quantity
from restore.results.statistics import Difference, paired_difference
from restore.results.tables import markdown, metrics_of

INPUT = "input"  # in place of a point: the degraded images
Histories = Mapping[str, Sequence[History]]  # by point of the grid, one a seed


@dataclass(frozen=True)
class Claim:
    """One conclusion of a paper; the module says what its keys mean.

    Attributes:
        margin: in dB.
        over: how a column of a history becomes one number, of `SUMMARIES`.
    """

    says: str
    where: str = ""
    quote: str = ""
    better: str = ""
    worse: str = ""
    same: tuple[str, ...] = ()
    higher: str = ""
    lower: str = ""
    quantity: str = ""
    over: str = "end"
    protocols: tuple[str, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    margin: float | None = None
    at_most: bool = False

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> Claim:
        """The claim that a mapping states.

        Raises:
            RequestError: an unknown key, no or more than one pair of things to compare, or a margin that is missing.
        """
        known = [each.name for each in fields(cls)]
        for key in mapping:
            if key not in known:
                raise unknown_name("claims", str(key), known)
        lists = {key: tuple(mapping[key]) for key in ("same", "protocols") if key in mapping}
        claim = cls(**{"says": ""} | dict(mapping) | lists)
        kinds = (claim.better and (claim.worse or claim.published), claim.same, claim.higher and claim.lower)
        if not claim.says or sum(map(bool, (*kinds, claim.protocols))) != 1:
            raise RequestError(f"a claim says something of one pair of things, and this one is {dict(mapping)}")
        if (claim.at_most or claim.same) and claim.margin is None:
            raise RequestError(f"the claim that {claim.says} needs a margin in dB")
        if any(pair and len(pair) != 2 for pair in (claim.same, claim.protocols)):
            raise RequestError(f"the claim that {claim.says} is about two things, and it names another number")
        if bool(claim.higher) != bool(claim.quantity) or claim.over not in SUMMARIES:
            raise RequestError(
                f"the claim that {claim.says} needs a quantity, higher and lower, over {', '.join(SUMMARIES)}"
            )
        return claim

    @property
    def sides(self) -> tuple[str, str]:
        """The two points, the one first that is said to be ahead or higher."""
        if self.same:
            return self.same[0], self.same[1]
        return self.better or self.higher, self.worse or self.lower

    @property
    def source(self) -> str:
        """Where the paper says it, with its words where they are known."""
        return ": ".join(part for part in (self.where, f'"{self.quote}"' if self.quote else "") if part)

    def decide(self, low: float, high: float) -> str:
        """``holds``, ``contradicted`` or ``open``, by the ends of the interval of first − second, more being better."""
        margin = self.margin or 0.0
        if self.same:
            inside, outside = -margin < low and high < margin, low > margin or high < -margin
        elif self.at_most:
            inside, outside = high < margin, low > margin
        else:
            inside, outside = low > margin, high < margin
        return "holds" if inside else "contradicted" if outside else "open"


# -- points of a grid ------------------------------------------------------------------------------


def words(point: str) -> tuple[str, ...]:
    """The ``key=value`` words of a point.

    Example:
        >>> words("model.downsample=[5,9],optim=paper_red")
        ('model.downsample=[5,9]', 'optim=paper_red')
    """
    return tuple(re.split(r",(?=[\w./@+-]+=)", point)) if point else ()


def matching(points: Iterable[str], side: str) -> dict[tuple[str, ...], str]:
    """The points that have all words of a side, by their other words."""
    wanted = set(words(side))
    return {
        tuple(word for word in words(point) if word not in wanted): point
        for point in points
        if wanted <= set(words(point))
    }


def _pairs(points: Iterable[str], first: str, second: str) -> list[tuple[tuple[str, ...], str, str]]:
    """Points that differ in what the sides name, and agree in the other words, which stand first."""
    one, other = matching(points, first), matching(points, second)
    return [(rest, one[rest], other[rest]) for rest in one if rest in other]


def _not_run(points: Iterable[str], *sides: str) -> str:
    points = list(points)
    missing = [side for side in dict.fromkeys(sides) if not matching(points, side)]
    return "not run: " + (" and ".join(map(short, missing)) if missing else " together with ".join(map(short, sides)))


# -- verdicts --------------------------------------------------------------------------------------

Line = list[str]


def verdicts(
    rows: Sequence[dict], claims: Sequence[Mapping[str, Any]], metric: str = "", histories: Histories | None = None
) -> str:
    """What became of a paper's conclusions, a line each; one that was not run says what is missing.

    Args:
        rows: of a sweep's ``results.csv``.
        claims: as `Claim.read` takes them.
        metric: by which they are judged, in its own direction; by default the first of the rows. Those with a margin
            are judged by a metric in dB.
        histories: of the jobs; what they would tell is ``not kept`` without them.

    Returns:
        A table for each set and setting of the rows' first protocol, and one of what is told by training itself.
    """
    label = metric or metrics_of(rows)[0]
    decibels = next((each for each in (label, *metrics_of(rows)) if quantity(each).unit == "dB"), label)
    read = [Claim.read(claim) for claim in claims]
    boards = {each: (places(rows, each), places(rows, each, "value_input")) for each in {label, decibels}}
    scores = boards[label][0]
    first = next((place[2] for place in scores), "")
    parts = []
    for place in (place for place in scores if place[2] == first):
        lines: list[Line] = []
        for claim in (claim for claim in read if not claim.quantity):
            by = label if claim.margin is None else decibels
            lines += _scored(claim, place, *boards[by], quantity(by))
        parts += _table(f"the paper's conclusion ({place[0]} {place[1]})", lines)
    run = dict.fromkeys(point for points in scores.values() for point in points)
    lines = [line for claim in read if claim.quantity for line in _trained(claim, run, histories or {})]
    return "\n\n".join(parts + _table("the paper's conclusion (over training)", lines))


def _table(title: str, lines: Sequence[Line]) -> list[str]:
    return [markdown((title, "here", "difference, 95 %", "where, and its words"), lines)] if lines else []


def _line(claim: Claim, rest: Sequence[str], verdict: str, difference: str = "–") -> Line:
    of = f" ({short(','.join(rest))})" if rest and tuple(rest) != ("all",) else ""
    return [claim.says + of, verdict, difference, claim.source or "–"]


def _scored(
    claim: Claim,
    place: tuple[str, str, str],
    scores: Mapping[tuple, Points],
    inputs: Mapping[tuple, Points],
    known: Quantity,
) -> Iterator[Line]:
    """A claim about test scores on one set and setting."""
    if claim.margin is not None and known.unit != "dB":
        yield _line(claim, (), f"open: its margin is {claim.margin:g} dB")
        return
    points = scores.get(place, {})
    if claim.protocols:
        pairs = _by_protocol(claim, place, scores)
        missing = "not run: protocol " + " and ".join(claim.protocols)
    elif claim.published:
        pairs, missing = _beside_published(claim, place, points, known)
    elif claim.worse == INPUT:
        pairs = [(rest, inputs[place][point], points[point]) for rest, point in matching(points, claim.better).items()]
        missing = _not_run(points, claim.better)
    else:
        pairs = [(rest, points[other], points[one]) for rest, one, other in _pairs(points, *claim.sides)]
        missing = _not_run(points, *claim.sides)
    for rest, second, ahead in pairs:
        gain = paired_difference(second, ahead)
        yield _line(claim, rest, _verdict(claim, gain, known.higher_is_better), gain.text(known, known.digits))
    if not pairs:
        yield _line(claim, (), missing)


Pair = tuple[Sequence[str], Mapping[str, Sequence[float]], Mapping[str, Sequence[float]]]


def _by_protocol(claim: Claim, place: tuple[str, str, str], scores: Mapping[tuple, Points]) -> list[Pair]:
    """Differences of the same network on the same image, against nought: a seed differs from itself alone."""
    one, other = (scores.get((*place[:2], protocol), {}) for protocol in claim.protocols)
    pairs: list[Pair] = []
    for rest, point in matching([point for point in one if point in other], claim.better).items():
        gains = {
            image: [a - b for a, b in zip(values, other[point][image], strict=True)]
            for image, values in one[point].items()
        }
        pairs.append((rest, {image: [0.0] for image in gains}, gains))
    return pairs


def _beside_published(
    claim: Claim, place: tuple[str, str, str], points: Points, known: Quantity
) -> tuple[list[Pair], str]:
    """Means over the images, one a seed, beside the printed one: what it has on each image is not printed."""
    wanted = dict(claim.published) | {"metric": known.name}
    printed = [row for row in published() if all(row[key] == value for key, value in wanted.items())]
    if not printed:
        return [], f"not published: {known.title}"
    here = [float(row["value"]) for row in printed if (row["dataset"], row["setting"]) == place[:2]]
    own = matching(points, claim.better)
    if not here or not own:
        sets = dict.fromkeys(f"{row['dataset']} {row['setting']}" for row in printed)
        return [], "not run: " + (short(claim.better) if here else " or ".join(sets))
    theirs = {"mean": here}
    return [(rest, theirs, {"mean": seed_means(points[point])}) for rest, point in own.items()], ""


def _verdict(claim: Claim, gain: Difference, more_is_better: bool = True) -> str:
    return claim.decide(gain.low, gain.high) if more_is_better else claim.decide(-gain.high, -gain.low)


# -- over training ---------------------------------------------------------------------------------


def _end(column: Sequence[float], label: str) -> float:
    """The last value."""
    return [value for value in column if not isnan(value)][-1]


def _mean(column: Sequence[float], label: str) -> float:
    """The mean over all rows: of a validated metric, how fast it rose."""
    return fmean(value for value in column if not isnan(value))


def _drop(column: Sequence[float], label: str) -> float:
    """How far the last value is behind the best: of a validated metric, what overfitting shows as."""
    best = max if quantity(label.rpartition("/")[2]).higher_is_better else min
    return abs(best(value for value in column if not isnan(value)) - _end(column, label))


SUMMARIES = {"end": _end, "training": _mean, "drop": _drop}


def _summary(history: History, claim: Claim) -> float | None:
    """The column that a claim is about as one number; None where it was not written.

    ``seconds`` are training seconds for a thousand patches, so that jobs of unlike lengths can be compared.
    """
    column = history.get(claim.quantity, ())
    if not any(not isnan(value) for value in column):
        return None
    if claim.quantity == "seconds":
        return 1000 * column[-1] / history["patches"][-1] if history["patches"][-1] else None
    return SUMMARIES[claim.over](column, claim.quantity)


def _trained(claim: Claim, run: Iterable[str], histories: Histories) -> Iterator[Line]:
    """A claim about what training wrote down, compared over seeds."""
    pairs = _pairs(run, *claim.sides)
    if not pairs:
        yield _line(claim, (), _not_run(run, *claim.sides))
    for rest, *points in pairs:
        seeds = [[_summary(history, claim) for history in histories.get(point, ())] for point in points]
        higher, lower = ([value for value in values if value is not None] for values in seeds)
        if not higher or not lower:
            kept = all(histories.get(point) for point in points)
            yield _line(claim, rest, f"not {'measured' if kept else 'kept'}: {claim.quantity}")
            continue
        gain = paired_difference({"run": lower}, {"run": higher})
        values = f"{fmean(higher):.4g} against {fmean(lower):.4g}"
        interval = f"{gain.mean:+.3g} [{gain.low:+.3g}, {gain.high:+.3g}]"
        yield _line(claim, rest, _verdict(claim, gain), f"{values}: {interval}")
