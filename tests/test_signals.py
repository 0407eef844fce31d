"""Commands that are told to stop: what they are at, what ends with them, and what stays ignored."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = """
import os, subprocess, sys, time
from restore import signals
signals.listen()
from restore.errors import report_errors
signals._listener.grace = 0.5
"""


def ended(body: str, *numbers: signal.Signals, between: float = 0.0) -> tuple[int, str, float]:
    """Exit code, what was said, and seconds to the end of a command that gets the signals when it prints."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", COMMAND + body], **pipes) as process:
        process.stdout.readline()
        begin = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(between)
        _, err = process.communicate(timeout=30)
    return process.returncode, err, time.monotonic() - begin


WORKS = """
with report_errors():
    signals.go_on(lambda: "it goes on")
    print(flush=True)
    time.sleep(30)
"""
DEEP = """
signals.go_on(lambda: "it goes on")
with report_errors(), signals.answered(lambda number: time.sleep(30)):
    print(flush=True)
    sum(range(10**12))  # no byte of Python is run until it is done
"""


def test_what_is_under_way_says_how_it_goes_on():
    for number in (signal.SIGTERM, signal.SIGHUP):
        code, err, seconds = ended(WORKS, number)
        assert (code, err) == (143, f"restore: told to stop ({number.name}); it goes on\n")
        assert seconds < 5


def test_the_grace_is_kept_by_what_is_deep_in_a_computation():
    code, err, seconds = ended(DEEP, signal.SIGTERM)
    assert code == 143
    assert err.count("told to stop (SIGTERM)") == 1
    assert 0.4 < seconds < 5


def test_while_importing_it_leaves_at_once():
    code, err, _ = ended("print(flush=True)\ntime.sleep(30)", signal.SIGTERM)
    assert code == 143
    assert "nothing was begun" in err
    assert ended("print(flush=True)\ntime.sleep(30)", signal.SIGINT)[:2] == (130, "")


def test_ctrl_c_is_quiet_once_and_twice():
    code, err, _ = ended(WORKS, signal.SIGINT)
    assert (code, err) == (130, "restore: interrupted (Ctrl-C); it goes on\n")
    stubborn = WORKS.replace("    print(flush=True)", "    try:\n     print(flush=True)")
    stubborn = stubborn.replace("    time.sleep(30)", "     time.sleep(30)\n    finally:\n     time.sleep(30)")
    assert ended(stubborn, signal.SIGINT, signal.SIGINT, between=0.3)[:2] == (130, "")


def test_what_is_ignored_stays_so():
    """``nohup``."""
    body = "print(flush=True)\ntime.sleep(0.3)\nprint(signals.listening(), file=sys.stderr)"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        code, err, _ = ended(body, signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (code, err) == (0, "True\n")


@pytest.mark.skipif(sys.platform != "linux", reason="another kernel does not tell a child that its parent died")
def test_what_is_tied_ends_with_its_parent(tmp_path):
    child = COMMAND + WORKS.replace("print(flush=True)", "print(os.getpid(), flush=True)")
    parent = (
        f"import os, subprocess, sys; from restore import signals\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], env=os.environ | signals.tied()).wait()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        assert process.stdout.read() == "", "it was the last to hold the pipe"
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_that_imports_the_package_is_left_alone():
    words = "import signal, restore; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert done.stdout == "True\n"
