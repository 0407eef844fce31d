"""What a person typed, looked at before Hydra starts."""

from pathlib import Path

import pytest

from restore.config.loading import configuration, folders, members
from restore.config.overrides import UNRECORDED, check, check_honoured, normalise_overrides, resumed_arguments
from restore.errors import RequestError
from restore.runfolder import FORMAT


def test_strengths_are_laid_over_whatever_the_task_has():
    words = normalise_overrides(["task.sigma={set:[10,30]}", "task.sigma=50", "model=red10"])
    assert words == ["~task.sigma", "+task.sigma={set:[10,30]}", "task.sigma=50", "model=red10"]


def test_folders_of_ones_own_are_one_word_however_they_are_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b's, [c]"):
        (tmp_path / name / "model").mkdir(parents=True)
    (tmp_path / "a" / "model" / "own.yaml").touch()
    words = normalise_overrides(["--config-dir", "a", "seed=1", "hydra.searchpath=[file://a]", "-cd", "b's, [c]"])
    assert len(words) == 2, "a folder given twice is searched once"
    assert folders(words) == [configuration(), tmp_path / "a", tmp_path / "b's, [c]"]
    assert "own" in members("model", words)
    assert "own" not in members("model")


def test_a_member_of_ones_own_is_known_and_a_wrong_one_is_not(tmp_path):
    (tmp_path / "budget").mkdir()
    (tmp_path / "budget" / "hour.yaml").write_text("defaults: [gpu]\nmax_time: 1h\n")
    words = normalise_overrides([f"--config-dir={tmp_path}"])
    check("config", [*words, "budget=hour"])
    with pytest.raises(RequestError, match="unknown budget 'houur': did you mean 'hour'"):
        check("config", [*words, "budget=houur"])
    with pytest.raises(RequestError, match="unknown budget 'houur': did you mean 'hour'"):
        check("config", [*words, "budget=hour,houur"])


def test_what_a_resumed_run_was_composed_from_is_given_or_trusted_again(tmp_path):
    run, own, other = (tmp_path / name for name in ("run", "own", "other"))
    for folder in (run / ".hydra", run / "checkpoints", own, other):
        folder.mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    (run / "run.json").write_text(f'{{"format": {FORMAT}}}')
    (run / ".hydra" / "config.yaml").touch()
    (run / ".hydra" / "overrides.yaml").write_text("- seed=3\n- resume=old\n")
    (run / ".hydra" / "hydra.yaml").write_text(f"hydra: {{searchpath: ['file://{own}']}}\n")
    word = f"resume={run}"
    with pytest.raises(RequestError, match=r"own too: say --config-dir for them again, or trust=true"):
        resumed_arguments([word])
    assert resumed_arguments([word, "trust=true"]) == [
        f"hydra.searchpath=['file://{own}']",
        "seed=3",
        word,
        "trust=true",
        UNRECORDED,
    ]
    given = normalise_overrides(["--config-dir", str(other), word])
    assert resumed_arguments(given) == ["seed=3", f"hydra.searchpath=['file://{other}']", word, UNRECORDED]
    own.rmdir()
    with pytest.raises(RequestError, match="--config-dir is a folder with protocol/"):
        resumed_arguments([word, "trust=true"])


GRID, SINGLE = True, False


@pytest.mark.parametrize(
    ("multirun", "words", "sentence"),
    [
        (GRID, ["hydra.sweep.dir=/x"], "hydra.sweep.dir would not be followed: the folder of a grid follows from"),
        (GRID, ["hydra.sweep.subdir=x"], "hydra.sweep.subdir would not be followed"),
        (GRID, ["hydra.run.dir=/x"], "hydra.run.dir would not be followed"),
        (GRID, ["hydra.output_subdir=null"], "hydra.output_subdir would not be followed"),
        (GRID, ["hydra.sweeper.params={seed: 1}"], "hydra.sweeper.params would not be followed"),
        (GRID, ["hydra.launcher.partition=gpu"], "it is for hydra/launcher=slurm"),
        (GRID, ["hydra/launcher=slurm", "sweep.jobs=2"], "Slurm decides how many jobs run at once"),
        (GRID, ["sweep.name=x"], "sweep.name would not be followed"),
        (GRID, ["resume=runs/x"], "resume would not be followed: the same -m command goes on with a grid"),
        (GRID, ["--cfg", "job"], "--cfg would not be followed"),
        (GRID, ["hydra/launcher=joblib"], "hydra/launcher is slurm or left out, and it is 'joblib'"),
        (GRID, ["hydra/sweeper=optuna"], "hydra/sweeper=optuna is not supported"),
        (SINGLE, ["hydra.sweep.dir=/x"], "hydra.sweep.dir would not be followed: there is no grid without -m"),
        (SINGLE, ["hydra/launcher=slurm"], "hydra/launcher would not be followed: there is no grid without -m"),
        (SINGLE, ["sweep.jobs=2"], "sweep.jobs would not be followed: there is no grid without -m"),
        (SINGLE, ["hydra.mode=MULTIRUN"], "hydra.mode would not be followed: -m makes it a grid"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_would_not_be_followed_is_refused(multirun, words, sentence):
    with pytest.raises(RequestError) as refusal:
        check_honoured(words, multirun, own_sweep=True)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("multirun", "words"),
    [
        (GRID, ["hydra/launcher=slurm", "hydra.launcher.partition=gpu", "hydra.searchpath=[x]", "seed=0,1"]),
        (GRID, ["sweep.jobs=2", "hydra.verbose=true"]),
        (
            SINGLE,
            ["hydra.run.dir=/x", "hydra.mode=RUN", "hydra.output_subdir=.hydra", "resume=runs/x", "sweep.list=true"],
        ),
        (SINGLE, ["--cfg", "job"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_is_followed_passes(multirun, words):
    check_honoured(words, multirun, own_sweep=True)


def test_flags_that_carry_a_value_are_no_words(tmp_path):
    check("config", ["--cfg", "job", "seed=1"])
    with pytest.raises(RequestError, match="'job' is not of the form key=value"):
        check("config", ["job"])
    assert Path(configuration() / "config.yaml").is_file()
