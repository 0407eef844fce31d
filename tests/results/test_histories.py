from math import isnan

from restore.results.histories import keep_histories, read_histories, read_history
from restore.runfolder import RunFolder


def test_a_history_has_its_columns(tmp_path):
    file = tmp_path / "history.csv"
    assert read_history(file) == {}
    file.write_text("step,val/psnr\n1,30.5\n2,\n")
    history = read_history(file)
    assert history["step"] == [1, 2]
    assert history["val/psnr"][0] == 30.5
    assert isnan(history["val/psnr"][1])


def test_a_record_keeps_what_its_jobs_had(tmp_path):
    """Columns that one job lacks, names with commas and the order of the jobs included."""
    texts = {
        "model=red20,seed=10": "step,train/loss,gradient/first\n1,0.25,3e-07\n2,0.125,\n",
        "model=red10,seed=2": "step,train/loss\n1,0.5\n",
    }
    jobs = [RunFolder(tmp_path / "sweep" / name) for name in texts]
    for job, text in zip(jobs, texts.values(), strict=True):
        job.path.mkdir(parents=True)
        job.history.write_text(text)
    record = tmp_path / "record"
    record.mkdir()
    assert read_histories(record, []) == {}
    keep_histories(read_histories(tmp_path / "sweep", jobs), record)
    kept = read_histories(record, [])
    assert list(kept) == list(texts)
    assert kept["model=red20,seed=10"]["train/loss"] == [0.25, 0.125]
    assert kept["model=red20,seed=10"]["gradient/first"][0] == 3e-7
    assert kept["model=red10,seed=2"]["train/loss"] == [0.5]
    assert isnan(kept["model=red10,seed=2"]["gradient/first"][0]), "nothing is made up for what it lacks"
