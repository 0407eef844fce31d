"""`restore.evaluate`: run folders, weights files, folders of images, and the authors' own numbers."""

import pytest
import torch

from conftest import read_rows
from restore import photos
from restore.models.dncnn import DnCNN
from restore.results import store
from restore.results.published import published


def test_a_run_is_scored_again_on_other_images(command, tiny, tmp_path, image_folder):
    assert command("run", *tiny).code == 0
    folder = next((tmp_path / "runs" / "denoise_red10").iterdir())
    before = (folder / "results.csv").read_text()
    other = image_folder("other", 2)
    answer = command("evaluate", f"run={folder}", "task.sigma=50", f"test_sets=[{other}]", "protocol=[dncnn,red]")
    assert answer.code == 0, answer.err
    assert (folder / "results.csv").read_text().startswith(before)
    added = read_rows(folder / "results.csv")[3:]
    assert {(row["protocol"], row["setting"], row["dataset"], row["overlap"]) for row in added} == {
        (p, "sigma=50", "other", "none") for p in ("dncnn", "red")
    }
    assert {row["experiment"] for row in added} == {"denoise_red10"}
    assert {row["patches"] for row in added} <= {"12", "24"}
    assert "×8 self-ensemble" in answer.out
    # the training images themselves
    answer = command("evaluate", f"run={folder}", f"test_sets=[{tmp_path / 'train'}]")
    assert "5 of 5" in answer.out
    answer = command("evaluate", f"run={folder}", f"test_sets=[{tmp_path / 'train'}]", "strict=true")
    assert (answer.code, "strict=true" in answer.err) == (2, True)


def test_what_is_white_is_that_of_the_run(command, tiny, tmp_path):
    """Twelve bits in files of sixteen: the run's test and the evaluation score the same images."""
    for name in ("train", "test"):
        for file in (tmp_path / name).iterdir():
            deep = (photos.read(file).levels.astype(float) / 255 * 4095).round().astype("u2")
            file.unlink()
            photos.write(photos.Photo(deep, peak=65535), file)
    assert command("run", *tiny, "data.range=4095").code == 0
    folder = next((tmp_path / "runs" / "denoise_red10").iterdir())
    words = [f"run={folder}", f"test_sets=[{tmp_path / 'test'}]"]
    for more in ([], ["data.range=4095"]):
        assert command("evaluate", *words, *more, f"results={tmp_path / 'again.csv'}").code == 0
        again = {(row["image"], row["metric"]): row["value"] for row in read_rows(tmp_path / "again.csv")}
        (tmp_path / "again.csv").unlink()
        assert again == {(row["image"], row["metric"]): row["value"] for row in read_rows(folder / "results.csv")}
    assert command("evaluate", *words, "data.range=65535", f"results={tmp_path / 'dark.csv'}").code == 0
    assert read_rows(tmp_path / "dark.csv")[0]["value"] != read_rows(folder / "results.csv")[0]["value"]
    answer = command("evaluate", *words, "data.range=0")
    assert (answer.code, "data.range" in answer.err) == (2, True)


def test_weights_of_a_plain_state_dict_in_half_precision(command, tmp_path, image_folder):
    network = DnCNN(depth=4, width=6)
    torch.save(
        {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}, tmp_path / "net.pt"
    )
    words = [
        "model=dncnn_s",
        "model.depth=4",
        "model.width=6",
        "weights=net.pt",
        f"test_sets={image_folder('mine', 2)}",
    ]
    answer = command("evaluate", *words)
    assert answer.code == 0, answer.err
    rows = read_rows(tmp_path / "results.csv")
    assert [row["overlap"] for row in rows] == ["unknown"] * 2
    assert rows[0]["precision"] == "32"


def test_identity_on_the_photographs_with_classical_methods(command, tmp_path):
    sheet = "sheets=[{figure: 4, dataset: photographs, setting: 'sigma=25', image: camera}]"
    answer = command("evaluate", "test_sets=photographs", "baselines=[bilateral]", "precision=bf16-mixed", sheet)
    assert answer.code == 0, answer.err
    rows = read_rows(tmp_path / "results.csv")
    assert [row["model"] for row in rows] == ["bilateral"] * 3 + ["identity"] * 3
    assert "camera" in answer.out
    crops = {file.name for file in (tmp_path / "crops" / "photographs" / "sigma=25" / "camera").glob("*.png")}
    assert crops == {"input.png", "bilateral.png", "clean.png"}
    assert (tmp_path / "sheet_4.png").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model=red10"], "model=red10 has weights to be given"),
        (["model=red10", "weights=none.ckpt"], "there is no weights file none.ckpt"),
        (["model=red10", "weights=text.txt"], "text.txt is not a checkpoint that can be read"),
        (["model=dncnn_s", "weights=small.mat"], "small.mat is not a MatConvNet network"),
        (["test_sets=sett12"], "unknown test set 'sett12': did you mean 'set12'"),
        (["test_sets=[]"], "test_sets is empty, and it is a name or a list of names"),
        (["test_sets=set12", "paths.data=null"], "set12 needs a data folder"),
        (["precision=16"], "unknown precision '16'"),
        (["run=."], "is not the folder of a run"),
        (["wieghts=x"], "unknown key 'wieghts': did you mean 'weights'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_bad_input_is_answered_by_one_sentence(command, tmp_path, words, sentence):
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "small.mat").write_text("hello")
    answer = command("evaluate", *words)
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert len(answer.err.strip().splitlines()) == 1, answer.err


def test_published_weights_of_another_depth(command, weights_root):
    answer = command("evaluate", "model=dncnn_b", f"weights={weights_root / 'DnCNN_S_sigma25.mat'}")
    assert answer.code == 2
    assert "do not fit model=dncnn_b: convolution 17 is (1, 64, 3, 3) in the file and (64, 64, 3, 3)" in answer.err


# PSNR in dB of the twelve images of Set12 at sigma 25 by the authors' DnCNN-S, as another program gives them
MATLAB_V4 = [30.184, 33.059, 30.866, 29.414, 30.282, 29.129, 29.426, 32.437, 29.997, 30.208, 30.103, 30.124]
NUMPY_0 = [30.208, 33.101, 30.820, 29.358, 30.408, 29.075, 29.439, 32.410, 30.006, 30.197, 30.082, 30.076]


@pytest.mark.slow
def test_the_authors_weights_with_numpys_noise(command, tmp_path, data_root, weights_root):
    words = ["model=dncnn_s", "weights=DnCNN_S_sigma25.mat", f"paths.weights={weights_root}", f"paths.data={data_root}"]
    answer = command("evaluate", *words, "task.sigma=25", "test_sets=set12", "protocols.dncnn.noise=numpy_0")
    assert answer.code == 0, answer.err
    rows = read_rows(tmp_path / "results.csv")
    values = [row["value"] for row in rows if row["protocol"] == "dncnn+noise=numpy_0"]
    assert values == pytest.approx(NUMPY_0, abs=6e-4)
    assert "noise of NumPy's np.random.seed(0)" in answer.out


@pytest.mark.slow
def test_the_authors_weights_give_the_authors_numbers(command, tmp_path, data_root, weights_root):
    """With MATLAB's noise all twelve values of Table III and its mean, 30.436, come out, and Table II's 29.23."""
    words = ["model=dncnn_s", "weights=DnCNN_S_sigma25.mat", f"paths.weights={weights_root}", f"paths.data={data_root}"]
    answer = command("evaluate", *words, "task.sigma=25", "test_sets=[set12,bsd68]", "protocol=dncnn")
    assert answer.code == 0, answer.err
    means = {row["dataset"]: row for row in store.means(read_rows(tmp_path / "results.csv"))}
    assert means["set12"]["value"] == pytest.approx(30.436, abs=6e-4)
    assert means["bsd68"]["value"] == pytest.approx(29.228, abs=6e-4)
    images = [row["value"] for row in read_rows(tmp_path / "results.csv") if row["dataset"] == "set12"]
    assert images == pytest.approx(MATLAB_V4, abs=6e-4)
    printed = [row["value"] for row in published() if (row["table"], row["method"]) == ("III", "DnCNN-S")
               and row["dataset"].startswith("set12/") and row["setting"] == "sigma=25"]  # fmt: skip
    assert [f"{value:.2f}" for value in images] == printed
    assert (means["set12"]["images"], means["bsd68"]["images"]) == (12, 68)
    assert "30.436 (dncnn III)" in answer.out
    assert "29.23 (dncnn II)" in answer.out


# With the authors' weights, by the papers' protocols: PSNR in dB of the restored image and of the input. Of the first
# column the paper prints 37.58, 33.75, 31.40 and 29.40, 31.63, 32.91, 33.77.
DNCNN_3 = {
    ("sr", "set5"): {"scale=2": (37.577, 33.683), "scale=3": (33.753, 30.405), "scale=4": (31.395, 28.431)},
    ("jpeg", "classic5"): {
        "quality=10": (29.405, 27.821),
        "quality=20": (31.631, 30.123),
        "quality=30": (32.908, 31.484),
        "quality=40": (33.770, 32.428),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(("task", "dataset"), DNCNN_3)
def test_the_authors_dncnn_3(command, tmp_path, data_root, weights_root, task, dataset):
    strength = {"sr": "task.scale={set:[2,3,4]}", "jpeg": "task.quality={set:[10,20,30,40]}"}[task]
    words = ["model=dncnn_3", "weights=DnCNN_3.mat", f"paths.weights={weights_root}", f"paths.data={data_root}"]
    answer = command("evaluate", *words, f"task={task}", strength, f"test_sets={dataset}")
    assert answer.code == 0, answer.err
    means = {row["setting"]: row for row in store.means(read_rows(tmp_path / "results.csv"))}
    for setting, (restored, degraded) in DNCNN_3[task, dataset].items():
        assert means[setting]["value"] == pytest.approx(restored, abs=0.001)
        assert means[setting]["value_input"] == pytest.approx(degraded, abs=0.001)
    if task == "jpeg":
        ssim = {row["setting"]: row for row in store.means(read_rows(tmp_path / "results.csv", "ssim"))}
        assert ssim["quality=10"]["value_input"] == pytest.approx(0.7595, abs=5e-5)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (
            ["task=sr", "task.scale={set:[2,3,4]}", "test_sets=set5"],
            {"scale=2": 33.683, "scale=3": 30.405, "scale=4": 28.431},
        ),
        (["task=jpeg", "task.quality={set:[10,20]}", "test_sets=live1"], {"quality=10": 27.770, "quality=20": 30.072}),
    ],
    ids=["sr", "jpeg"],
)
def test_inputs_of_the_papers_protocols(command, tmp_path, data_root, words, values):
    answer = command("evaluate", *words, f"paths.data={data_root}", "protocol=dncnn")
    assert answer.code == 0, answer.err
    means = {row["setting"]: row["value_input"] for row in store.means(read_rows(tmp_path / "results.csv"))}
    assert means == pytest.approx(values, abs=0.002)


def test_what_a_switch_costs(command, tmp_path):
    """Rounding and clipping the noisy image makes it some 0.2 dB easier: the reason why protocols have names."""
    words = ["task.sigma=50", "test_sets=photographs", "protocols.dncnn.quantise_degraded=true"]
    answer = command("evaluate", *words)
    assert answer.code == 0, answer.err
    means = store.means(read_rows(tmp_path / "results.csv"))
    assert [row["protocol"] for row in means] == ["dncnn", "dncnn+quantise_degraded=true"]
    assert "dncnn+quantise_degraded=true against dncnn on photographs sigma=50 identity: +" in answer.out
    assert means[1]["value_input"] > means[0]["value_input"] + 0.1
    assert "noisy image rounded to 8 bits" in answer.out


def test_general_has_all_of_table_v_and_figure_12(command, tmp_path):
    answer = command("evaluate", "task=general", "test_sets=photographs")
    assert answer.code == 0, answer.err
    settings = [row["setting"] for row in store.means(read_rows(tmp_path / "results.csv"))]
    assert settings == [
        *("sigma=15", "sigma=25", "sigma=50", "scale=2", "scale=3", "scale=4"),
        *("quality=10", "quality=20", "quality=30", "quality=40", "six regions"),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task=sr", "task.scale=0"], "task.scale must be from 1 to 8, and it is 0"),
        (["task=jpeg", "task.quality=101"], "task.quality must be from 1 to 100, and it is 101"),
        (["task=deblur", "task.kernel=disc"], "task.kernel is disk, gaussian, motion or the path of a file"),
        (["task=deblur", "task.kernel=gaussian", "task.size=24"], "a kernel has an odd side"),
        (["task=inpaint_text", "task.font_size=2"], "task.font_size must be from 4 to 200"),
        (["task=jpeg_blind", "task.quality=[40,10]"], "task.quality as a range goes from low to high"),
        (["task=sr", "baselines=[wavelet]"], "baselines=wavelet is not for scale=3; for it there is bicubic"),
        (["protocols.dncnn.bordr=2"], "unknown key 'protocols.dncnn.bordr': did you mean 'protocols.dncnn.border'"),
        (["task=custom", "task.degradation._target_=no.such.Class"], "no.such.Class"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_bad_strengths_are_answered_by_one_sentence(command, words, sentence):
    answer = command("evaluate", *words)
    assert answer.code == 2, answer.out
    assert sentence in answer.err
    assert len(answer.err.strip().splitlines()) == 1, answer.err
