"""The list of the authors' files: whole, unique, composable, and the files at hand are the ones it names."""

import shutil

import pytest

from restore.config.build import build_settings
from restore.config.compose import compose
from restore.errors import RequestError
from restore.released import Released, baseline_names, find, identify, of_baseline, released
from restore.remote import git_blob
from restore.results.published import published

READ = [each for each in released() if each.model]
NOT_READ = {"ffdnet_3d_color", "csf_deblur_pw", "mlp", "epll", "ircnn_color", "ircnn_gray", "vdsr_pytorch"}


def test_every_file_is_there_once():
    every = released()
    assert len(every) == 96
    for attribute in ("name", "file", "address"):
        assert len({getattr(each, attribute) for each in every}) == 96, attribute
    hashes = [each.sha256 or each.git_blob for each in every]
    assert len(set(hashes)) == 96
    for each in every:
        assert (len(each.sha256), len(each.git_blob)) in {(64, 0), (64, 40), (0, 40)}, each.name
        assert len(each.commit) == 40
        assert (each.bytes > 0) == bool(each.sha256), each.name
        assert each.licence, each.name
    assert {each.name for each in every} - {each.name for each in READ} == NOT_READ


def test_what_is_read_has_a_task_and_settings_and_what_is_not_has_none():
    for each in released():
        assert bool(each.model) == bool(each.words) == bool(each.settings) == bool(each.task), each.name
        assert not each.baseline or each.model, each.name


@pytest.mark.parametrize("each", READ, ids=lambda each: each.name)
def test_the_words_compose_and_what_they_test_is_what_it_was_trained_for(each: Released):
    config = compose("evaluate", [f"model={each.model}", *each.words])
    assert config.task.channels == each.channels
    names = [setting.name for setting in build_settings(config.task)]
    assert names
    for name in names:
        assert each.fits(name, each.channels) or name == "six regions", name


@pytest.mark.parametrize(
    ("name", "setting", "channels", "fits"),
    [
        ("tnrd_25", "sigma=25", 1, True),
        ("tnrd_25", "sigma=25.0", 1, True),
        ("tnrd_25", "sigma=25", 3, False),
        ("tnrd_25", "sigma=26", 1, False),
        ("tnrd_25", "scale=25", 1, False),
        ("tnrd_25", "sigma=10/30/50/70", 1, False),
        ("dncnn_b", "sigma=0", 1, True),
        ("dncnn_b", "sigma=55", 1, True),
        ("dncnn_b", "sigma=55.5", 1, False),
        ("dncnn_b", "sigma=ramp", 1, False),
        ("vdsr", "scale=3", 1, True),
        ("vdsr", "scale=6", 1, False),
        ("dncnn_3", "quality=40", 1, True),
        ("dncnn_3", "quality=4", 1, False),
        ("red30_deblur_disk", "kernel=disk", 3, True),
        ("red30_deblur_disk", "kernel=gaussian", 3, False),
        ("red30_inpaint_scratch", "scratch", 3, True),
        ("red30_inpaint_scratch", "sigma=25", 3, False),
        ("mlp", "sigma=25", 1, False),
        ("mlp", "", 1, False),
    ],
)
def test_settings_that_a_file_was_trained_for(name, setting, channels, fits):
    assert find(name).fits(setting, channels) is fits


def test_names():
    assert find("tnrd_jpeg_10").method == "TNRD"
    with pytest.raises(RequestError, match="unknown released 'tnrd_26': did you mean 'tnrd_25'"):
        find("tnrd_26")
    assert {each.model for each in of_baseline("tnrd")} == {"tnrd", "tnrd_sr", "tnrd_jpeg"}
    assert [each.name for each in of_baseline("csf")] == ["csf_15", "csf_25"]
    assert len(of_baseline("red30")) == 12
    assert of_baseline("") == of_baseline("bm3d") == []
    assert {"tnrd", "csf", "srcnn", "vdsr", "arcnn", "red30", "dncnn_s", "ffdnet"} <= set(baseline_names())
    assert "" not in baseline_names()


def test_one_file_of_a_baseline_at_most_fits_a_setting():
    """So that a baseline's name and a setting mean one network."""
    for name in baseline_names():
        files = of_baseline(name)
        asked = {(item, each.channels) for each in files for item in each.settings.split()}
        for item, channels in asked:
            parameter, _, values = item.partition("=")
            for value in values.replace("..", ",").split(","):
                setting = f"{parameter}={value}" if value else parameter
                assert sum(each.fits(setting, channels) for each in files) == 1, (name, setting)


def test_methods_of_baselines_are_called_as_the_papers_tables_call_them():
    printed = {row["method"] for row in published()}
    methods = {each.method for each in released() if each.baseline}
    assert methods - printed == {"CDnCNN-S"}, "whose colour values are not in published.csv"


def test_addresses_are_quoted():
    address = find("srcnn_915_3").address
    assert address.startswith("https://raw.githubusercontent.com/WangDequan/SRCNN/")
    assert address.endswith("/model/9-1-5%2891%20images%29/x3.mat")
    assert all(" " not in each.address and "(" not in each.address for each in released())


# -- files -----------------------------------------------------------------------------------------


def test_a_blob_is_named_as_git_names_it(tmp_path):
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert git_blob(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_file_is_found_by_its_name_or_by_its_published_one(tmp_path):
    content = b"weights"
    (tmp_path / "mine").write_bytes(content)
    blob = git_blob(tmp_path / "mine")
    file = Released(**{**find("red30_denoise_10").__dict__, "git_blob": blob})
    assert file.located(None) is file.located("") is file.located(tmp_path) is None
    (tmp_path / "10.caffemodel").write_bytes(b"those of another task")
    assert file.located(tmp_path) is None, "red30_jpeg_10 has the same published name"
    (tmp_path / "10.caffemodel").write_bytes(content)
    assert file.located(tmp_path) == tmp_path / "10.caffemodel"
    (tmp_path / file.file).write_bytes(b"damaged")
    assert file.located(str(tmp_path)) == tmp_path / file.file
    with pytest.raises(
        RequestError, match=r"sigma10.caffemodel is not red30_denoise_10 as ved27/RED-net has it: fetch"
    ):
        file.check(tmp_path / file.file)
    file.check(tmp_path / "10.caffemodel")
    assert identify(tmp_path / "mine") is None, "the list has another content"


def test_the_files_at_hand_are_those_of_the_list(weights_root, tmp_path):
    found = [(each, path) for each in released() if (path := each.located(weights_root))]
    if not found:
        pytest.skip(f"{weights_root} has none of the authors' files")
    for each, path in found:
        each.check(path)
        assert identify(path) is each
        assert not each.bytes or each.bytes == path.stat().st_size
        if each.git_blob:
            assert git_blob(path) == each.git_blob
    each, path = found[0]
    shutil.copy(path, tmp_path / "renamed")
    assert identify(tmp_path / "renamed") is each


def test_every_weights_file_at_hand_is_in_the_list(weights_root):
    files = [path for path in weights_root.iterdir() if path.suffix in (".mat", ".caffemodel")]
    for path in files:
        each = identify(path)
        assert each is not None, path
        assert each.located(weights_root) == path
