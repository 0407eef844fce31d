"""How commands end: exit codes, one sentence, and where a trace lies."""

import errno
import subprocess
import sys

import pytest

from restore.errors import RequestError, report_errors, unknown_name


def ending(error: BaseException, folder=".") -> int:
    with pytest.raises(SystemExit) as stop, report_errors(folder):
        raise error
    return stop.value.code


def test_a_wrong_request_is_one_sentence(capsys):
    assert ending(RequestError("no such thing")) == 2
    assert capsys.readouterr().err == "restore: no such thing\n"


def test_a_full_disk_is_no_bug(capsys):
    assert ending(OSError(errno.ENOSPC, "No space left on device", "/runs/x")) == 1
    assert capsys.readouterr().err == "restore: no space left on the disk of /runs/x\n"


def test_a_bug_leaves_its_trace_in_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    assert ending(ValueError("odd\nvalue"), tmp_path) == 70
    (trace,) = tmp_path.iterdir()
    said = capsys.readouterr().err
    assert said == f"restore: a bug of ours (ValueError: odd value), its trace: {trace}\n"
    assert "in ending" in trace.read_text()


def test_where_the_folder_cannot_be_written_to_the_trace_is_elsewhere(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert ending(ValueError("odd"), tmp_path / "none") == 70
    (trace,) = tmp_path.iterdir()
    assert str(trace) in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_bug(tmp_path):
    program = (
        "from restore.errors import report_errors\nwith report_errors():\n    print('line\\n' * 100_000, flush=True)"
    )
    command = f"{sys.executable} -c {chr(34)}{program}{chr(34)} | head -n 1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("line\n141\n", "")
    assert not list(tmp_path.iterdir()), "and leaves no trace"


def test_the_full_trace_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(ValueError, match="odd"), report_errors():
        raise ValueError("odd")


def test_told_to_stop_passes():
    with pytest.raises(SystemExit) as stop, report_errors():
        raise SystemExit(143)
    assert stop.value.code == 143


def test_the_nearest_name_comes_first():
    assert str(unknown_name("task", "denoize", ["denoise", "deblur"])) == (
        "unknown task 'denoize': did you mean 'denoise'? (there are deblur, denoise)"
    )
    assert str(unknown_name("key", "a.seed", ["seed"])) == "unknown key 'a.seed': did you mean 'seed'?"
