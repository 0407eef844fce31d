"""The jobs that a request stands for."""

import pytest

from restore.errors import RequestError
from restore.jobs.grid import expand, folder_name, listing


def test_the_experiments_grid_and_the_command_lines():
    jobs, shared = expand("config", ["experiment=recipes"])
    assert shared.name == "recipes"
    assert [job.folder.path.parent.name for job in jobs] == ["recipes"] * 8
    assert jobs[0].own == ["model=red20", "optim=muon_cosine"]
    jobs, _ = expand("config", ["experiment=recipes", "model=red10", "seed=0,1"])
    assert len(jobs) == 2 * 4, "a key on the command line replaces the experiment's"
    assert jobs[0].folder.path.parent.name.startswith("recipes-")


def test_the_folder_depends_on_the_request_alone():
    one, other, again = (
        expand("config", words)[0][0].folder.path
        for words in (["seed=0,1", "model=red10"], ["seed=0,1", "model=red20"], ["model=red10", "seed=0,1"])
    )
    assert one == again
    assert one.parent != other.parent


def test_names_of_jobs_are_file_names():
    assert folder_name(["model=red10", "+task.kernel='/a/b.npy'"]) == "model=red10,task.kernel=_a_b.npy"
    assert len(folder_name([f"key{i}=value" for i in range(60)])) < 150
    assert folder_name([]) == "job"


def test_where_jobs_run_does_not_name_the_grid(grid):
    plain, _ = expand("config", ["experiment=recipes"])
    placed, _ = expand(
        "config", ["experiment=recipes", "hydra/launcher=slurm", "hydra.launcher.partition=gpu", "sweep.jobs=2"]
    )
    assert [str(job.folder) for job in placed] == [str(job.folder) for job in plain]
    assert placed[0].words == plain[0].words
    assert placed[0].resources == ["hydra/launcher=slurm", "hydra.launcher.partition=gpu"]


def test_the_listing_names_the_job_that_cannot_be_built():
    jobs, _ = expand("config", ["model=red20", "model.kernel_size=3,4"])
    with pytest.raises(RequestError, match=r"model\.kernel_size=4: model\.kernel_size must be odd"):
        listing("config", jobs)


def test_each_job_is_checked_before_any_runs():
    jobs, _ = expand("config", ["data.weighting=pixels,pixel"])
    with pytest.raises(RequestError, match=r"unknown data\.weighting 'pixel'"):
        listing("config", jobs)


def test_a_grid_over_a_switch_of_a_protocol():
    jobs, shared = expand("config", ["protocols.dncnn.border=0,4"])
    assert [job.own for job in jobs] == [["protocols.dncnn.border=0"], ["protocols.dncnn.border=4"]]
    assert list(shared.protocols) == ["dncnn"]
