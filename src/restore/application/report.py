"""Before, after, and what was removed: a picture per file, and a page of them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restore import atomic
from restore.application.files import Job, Jobs
from restore.files import printable
from restore.photos import Photo

SIDE = 700  # pixels, at most, of each of the three pictures
GAP = 8
SHOWN = 0.25  # of [0, 1]: a difference that large is drawn black or white
STYLE = """body{font:16px/1.4 sans-serif;margin:2em auto;max-width:2130px;padding:0 1em}img{max-width:100%}
figure{margin:0 0 2.5em}figcaption{margin-bottom:.4em}"""


@dataclass
class Report:
    """Pictures in a folder, and ``index.html`` beside them.

    Attributes:
        folder: that they are written to.
        rows: of each file: its name, its picture, and a sentence on it.
    """

    folder: Path
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def beside(cls, jobs: Jobs) -> Report:
        """The report of a command: ``report`` in its output folder, ``<name>_report`` beside its output file."""
        if jobs.folder:
            return cls(jobs.folder / "report")
        target = jobs.jobs[0].target
        return cls(target.with_name(f"{target.stem}_report"))

    def keep(self, job: Job, before: Photo, after: Photo) -> None:
        """Draw a file's picture: where an image was enlarged, before is its pixels, repeated."""
        times = after.levels.shape[0] // before.levels.shape[0]
        old = _levels(before).repeat(times, axis=0).repeat(times, axis=1)
        new = _levels(after)
        removed = old - new
        shown = (0.5 + removed / (2 * SHOWN)).clip(0, 1)
        top, left = ((size - min(size, SIDE)) // 2 for size in new.shape[:2])
        window = (slice(top, top + SIDE), slice(left, left + SIDE))
        panels = [_eight_bit(panel[window]) for panel in (old, new, shown)]
        gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
        content = io.BytesIO()
        Image.fromarray(np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)).save(content, "PNG")
        name = f"{len(self.rows) + 1:04d}.png"
        atomic.write(self.folder / name, content.getvalue())
        height, width = new.shape[:2]
        part = f"the middle {SIDE} pixels of " if max(height, width) > SIDE else ""
        size = 255 * float(np.sqrt(np.mean(removed**2)))
        sentence = f"{part}{width}×{height}; what was removed has a root mean square of {size:.2f} levels of 255"
        self.rows.append((printable(str(job.source)), name, sentence))

    def write(self) -> Path:
        """Write the page; returns its path."""
        figures = "\n".join(
            f"<figure><figcaption><b>{escape(name)}</b>: {escape(sentence)}</figcaption>"
            f'<img src="{quote(picture)}" alt="before, after and removed: {escape(name)}"></figure>'
            for name, picture, sentence in self.rows
        )
        note = f"Before | after | before − after, gray where nothing changed, ±{255 * SHOWN:.0f} levels at its ends."
        page = self.folder / "index.html"
        atomic.write(
            page,
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>restored</title><style>{STYLE}</style>'
            f"</head>\n<body><h1>{len(self.rows)} restored</h1><p>{note}</p>\n{figures}\n</body></html>\n",
        )
        return page


def _levels(photo: Photo) -> NDArray[np.float32]:
    """``(H, W, 3)`` in [0, 1]."""
    levels = photo.levels.astype(np.float32) / photo.peak
    return np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else levels


def _eight_bit(picture: NDArray) -> NDArray[np.uint8]:
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)
