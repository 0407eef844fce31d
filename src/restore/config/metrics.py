"""The metrics of a configuration: ``metric=[psnr,ssim]`` names files of ``conf/metric``."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restore.config.build import build
from restore.config.reading import read_yaml
from restore.errors import RequestError
from restore.evaluation.metrics import Metric
from restore.results.quantities import Quantity, register
from restore.runfolder import RunFolder

KNOWN = {"unit": str, "digits": int, "higher_is_better": bool}  # what tables want to know of a metric


def build_metrics(config: DictConfig) -> list[Metric]:
    """The metrics of ``config.metrics``, in the order of the words; the first one validates and leads.

    What they are called and measured in is registered with the tables.

    Raises:
        RequestError: there is none, one cannot be built, or a file of one does not say where it belongs.
    """
    if "metric" in config:
        raise RequestError("a metric's file begins with '# @package metrics.<its name>', and one of these does not")
    nodes = OmegaConf.to_container(config.metrics, resolve=True) if config.get("metrics") else {}
    if not nodes:
        raise RequestError("metric=[] names no metric, and the first one of the list validates: metric=[psnr,ssim]")
    metrics = [build({"name": name, **node}) for name, node in nodes.items()]
    for name, metric in zip(nodes, metrics, strict=True):
        if not isinstance(metric, Metric):
            raise RequestError(
                f"metrics.{name}._target_ must be restore.evaluation.metrics.Metric; it is a {type(metric).__name__}"
            )
    register_metrics(config)
    return metrics


def register_metrics(config: DictConfig) -> None:
    """Tell the tables unit, decimals and direction of a configuration's metrics; nothing is built."""
    nodes = config.get("metrics")
    for name, node in (OmegaConf.to_container(nodes, resolve=False) if nodes else {}).items():
        known = {key: node[key] for key in KNOWN if key in node}
        for key, value in known.items():
            if not isinstance(value, KNOWN[key]):
                raise TypeError(f"metrics.{name}.{key} is {value!r}")
        register(Quantity(name, **known))


def register_metrics_of(folder: RunFolder) -> None:
    """The same for what a run folder was made with, before its rows are tabulated or copied.

    Raises:
        RequestError: its configuration is none.
    """
    if folder.config.is_file():
        config = read_yaml(folder.config)
        try:
            register_metrics(config)
        except (ValueError, TypeError, AttributeError, OmegaConfBaseException) as error:
            reason = " ".join(str(error).split())
            raise RequestError(f"{folder.config} is not the configuration of a run ({reason})") from error
