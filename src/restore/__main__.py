"""List the commands: ``python -m restore``."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent
FIRST = ("run", "evaluate")


def commands() -> dict[str, str]:
    """The name of each command with the first line of its docstring; nothing is imported for it."""
    modules = [file for file in PACKAGE.glob("*.py") if file != Path(__file__) and _is_command(file)]
    files = {file.stem: file for file in modules} | {file.parent.name: file for file in PACKAGE.glob("*/__main__.py")}
    order = sorted(files, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return {name: _summary(files[name]) for name in order}


def _is_command(file: Path) -> bool:
    return 'if __name__ == "__main__":' in file.read_text()


def _summary(file: Path) -> str:
    line = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
    return line.partition(": ``")[0].rstrip(".")


def main() -> None:
    for name, line in commands().items():
        print(f"python -m restore.{name:<11} {line}")
    print("\nEach takes key=value words, and --help.")


if __name__ == "__main__":
    main()
