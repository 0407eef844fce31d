import pytest

from restore import memory
from restore.errors import RequestError


def test_the_tightest_limit_counts(tmp_path, monkeypatch):
    """Of the machine, a group of processes and those that it lies in."""
    group = tmp_path / "slice" / "job"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (tmp_path / "slice" / "memory.max").write_text("3000000000\n")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    reads = memory.Path.read_text
    listed = "0::/slice/job\n4:cpu:/elsewhere\n"
    monkeypatch.setattr(
        memory.Path, "read_text", lambda path: listed if str(path) == "/proc/self/cgroup" else reads(path)
    )
    memory.machine_memory.cache_clear()
    try:
        assert memory.machine_memory() == 3_000_000_000
        with pytest.raises(
            RequestError, match=r"^a batch needs at least 3\.1 GB of memory, and this machine has 3\.0 GB$"
        ):
            memory.check_memory(3.1e9, "a batch")
        memory.check_memory(2.9e9, "a batch")
    finally:
        memory.machine_memory.cache_clear()
