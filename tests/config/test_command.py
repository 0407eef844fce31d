"""A Hydra command: what is recorded is what was computed, and how it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from omegaconf import OmegaConf

from restore.config.compose import run_config


def test_what_was_computed_is_recorded(command, tiny, tmp_path):
    words = ["test_sets=" + str(tmp_path / "test"), "task=sr", "protocols.dncnn.border=0", "model=identity"]
    words = [*(word for word in tiny if not word.startswith(("model", "test_sets"))), *words]
    answer = command("run", *words)
    assert answer.code == 0, answer.err
    config = run_config(next((tmp_path / "runs").rglob("result.json")).parent)
    assert config.test_sets == [str(tmp_path / "test")], "a single name, as the list that it stands for"
    assert list(config.protocols) == ["dncnn", "dncnn+border=0"]
    assert "border" not in config.protocols["dncnn+border=0"].families.sr
    assert config.protocols.dncnn.families.sr.border == -1
    assert not OmegaConf.is_missing(config, "precision")


def test_a_folder_of_ones_own_reaches_evaluate(command, tmp_path):
    (tmp_path / "own" / "protocol").mkdir(parents=True)
    (tmp_path / "own" / "protocol" / "mine.yaml").write_text(
        "# @package protocols.mine\ndefaults: [_base, _self_]\nborder: 4\n"
    )
    answer = command("evaluate", "--config-dir", "own", "protocol=[dncnn,mine]", "protocols.mine.border=0")
    assert answer.code == 0, answer.err
    assert "protocol mine+border=0 (" in answer.out
    assert "mine+border=0 against dncnn on" in answer.out


def test_a_multirun_of_evaluate_is_hydras(command, tmp_path):
    answer = command("evaluate", "-m", "task.sigma=10,20", "protocols.dncnn.border=0,2", "hydra.sweep.dir=swept")
    assert answer.code == 0, answer.err
    assert answer.out.count("rows added to") == 4


BROKEN = """
import sys
import restore.run
from restore.config.command import command

def broken(config):
    raise ZeroDivisionError("by no means")

sys.argv = ["restore.run", *sys.argv[1:]]
command("config", broken)
"""


def test_a_bug_of_ours_leaves_its_trace_in_the_run_folder(tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    words = ["hydra.run.dir=here", "logger=none"]

    def ended(**environment: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "broken.py", *words]
        return subprocess.run(command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True)

    done = ended()
    assert done.returncode == 70
    assert done.stderr.startswith("restore: a bug of ours (ZeroDivisionError: by no means), its trace: ")
    assert len(done.stderr.splitlines()) == 1
    (trace,) = (tmp_path / "here").glob("restore-trace-*.txt")
    assert str(trace) in done.stderr
    assert 'raise ZeroDivisionError("by no means")' in trace.read_text()
    done = ended(HYDRA_FULL_ERROR="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_saves_and_its_resume_ends_as_if_undisturbed(command, tiny, tmp_path, number):
    words = [*tiny, "trainer.max_steps=1000000", "trainer.max_time=null", "trainer.validations=2"]
    start = [sys.executable, "-m", "restore.run", *words, f"hydra.run.dir={tmp_path / 'cut'}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(start, cwd=tmp_path, **pipes) as process:
        while "overlap" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(1)  # after the first step and before the first validation: nothing but the signal saves
        process.send_signal(number)
        begin = time.monotonic()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 143, err
    assert time.monotonic() - begin < 10
    assert err == f"restore: told to stop ({number.name}); resume='{tmp_path / 'cut'}' goes on\n"
    cut = torch.load(tmp_path / "cut" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert cut > 0
    limits = [f"trainer.max_steps={cut + 5}", "trainer.validations=1"]
    for more in (f"resume={tmp_path / 'cut'}", f"hydra.run.dir={tmp_path / 'whole'}"):
        answer = command("run", *(words if more.startswith("hydra") else []), more, *limits)
        assert answer.code == 0, answer.err
