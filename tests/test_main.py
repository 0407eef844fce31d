"""``python -m restore``."""

import subprocess
import sys
from pathlib import Path

import restore
from restore.__main__ import commands


def test_each_command_is_listed_with_a_line():
    said = subprocess.run([sys.executable, "-m", "restore"], capture_output=True, text=True, check=True).stdout
    names = list(commands())
    assert names[:2] == ["run", "evaluate"]
    assert {"bench", "campaign", "report"} <= set(names)
    for name, line in zip(names, said.splitlines(), strict=False):
        assert line.startswith(f"python -m restore.{name} ")
        assert len(line.split(maxsplit=3)[3]) > 20


def test_what_is_listed_can_be_called():
    folder = Path(restore.__file__).parent
    for name in commands():
        file = folder / f"{name}.py"
        assert 'if __name__ == "__main__":' in (file if file.is_file() else folder / name / "__main__.py").read_text()
