"""One job's folder, state and log."""

from hydra.core.override_parser.overrides_parser import OverridesParser

from restore.config.loading import quote
from restore.jobs.job import Job
from restore.runfolder import RunFolder


def test_states_of_a_job(tmp_path):
    job = Job([], [], RunFolder(tmp_path / "seed=0"))
    assert (job.name, job.state) == ("seed=0", "new")
    job.folder.create()
    job.mark_failed(2)
    assert job.state == "failed"
    assert job.folder.result == {"state": "failed", "exit_code": 2}
    job.folder.checkpoints.mkdir()
    job.folder.last.touch()
    assert job.state == "resumable"
    job.folder.write_result(state="finished")
    assert job.state == "finished"


def test_the_log_is_the_newest_of_slurms_where_there_is_one(tmp_path):
    job = Job([], [], RunFolder(tmp_path))
    assert job.log == tmp_path / "job.log"
    slurms = tmp_path / ".submitit" / "7" / "7_0_log.out"
    slurms.parent.mkdir(parents=True)
    slurms.touch()
    assert job.log == slurms


def test_a_quoted_path_is_read_as_it_was():
    for path in ("/a b/c,d=e", "/it's here", "/[x]{y}"):
        assert OverridesParser.create().parse_override(f"key={quote(path)}").value() == path
