"""The sums that `make test-faults` prints are those of all its workers."""

import subprocess
import sys
from pathlib import Path

TRIALS = """
def test_one(tally):
    tally("kills", 3)

def test_other(tally):
    tally("kills")
    tally("rows lost", 0)
"""


def test_sums_come_from_every_worker(tmp_path):
    folder = tmp_path / "faults"
    folder.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    faults: trials\n")
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (folder / "test_two.py").write_text(TRIALS)
    words = ["-m", "faults", "faults", "-n", "2", "-p", "no:cacheprovider"]
    ended = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert [line.split() for line in ended.stdout.splitlines() if line.endswith(("kills", "rows lost"))] == [
        ["4", "kills"],
        ["0", "rows", "lost"],
    ]
