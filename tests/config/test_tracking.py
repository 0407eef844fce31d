from restore.config.compose import compose
from restore.config.tracking import build_logger, tracking_of
from restore.runfolder import RunFolder


def test_a_logger_is_told_what_the_run_is_called(tmp_path):
    config = compose("config", ["logger=tensorboard", "name=mine"])
    folder = RunFolder(tmp_path / "2026")
    logger = build_logger(config, folder)
    assert logger.save_dir == str(folder)
    assert logger.name == "tensorboard"
    logger.log_metrics({"x": 1.0}, 1)
    logger.finalize("success")
    again = build_logger(config, folder)
    assert again.inner.log_dir == logger.inner.log_dir, "a resumed run goes on in the same folder"
    assert config.tracking.folder is None, "the configuration itself is left as it is"


def test_names_groups_and_identity(tmp_path):
    alone = tracking_of(compose("config", ["name=mine"]), RunFolder(tmp_path / "now"))
    assert (alone["name"], alone["group"]) == ("mine/now", "mine")
    folder = RunFolder(tmp_path / "model.skip_step=2,seed=0")
    job = tracking_of(compose("config", ["name=mine", "sweep.name=grid"]), folder)
    assert (job["name"], job["group"], job["id"]) == ("skip_step=2,seed=0 mine", "grid", folder.identity)


def test_csv_takes_no_pictures_and_that_is_said(tmp_path, caplog):
    with caplog.at_level("INFO", "restore"):
        logger = build_logger(compose("config", ["logger=csv"]), RunFolder(tmp_path / "run"))
    assert not logger.takes_images
    assert "CSVLogger takes no pictures of the validation" in caplog.text
    assert build_logger(compose("config", ["logger=none"]), RunFolder(tmp_path / "run")) is None
