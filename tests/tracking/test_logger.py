import logging

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger

from restore.tracking.logger import GuardedLogger


class Failing(Logger):
    calls = 0
    name = version = save_dir = None

    def log_metrics(self, metrics, step=None):
        type(self).calls += 1
        raise ConnectionError("no network")

    def log_hyperparams(self, params):
        raise ConnectionError("no network")


def test_a_failing_logger_is_dropped_with_one_sentence(caplog):
    logger = GuardedLogger(Failing())
    with caplog.at_level(logging.WARNING):
        logger.log_metrics({"x": 1.0}, 1)
        logger.log_metrics({"x": 2.0}, 2)
        logger.log_hyperparams({})
        logger.log_image("samples", [np.zeros((4, 4, 3), np.uint8)], 3, ["a (x)"])
        logger.finish()
        logger.finalize("success")
    assert Failing.calls == 1
    assert [record.message for record in caplog.records] == [
        "tracking with Failing stopped, training goes on: no network"
    ]


def test_a_working_logger_gets_everything(tmp_path):
    logger = GuardedLogger(CSVLogger(tmp_path, name="csv"))
    logger.log_metrics({"x": 1.5}, 1)
    logger.save()
    assert "1.5" in (tmp_path / "csv" / "version_0" / "metrics.csv").read_text()
    assert logger.save_dir == str(tmp_path)
