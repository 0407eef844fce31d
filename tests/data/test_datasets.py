import shutil

import pytest

from restore.data import datasets
from restore.errors import RequestError

SIZES = {"train400": 400, "bsd300": 300, "bsd_train": 200, "bsd432": 432, "t91_bsd200": 291}
TESTS = {"set5": 5, "set12": 12, "bsd68": 68, "bsd100": 100, "bsd200": 200, "classic5": 5, "live1": 29}


@pytest.mark.parametrize(("name", "count"), SIZES.items())
def test_training_sets(name, count, data_root):
    assert len(datasets.find(name, data_root, 3, training=True).files) == count


@pytest.mark.parametrize(("name", "count"), TESTS.items())
def test_test_sets(name, count, data_root):
    assert len(datasets.find(name, data_root, 1, training=False).files) == count


def test_bsd68_in_colour_is_the_originals(data_root):
    assert len(datasets.find("bsd68", data_root, 3, training=False).files) == 68


def test_photographs_come_with_the_installation():
    training, test = (datasets.read(datasets.find("photographs", None, 1, training=t), 1) for t in (True, False))
    assert test.names == ["astronaut", "camera", "coffee"]
    assert len(training.names) == 13
    assert not set(training.names) & set(test.names)
    colour = datasets.read(datasets.find("photographs", None, 3, training=False), 3)
    assert [image.shape[0] for image in colour.images] == [3, 3]


def test_a_missing_set_says_what_is_wanted(tmp_path):
    with pytest.raises(RequestError, match="set12 needs a data folder: set RESTORE_DATA"):
        datasets.find("set12", None, 1, training=False)
    with pytest.raises(RequestError, match=r"set12 is not in .*: it needs the folder Set12"):
        datasets.find("set12", tmp_path, 1, training=False)
    with pytest.raises(RequestError, match="unknown test set 'sett12': did you mean 'set12'"):
        datasets.find("sett12", tmp_path, 1, training=False)


def test_live1_or_its_gray_version(tmp_path, image_folder):
    image_folder("LIVE1_gray", 2)
    assert len(datasets.find("live1", tmp_path, 1, training=False).files) == 2


def test_any_folder_is_a_set(image_folder):
    folder = image_folder("mine", 3)
    listing = datasets.find(str(folder), None, 1, training=False)
    assert (listing.name, len(listing.files)) == ("mine", 3)


def test_a_mixture_is_its_parts(data_root):
    assert datasets.parts("train400") == ("train400",)
    parts = [datasets.find(part, data_root, 1, training=True).files for part in datasets.parts("t91_bsd200")]
    whole = datasets.find("t91_bsd200", data_root, 1, training=True).files
    assert sorted(file for part in parts for file in part) == sorted(whole)


def test_no_two_images_and_no_two_sets_share_a_name(tmp_path, image_folder):
    folder = image_folder("set5", count=2)
    shutil.copyfile(folder / "00.png", folder / "00.bmp")
    listing = datasets.find(str(folder), None, 1, training=False)
    assert listing.name == "set5 (own folder)"
    assert listing.image_names == ("00.bmp", "00.png", "01")
    (tmp_path / "other").mkdir()
    shutil.copytree(folder, tmp_path / "other" / "set5")
    other = datasets.find(str(tmp_path / "other" / "set5"), None, 1, training=False)
    with pytest.raises(RequestError, match="test_sets has two sets called set5"):
        datasets.told_apart([listing, other])
