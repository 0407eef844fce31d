"""Real pairs: GOPRO's layout and plain folders."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from conftest import photograph
from restore.config.build import build_data, build_protocols, build_settings
from restore.config.compose import compose
from restore.data import datasets
from restore.data.bank import ImageBank
from restore.data.pairs import COMMON, PairLayout, find_pairs
from restore.errors import RequestError
from restore.results import store


def gopro(root: Path, sequences: int = 3, frames: int = 2, size: tuple[int, int] = (40, 48)) -> Path:
    """A tiny set of GOPRO's layout: blur is the mean of a frame and its shifted copy."""
    for split in ("train", "test"):
        for sequence in range(sequences):
            for kind in ("blur", "blur_gamma", "sharp"):
                (root / "GOPRO" / split / f"GOPR{sequence}" / kind).mkdir(parents=True)
            for frame in range(frames):
                sharp = photograph(*size, 3, seed=100 * (split == "test") + 10 * sequence + frame)
                blurred = ((sharp.astype(int) + sharp[:, [0, 0, *range(size[1] - 2)]]) // 2).astype("uint8")
                for kind, image in (("sharp", sharp), ("blur", blurred), ("blur_gamma", 255 - blurred)):
                    Image.fromarray(image).save(root / "GOPRO" / split / f"GOPR{sequence}" / kind / f"{frame:06d}.png")
    return root


PATTERNS = [layout for layout in COMMON if isinstance(layout, PairLayout)]


@pytest.mark.parametrize("layout", PATTERNS, ids=lambda layout: f"{layout.clean} {layout.degraded}".replace("/", "|"))
def test_common_layouts_are_found(tmp_path, layout):
    for pattern in (layout.clean, layout.degraded):
        for number in ("7", "11"):
            file = tmp_path / (pattern.replace("*", number) + ("" if "." in pattern else ".png"))
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(photograph(20, 24, 3)).save(file)
    stars = layout.clean.count("*")
    found = find_pairs(tmp_path)
    assert [name for name, *_ in found] == ["-".join([number] * stars) for number in ("11", "7")]
    assert all(clean != degraded for _, clean, degraded in found)
    assert found == layout.find(tmp_path)


@pytest.mark.slow
def test_training_and_scoring_on_gopros_layout(command, tmp_path):
    root = gopro(tmp_path / "data")
    words = [
        *(
            "task=motion_blur",
            "data=gopro",
            f"paths.data={root}",
            "protocol=gopro_study",
            "model=red10",
            "model.width=4",
        ),
        *("data.patch_size=16", "data.batch_size=4", "trainer.max_steps=3", "logger=none", "accelerator=cpu"),
    ]
    answer = command("run", *words)
    assert answer.code == 0, answer.err
    folder = next((tmp_path / "runs" / "motion_blur_red10").iterdir())
    rows = store.read(folder / "results.csv")
    rows = [row for row in rows if row["metric"] == "psnr"]
    assert [row["image"] for row in rows] == [f"GOPR{s}-{f:06d}" for s in range(3) for f in range(2)]
    assert {(row["dataset"], row["setting"], row["protocol"], row["channels"]) for row in rows} == {
        ("gopro", "motion blur", "gopro_study", "3")
    }
    assert 15 < rows[0]["value_input"] < 45
    answer = command("run", *words, "data.layout.degraded='*/blur_gamma/*'", "data.resize=32", "name=gamma")
    assert answer.code == 0, answer.err
    gamma = store.read(next((tmp_path / "runs" / "gamma").iterdir()) / "results.csv")
    assert gamma[0]["value_input"] < rows[0]["value_input"] - 5


def test_another_task_has_the_sharp_frames_alone(command, tmp_path):
    root = gopro(tmp_path / "data")
    words = ["experiment=gopro_denoise", f"paths.data={root}", "model=gopro_red", "model.depth=6", "model.width=4"]
    words += [
        "data.patch_size=16",
        "data.batch_size=4",
        "trainer.max_steps=2",
        "logger=none",
        "accelerator=cpu",
    ]
    answer = command("run", *words, "data.resize=40")
    assert answer.code == 0, answer.err
    rows = store.read(next((tmp_path / "runs" / "gopro_denoise").iterdir()) / "results.csv")
    assert {row["setting"] for row in rows} == {"sigma=10/30/50/70"}, "one mixed setting, as the study has it"
    assert {row["metric"] for row in rows} == {"psnr", "ssim", "mse"}
    levels = {20 * math.log10(255 / sigma) for sigma in (10, 30, 50, 70)}
    for row in (row for row in rows if row["metric"] == "psnr"):
        assert min(abs(row["value_input"] - level) for level in levels) < 0.3, "noise, and no motion blur"


def test_own_folders(command, tmp_path):
    for kind in ("clean", "degraded"):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(photograph(30, 34, 1, number)).save(tmp_path / "mine" / kind / f"{number}.png")
    words = ["task=custom", "data=pairs", f"data.path={tmp_path / 'mine'}", "model=identity", "logger=none"]
    answer = command("run", *words, "data.patch_size=16")
    assert answer.code == 0, answer.err
    assert "inf" in answer.out, "the identity restores pairs of equal images perfectly"
    answer = command("evaluate", "task=custom", f"test_sets={tmp_path / 'mine'}")
    assert answer.code == 0, answer.err


def test_pairs_are_cut_alike(tmp_path):
    root = gopro(tmp_path)
    images = datasets.read(
        datasets.find("gopro", root, 3, training=True, layout=PairLayout("*/sharp/*", "*/blur_gamma/*")), 3
    )
    assert len(images.partners) == len(images.images) == 6
    clean, degraded = (ImageBank(part, images.names) for part in (images.images, images.partners))
    coordinates = torch.tensor([[i, 3, 5, o] for i in range(6) for o in range(8)])
    one, other = clean.crop(coordinates, 20), degraded.crop(coordinates, 20)
    correlation = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]
    assert correlation < -0.9, "blur_gamma is the negative here, place by place"


def test_missing_partners_and_other_sizes_are_named(command, tmp_path):
    root = gopro(tmp_path / "data")
    lonely = root / "GOPRO" / "train" / "GOPR1" / "blur" / "000001.png"
    whole = lonely.read_bytes()
    lonely.unlink()
    with pytest.raises(RequestError, match=r"1 files have no partner: .*GOPR1/sharp/000001\.png"):
        datasets.find("gopro", root, 3, training=True)
    lonely.write_bytes(whole)
    Image.fromarray(photograph(20, 20, 3)).save(lonely)
    with pytest.raises(RequestError, match=r"GOPR1/sharp/000001\.png and .*GOPR1/blur/000001\.png has different sizes"):
        datasets.read(datasets.find("gopro", root, 3, training=True), 3)
    answer = command("evaluate", "task=motion_blur", "test_sets=photographs")
    assert answer.code == 2
    assert "data=gopro, data=pairs" in answer.err


def test_a_layout_is_two_patterns(tmp_path):
    """Both halves in one folder, told apart by the end of their names."""
    for scene in ("Canon_1", "Nikon_2"):
        for kind in ("long", "short"):
            Image.fromarray(photograph(20, 24, 3)).save(tmp_path / f"{scene}_{kind}.JPG")
    layout = PairLayout("*_long.JPG", "*_short.JPG")
    names = [(name, clean.name, degraded.name) for name, clean, degraded in find_pairs(tmp_path, layout)]
    assert names == [
        ("Canon_1", "Canon_1_long.JPG", "Canon_1_short.JPG"),
        ("Nikon_2", "Nikon_2_long.JPG", "Nikon_2_short.JPG"),
    ]
    listing = datasets.find(str(tmp_path), None, 3, training=False, layout=layout)
    assert listing.image_names == ("Canon_1", "Nikon_2")
    assert len(datasets.read(listing, 3).partners) == 2
    assert find_pairs(tmp_path) == [], "none of the common layouts"


def test_layouts_that_are_none(tmp_path):
    for clean, degraded in (("clean", "degraded"), ("*/sharp/*", "blur/*")):
        with pytest.raises(ValueError, match="two patterns with as many stars each"):
            PairLayout(clean, degraded)
    for suffix in ("png", "bmp"):
        for kind in ("clean", "degraded"):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(photograph(20, 24, 1)).save(tmp_path / kind / f"a.{suffix}")
    with pytest.raises(RequestError, match=r"a\.bmp and .*a\.png have one name"):
        find_pairs(tmp_path)


# -- PolyU: pairs that are trained on, or only scored ----------------------------------------------


def polyu(root: Path) -> Path:
    """Two Canon scenes and one of Nikon's, three crops each; the real one is the mean, 6 levels brighter."""
    (root / "PolyU").mkdir(parents=True)
    for scene in ("Canon5D2_5_160_3200_chair", "Canon80D_8_8_800_GO", "NikonD800_8_125_6400_photo"):
        for crop in range(3):
            mean = photograph(40, 48, 3, seed=crop + len(scene)).clip(0, 240)
            for kind, image in (("mean", mean), ("real", mean + 6)):
                Image.fromarray(image).save(root / "PolyU" / f"{scene}_{crop}_{kind}.JPG", quality=100, subsampling=0)
    return root


def test_polyu_by_its_cameras(tmp_path):
    root = polyu(tmp_path)
    counts = {"polyu": 9, "polyu_canon": 6, "polyu_canon5d2": 3, "polyu_canon80d": 3, "polyu_nikond800": 3}
    for name, count in counts.items():
        for training in (True, False):
            listing = datasets.find(name, root, 3, training=training)
            assert len(listing.files) == len(listing.partners) == count, name
    assert listing.names[0] == "NikonD800_8_125_6400_photo_0"
    with pytest.raises(RequestError, match=r"has no \*_real\.JPG beside \*_mean\.JPG"):
        datasets.find("polyu_sony", root, 3, training=True)
    with pytest.raises(datasets.AbsentSetError, match="for research only"):
        datasets.find("polyu", tmp_path / "nowhere", 3, training=True)


@pytest.mark.parametrize("noise", ["real", "sensor", "gaussian"])
def test_whatever_trains_the_real_pairs_are_scored(noise, tmp_path):
    words = ["task=real_noise", "data=polyu", f"paths.data={polyu(tmp_path)}", f"task.noise={noise}"]
    words += ["task.gain=1", "task.sigma=40", "data.patch_size=16", "data.batch_size=32", "data.validation=0.34"]
    config = compose("config", words)
    data = build_data(config)
    data.read_training()
    data.read_tests()
    assert data.validation.names == [f"Canon80D_8_8_800_GO_{i}" for i in (1, 2)]
    (setting,) = build_settings(config.task)
    for images in (data.validation, data.tests[0]):
        assert len(images.partners) == len(images.images)
        pair = build_protocols(config)[0].pair(images.images[0][None], setting, "x", images.partners[0][None])
        assert (255 * (pair.degraded - pair.clean)).mean() == pytest.approx(6, abs=0.3)
    data.fill_bank()
    data.trainer = SimpleNamespace(training=True)
    pair = data.pairs(data.on_before_batch_transfer(data.coordinates(0, 1)[0], 0))
    difference = 255 * (pair.degraded - pair.clean)
    assert difference.mean() == pytest.approx(6 if noise == "real" else 0, abs=0.7)
    deviations = {"real": 0, "sensor": (125 + 25) ** 0.5, "gaussian": 40}
    assert difference.std() == pytest.approx(deviations[noise], rel=0.2, abs=1)


def test_a_folder_of_pairs_is_one_of_clean_images_for_a_task_that_synthesises(command, tmp_path):
    root = polyu(tmp_path / "data")
    answer = command(
        "evaluate", "task.channels=3", "test_sets=polyu_nikond800", f"paths.data={root}", "results=rows.csv"
    )
    assert answer.code == 0, answer.err
    rows = [row for row in store.read(Path("rows.csv")) if row["metric"] == "psnr"]
    assert {row["setting"] for row in rows} == {"sigma=25"}
    assert all(abs(row["value_input"] - 20.2) < 0.3 for row in rows), "noise of 25 levels, and not the 6 of the pairs"


def test_nothing_but_the_three_noises_trains(command):
    answer = command("run", "task=real_noise", "data=polyu", "task.noise=name", "logger=none")
    assert answer.code == 2
    assert "unknown task.noise 'name': (there are gaussian, real, sensor)" in answer.err
