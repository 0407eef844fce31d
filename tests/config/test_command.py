"""A Hydra command: what is recorded is what was computed, and how it ends."""

import os
import re
import subprocess
import sys

import pytest
import torch
from omegaconf import OmegaConf

from restore.config.compose import run_config
from restore.runfolder import RunFolder
from restore.runs import lock


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_told_to_stop_it_saves_between_two_validations(tiny, tmp_path):
    words = [*tiny, "trainer.max_steps=1000000", "trainer.max_time=null", "trainer.validations=2"]
    command = [sys.executable, "-m", "restore.run", *words, f"hydra.run.dir={tmp_path / 'cut'}"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        while (
            "expected" not in process.stdout.readline()
        ):  # it trains; the first validation is half a million steps away
            assert process.poll() is None
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert process.returncode == 143, err
    assert err == f"restore: told to stop (SIGTERM); resume='{tmp_path / 'cut'}' goes on\n"
    assert torch.load(tmp_path / "cut" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] > 5


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    """What fails in Hydra's own part is said as what fails in ours."""
    (tmp_path / "runs").write_text("a file where the folder of runs is to be")
    command = [sys.executable, "-m", "restore.run", "logger=none", "trainer.max_steps=1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"restore: .*runs.*: not a directory\n", done.stderr)


def test_two_runs_do_not_share_a_folder(tiny, tmp_path):
    """The second one is told before it has touched a file of the first one's."""
    folder = RunFolder(tmp_path / "one")
    with lock.held(folder):
        command = [sys.executable, "-m", "restore.run", *tiny, f"hydra.run.dir={folder}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 75
    assert done.stderr.startswith(f"restore: {folder} is written by another command (process {os.getpid()} on ")
    assert os.listdir(folder) == [folder.lock.name]
