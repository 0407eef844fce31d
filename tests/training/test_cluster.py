"""Where a process stands among those that Slurm and torchrun start."""

import os
import re

import pytest

from restore.training import cluster

VARIABLES = ("SLURM_STEP_ID", "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",
             "SLURM_RESTART_COUNT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT")  # fmt: skip


@pytest.fixture
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def test_a_process_of_its_own_has_its_own_time(environment):
    assert cluster.stamp("2026-01-01") == "2026-01-01"
    assert not cluster.restarted()


def test_tasks_of_a_slurm_step_share_a_folder_again_after_a_requeue(environment):
    environment(SLURM_JOB_ID="17", SLURM_STEP_ID="0", SLURM_RESTART_COUNT="1")
    assert cluster.stamp("now") == "slurm_17_0"
    assert cluster.restarted()
    environment(SLURM_ARRAY_JOB_ID="12", SLURM_ARRAY_TASK_ID="3")
    assert cluster.stamp("now") == "slurm_12_3_0"
    environment(SLURM_JOB_NAME="interactive")
    assert cluster.stamp("now") == "now"


def test_commands_of_one_batch_script_do_not_share_a_folder(environment):
    environment(SLURM_JOB_ID="17")
    assert cluster.stamp("now") == "now"


def test_ranks_of_a_torchrun_share_a_folder(environment):
    environment(TORCHELASTIC_RUN_ID="lab/7")
    assert cluster.stamp("now") == "torchrun_lab_7"
    environment(TORCHELASTIC_RUN_ID="none")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}", cluster.stamp("now"))
    assert cluster.stamp("now") == cluster.stamp("later")


def test_requeue_asks_slurm_once(environment, monkeypatch):
    environment(SLURM_JOB_ID="17", SLURM_PROCID="0")
    asked = []
    monkeypatch.setattr(cluster.subprocess, "run", lambda words, **_: asked.append(words))
    monkeypatch.setattr(cluster.time, "sleep", lambda _: None)
    for rank in ("0", "1"):
        monkeypatch.setitem(os.environ, "SLURM_PROCID", rank)
        with pytest.raises(SystemExit):
            cluster.requeue()
    assert asked == [["scontrol", "requeue", "17"]]
