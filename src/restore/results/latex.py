"""Tables for LaTeX: ``longtable`` and ``booktabs``, so that a long one breaks over pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"}
SPECIAL |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {"±": r"$\pm$", "×": r"$\times$", "−": "$-$", "–": "--", "…": r"\dots{}", "°": r"$^\circ$", "σ": r"$\sigma$"}
SPECIAL |= {"●": r"$\bullet$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"}
SPECIAL |= {"é": r"\'e", "ö": r"\"o", "ü": r"\"u"}
NEEDS = "% needs \\usepackage{booktabs,longtable}\n"


def escape(text: str) -> str:
    """Text that LaTeX sets as it is read.

    Example:
        >>> escape("bsd68 30 % ± 1 {set}")
        'bsd68 30 \\\\% $\\\\pm$ 1 \\\\{set\\\\}'
    """
    marks = re.sub(r"(?<![\w.)\]])-(?=\d)", "−", str(text))  # a minus is no hyphen
    return "".join(SPECIAL.get(character, character) for character in marks)


def longtable(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str, label: str) -> str:
    """One table with its caption; nothing in it is bold.

    Args:
        label: of ``\\ref``, without ``tab:``.
    """
    columns = "l" * len(header)
    head = " & ".join(map(escape, header)) + r" \\"
    body = "\n".join(" & ".join(map(escape, row)) + r" \\" for row in rows)
    return (
        f"\\begin{{longtable}}{{{columns}}}\n\\caption{{{escape(caption)}}}\\label{{tab:{label}}}\\\\\n"
        f"\\toprule\n{head}\n\\midrule\n\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n"
        f"\\bottomrule\n\\endfoot\n{body}\n\\end{{longtable}}\n"
    )
