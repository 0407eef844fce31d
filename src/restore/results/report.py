"""What a run reached, as text: per image, means, what protocols differ by, and margins over classical methods."""

from __future__ import annotations

from collections.abc import Sequence

from restore.evaluation.metrics import Metric
from restore.evaluation.protocol import Protocol, Setting
from restore.results import store
from restore.results.quantities import quantity
from restore.results.tables import Line, images_table, label_of, lines_of, means_table, metrics_of, not_run_tables

SMALL_SET = 14  # images, up to which each has a line
PLACES = 4  # sets and settings that a line about a metric names


def report(
    rows: Sequence[dict], protocols: Sequence[Protocol], settings: Sequence[Setting], metrics: Sequence[Metric] = ()
) -> str:
    """A table per image where a set is small, one of the means, the papers' other methods, and the protocols' names.

    Args:
        metrics: that were asked for: of those that have no value for some images, a line says so.
    """
    means = store.means(rows)
    families = dict.fromkeys(setting.family for setting in settings)
    parts = [*image_tables(rows), means_table(means), *not_run_tables(means)]
    parts += ["\n".join(lines) for lines in (protocol_differences(means), missing_values(rows, metrics)) if lines]
    parts.append("\n".join(f"protocol {one.describe(family)}" for one in protocols for family in families))
    return "\n\n".join(parts)


def image_tables(rows: Sequence[dict]) -> list[str]:
    """A heading and a table for each small set, setting and protocol."""
    parts = []
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["dataset"], row["setting"], row["protocol"]), []).append(row)
    for (dataset, setting, protocol), group in groups.items():
        if len({row["image"] for row in group}) <= SMALL_SET:
            where = f"{dataset} {setting}, protocol {protocol}"
            parts += [f"{where}, overlap with training: {overlapping(group)}", images_table(group)]
    return parts


def overlapping(rows: Sequence[dict]) -> str:
    """Names of the images that were trained on, in words."""
    images = sorted({row["image"] for row in rows if row["overlap"] not in ("none", "unknown")})
    return ", ".join(images) or ("training images not known" if rows[0]["overlap"] == "unknown" else "none")


def protocol_differences(means: Sequence[dict]) -> list[str]:
    """What each further protocol gives beside the first one, a line per set, setting and network."""
    first: dict[tuple, Line] = {}
    texts = []
    for line in lines_of(means):
        mean = next(iter(line.values()))
        place = (mean["dataset"], mean["setting"], label_of(mean))
        reference = first.setdefault(place, line)
        if reference is not line:
            protocol = next(iter(reference.values()))["protocol"]
            what = f"{mean['protocol']} against {protocol} on {' '.join(place)}"
            texts.append(f"{what}: {differences(line, reference)}")
    return texts


def differences(line: Line, reference: Line) -> str:
    """``+0.500 dB, SSIM +0.0100``: what one mean has over another of the same network, by each metric of both."""
    texts = []
    for metric in (metric for metric in reference if metric in line):
        known = quantity(metric)
        difference = line[metric]["value"] - reference[metric]["value"]
        text = known.with_unit(difference, known.fine_digits, "+")
        texts.append(text if known.unit and not texts else f"{known.title} {text}")
    return ", ".join(texts)


def margins(means: Sequence[dict], model: str) -> list[str]:
    """How far the network is from the best classical method, a line per set, setting and protocol.

    The best is so by the first metric, in its own direction.
    """
    lines = lines_of(means)
    leading = next(iter(metrics_of(means)), None)
    texts = []
    for line in (line for line in lines if leading in line and label_of(line[leading]) == model):
        mean = line[leading]
        known = quantity(leading)
        others = [other for other in lines if leading in other and _rivals(mean, other[leading])]
        if others:
            rank = max if known.higher_is_better else min
            best = rank(others, key=lambda other: other[leading]["value"])
            where = f"{mean['dataset']} {mean['setting']}"
            against = label_of(best[leading]).replace("_", " ")
            texts.append(f"{model} against {against} on {where}: {_margin(line, best)}")
    return texts


def _margin(line: Line, best: Line) -> str:
    texts = []
    for metric in (metric for metric in line if metric in best):
        known, mine, theirs = quantity(metric), line[metric]["value"], best[metric]["value"]
        title = "" if known.unit and not texts else f"{known.title} "
        numbers = f"{known.text(mine)} against {known.text(theirs)}"
        texts.append(f"{title}{known.with_unit(mine - theirs, sign='+')} ({numbers})")
    return ", ".join(texts)


def _rivals(mean: dict, other: dict) -> bool:
    same = all(other[column] == mean[column] for column in ("dataset", "setting", "protocol"))
    return same and label_of(other) != label_of(mean)


def missing_values(rows: Sequence[dict], metrics: Sequence[Metric]) -> list[str]:
    """A line for each metric that is not defined for some test pairs, with what it needs."""
    every = {(row["dataset"], row["setting"], row["image"]) for row in rows}
    texts = []
    for metric in metrics:
        scored = {(row["dataset"], row["setting"], row["image"]) for row in rows if row["metric"] == metric.label}
        missing = every - scored
        if missing:
            places = sorted({f"{dataset} {setting}" for dataset, setting, _ in missing})
            more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
            why = f"; it needs {metric.needs}" if metric.needs else ""
            where = ", ".join(places[:PLACES]) + more
            texts.append(f"{metric.label} is not defined for {len(missing)} of {len(every)} test pairs ({where}){why}")
    return texts
