"""Make of a run's folder one to give away: weights in float16, the recipe, scores, and a model card.

    python -m restore.publish run=runs/denoise_red30/<run> out=my_denoiser test_sets=[set12,bsd68]
    python -m restore.publish run=runs/denoise_red30/<run>

With out= the folder is made, a few MB: ``checkpoints/best.ckpt``, ``.hydra``, ``summary.csv``, ``card.md``. What it
restores is scored again, for its weights are rounded: on the sets that test_sets= names, else on those that the run was
tested on and that are here; what else is said of the scoring (protocol=, metric=, precision=) is restore.evaluate's. It
is a run's folder as any other: run=my_denoiser, init=my_denoiser, restore.load("my_denoiser").

Without out= the card of the run's folder as it is is written into it (``card.md``) and printed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from restore import atomic
from restore.checkpoint import lighten
from restore.config.arguments import read
from restore.config.commands import Publish
from restore.config.compose import compose, run_config
from restore.config.reading import read_yaml
from restore.data.datasets import AbsentSetError, find
from restore.errors import OutsideError, RequestError, report_errors
from restore.runfolder import RunFolder
from restore.runs.model_card import FILE, PLACES, model_card

SCORING = ("test_sets=", "protocol=", "protocols.", "metric=", "precision=", "accelerator=", "paths.", "task.")


def main(arguments: list[str]) -> None:
    scoring = [word for word in arguments if word.startswith(SCORING)]
    words = read(__doc__ or "", Publish, [word for word in arguments if word not in scoring])
    if not words.run:
        raise RequestError("run=<folder of a run> says what is to be given away")
    run = RunFolder.find(words.run)
    config = run_config(run)
    if words.out:
        run = publish(run, Path(words.out).expanduser(), config)
        score(run, scoring or [f"test_sets=[{','.join(sets_here(config))}]"])
    elif scoring:
        raise RequestError(f"{scoring[0]} is of the scores of a new folder: out=<folder> names it")
    elif run.shipped:
        print(model_card(run))
        return
    text = model_card(run)
    atomic.write(run.path / FILE, text)
    print(f"{text}\n{run.path / FILE}")


def publish(run: RunFolder, out: Path, config: DictConfig) -> RunFolder:
    """A new folder with a run's recipe and the tested weights in float16, without the places of this machine.

    Args:
        config: the run's.

    Raises:
        RequestError: there is something at `out` already, or the run has no checkpoint.
    """
    if out.exists():
        raise RequestError(f"out={out} is there already: name a folder that is not")
    file, target = run.checkpoint(), RunFolder(out)
    usual = compose("config", []).paths
    recipe = config.copy()
    OmegaConf.set_readonly(recipe, False)
    recipe.paths = OmegaConf.create(OmegaConf.to_container(usual, resolve=False))
    target.create()
    for folder in (target.checkpoints, target.config.parent):
        folder.mkdir()
    shutil.copyfile(file, target.checkpoints / file.name)
    lighten(target)
    atomic.write(target.config, OmegaConf.to_yaml(recipe, resolve=False))
    if run.overrides.is_file():
        kept = [str(w) for w in read_yaml(run.overrides) if not str(w).lstrip("+~").startswith(PLACES)]
        atomic.write(target.overrides, OmegaConf.to_yaml(OmegaConf.create(kept)))
    kept_result = {key: run.result[key] for key in ("steps", "seconds", "patches_per_second") if key in run.result}
    target.write_result(state="finished", **kept_result)
    return target


def sets_here(config: DictConfig) -> list[str]:
    """The test sets of a run that are on this machine.

    Raises:
        RequestError: none is.
    """
    names = [config.test_sets] if isinstance(config.test_sets, str) else list(config.test_sets)
    here = []
    for name in map(str, names):
        try:
            find(name, compose("config", []).paths.data, int(config.task.channels), training=False)
        except AbsentSetError:
            continue
        here.append(name)
    if not here:
        raise RequestError(f"none of the test sets {', '.join(map(str, names))} is here: test_sets=<names or folders>")
    return here


def score(run: RunFolder, words: Sequence[str]) -> None:
    """Score the folder's own weights by `restore.evaluate`, and keep the means.

    Raises:
        OutsideError: the evaluation failed; what it had to say was printed.
    """
    command = [sys.executable, "-m", "restore.evaluate", f"run='{run.path}'", f"results='{run.results}'", *words]
    if subprocess.run(command, check=False).returncode:
        raise OutsideError(f"{run} is made, and it was not scored: python -m restore.evaluate run={run} goes on")
    for name in ("results.csv", ".results.csv.lock"):
        (run.path / name).unlink(missing_ok=True)


if __name__ == "__main__":
    with report_errors():
        main(sys.argv[1:])
