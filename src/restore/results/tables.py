"""Tables as text: the same characters on a terminal, in a log and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from restore.results.published import find


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it reads as plain text too; all columns but the first are numbers."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for number, row in enumerate(cells):
        padded = [
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("| " + " | ".join(padded) + " |")
        if number == 0:
            lines.append("|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|")
    return "\n".join(lines)


def score(psnr: float, ssim: float) -> str:
    return f"{psnr:.2f} / {ssim:.4f}"


def means_table(means: Sequence[dict]) -> str:
    """A line per set, setting and protocol: images, input, restored, and what the paper prints for this network."""
    rows = []
    for mean in means:
        paper = find(mean["task"], mean["dataset"], mean["setting"], mean["model"], int(mean["channels"]))
        there = "; ".join(
            row["psnr_db"] + (f" / {row['ssim']}" if row["ssim"] else "") + f" ({row['paper']} {row['table']})"
            for row in paper
        )
        cells = [f"{mean['dataset']} {mean['setting']}", mean["protocol"], mean["model"], str(mean["images"])]
        cells += [score(mean["psnr_input"], mean["ssim_input"]), score(mean["psnr"], mean["ssim"]), there or "–"]
        rows.append([*cells, mean["overlap"] or "–"])
    header = ("set", "protocol", "model", "images", "input PSNR / SSIM", "restored PSNR / SSIM", "published", "overlap")
    return markdown(header, rows)


def images_table(rows: Sequence[dict]) -> str:
    """A line per image and a last one for their mean; a column for the input and one per method.

    Args:
        rows: results rows of one protocol, set and setting; the methods in order of appearance.
    """
    methods = list(dict.fromkeys(row["model"] for row in rows))
    images = list(dict.fromkeys(row["image"] for row in rows))
    by_place = {(row["image"], row["model"]): row for row in rows}
    lines, totals = [], [[0.0, 0.0] for _ in range(len(methods) + 1)]
    for image in images:
        first = by_place[image, methods[0]]
        pairs = [(first["psnr_input"], first["ssim_input"])]
        pairs += [(by_place[image, m]["psnr"], by_place[image, m]["ssim"]) for m in methods]
        lines.append([image, *(score(*pair) for pair in pairs)])
        for total, pair in zip(totals, pairs, strict=True):
            total[0] += pair[0] / len(images)
            total[1] += pair[1] / len(images)
    lines.append(["mean", *(score(*total) for total in totals)])
    return markdown(["PSNR dB / SSIM", "input", *(m.replace("_", " ") for m in methods)], lines)
