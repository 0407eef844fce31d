"""Real pairs: which files of a folder are the two halves of one, written down as two patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restore.data.blocks import SIDD_BLOCKS, BlockLayout
from restore.data.images import SUFFIXES
from restore.errors import RequestError

PairedFiles = list[tuple[str, Path, Path]]  # name, clean, degraded


@dataclass(frozen=True)
class PairLayout:
    """Two patterns below a folder; what stands for the stars tells which files belong together.

    ``*`` stands for anything but ``/``. A pattern that ends with one is completed by any image suffix. A pair is
    called by what stands for the stars, joined by hyphens: GOPRO's ``*/sharp/*`` gives ``GOPR0372_07_00-000047``.

    Args:
        clean: such as ``clean/*``, ``*/sharp/*`` or ``*_mean.JPG``.
        degraded: with as many stars.

    Raises:
        ValueError: a pattern without a star, or two of different numbers of stars.
    """

    clean: str
    degraded: str

    def __post_init__(self) -> None:
        if not self.clean.count("*") == self.degraded.count("*") > 0:
            raise ValueError(
                "data.layout is two patterns with as many stars each, such as {clean: '*/sharp/*', degraded: "
                f"'*/blur/*'}}, and it is {self.clean!r} and {self.degraded!r}"
            )

    def find(self, folder: Path) -> PairedFiles:
        """The pairs of a folder by name; none where neither pattern fits a file.

        Raises:
            RequestError: files without a partner, or two files of one name, the first ones named.
        """
        clean, degraded = (_matches(folder, pattern) for pattern in (self.clean, self.degraded))
        alone = [str((clean | degraded)[name]) for name in sorted(set(clean) ^ set(degraded))]
        if alone and clean and degraded:
            named = f"{', '.join(alone[:5])}{' ...' if alone[5:] else ''}"
            raise RequestError(f"{len(alone)} files have no partner: {named}")
        return [("-".join(name), clean[name], degraded[name]) for name in sorted(set(clean) & set(degraded))]


Layout = PairLayout | BlockLayout
GOPRO = PairLayout("*/sharp/*", "*/blur/*")
POLYU = PairLayout("*_mean.JPG", "*_real.JPG")
SIDD = PairLayout("*/*_GT_SRGB_*", "*/*_NOISY_SRGB_*")
# what a folder of a person's own is tried for, in this order
COMMON: Sequence[Layout] = (
    PairLayout("clean/*", "degraded/*"),
    PairLayout("*/clean/*", "*/degraded/*"),
    PairLayout("clean/*", "noisy/*"),
    PairLayout("sharp/*", "blur/*"),
    GOPRO,
    PairLayout("GT/*", "NOISY/*"),
    PairLayout("GT/*", "LQ/*"),
    PairLayout("HQ/*", "LQ/*"),
    PairLayout("gt/*", "lq/*"),
    PairLayout("gt/*", "input/*"),
    PairLayout("groundtruth/*", "input/*"),
    PairLayout("target/*", "input/*"),
    SIDD,
    POLYU,
    SIDD_BLOCKS,
)


def find_pairs(folder: Path, layout: Layout | None = None) -> PairedFiles:
    """The pairs of a folder, by a layout, or by the first common one that fits; none where none does."""
    for each in (layout,) if layout else COMMON:
        if pairs := each.find(folder):
            return pairs
    return []


def _matches(folder: Path, pattern: str) -> dict[tuple[str, ...], Path]:
    """Files by what stands for the stars."""
    expression = re.compile("([^/]+)".join(map(re.escape, pattern.split("*"))))
    files: dict[tuple[str, ...], Path] = {}
    for file in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        if file.suffix.lower() not in SUFFIXES:
            continue
        path = file.relative_to(folder).as_posix()
        match = expression.fullmatch(path.removesuffix(file.suffix) if pattern.endswith("*") else path)
        if match and files.setdefault(match.groups(), file) is not file:
            raise RequestError(f"{files[match.groups()]} and {file} have one name, and each pair needs its own")
    return files
