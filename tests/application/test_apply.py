"""``python -m restore.apply``: people's images, whatever they are, as files."""

import csv
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import photograph
from restore import apply, photos
from restore.application import batch, network, restoration
from restore.application.network import TrainedNetwork
from restore.application.restoration import Restorer, Settings
from restore.colour import rgb_to_y
from restore.config.compose import compose
from restore.errors import OutsideError, RequestError
from restore.models.dncnn import DnCNN
from restore.models.ffdnet import FFDNet
from restore.models.identity import Identity
from restore.models.reach import Reach
from restore.models.red import REDNet
from restore.models.vdsr import VDSR
from restore.photos import Photo
from restore.resize import imresize


def run(*words):
    apply.main([str(word) for word in words])


def trained(net, *words) -> TrainedNetwork:
    return TrainedNetwork(net.eval(), compose("evaluate", [*words]), "it")


def photo(height, width, channels, dtype=np.uint8, alpha=False) -> Photo:
    levels = photograph(height, width, channels)
    peak = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    rng = np.random.default_rng(0)
    deep = levels / 255 * peak + (rng.integers(0, 200, levels.shape) if dtype == np.uint16 else 0)
    deep = deep.clip(0, peak).astype(dtype)
    return Photo(deep, np.full((height, width), peak // 2, dtype) if alpha else None, float(peak))


@pytest.mark.parametrize(
    ("suffix", "dtype", "channels", "alpha"),
    [
        *((suffix, np.uint8, channels, False) for suffix in (".png", ".tif", ".webp", ".bmp") for channels in (1, 3)),
        *((suffix, np.uint16, channels, False) for suffix in (".png", ".tif") for channels in (1, 3)),
        *((".png", dtype, channels, True) for dtype in (np.uint8, np.uint16) for channels in (1, 3)),
        *((".tif", np.float32, channels, False) for channels in (1, 3)),
    ],
)
def test_the_identity_gives_the_same_pixels(suffix, dtype, channels, alpha, tmp_path):
    photos.write(photo(40, 53, channels, dtype, alpha), tmp_path / f"in{suffix}")
    before = photos.read(tmp_path / f"in{suffix}")
    run(f"input={tmp_path / f'in{suffix}'}", f"output={tmp_path / f'out{suffix}'}", "model=identity", "tile=16")
    after = photos.read(tmp_path / f"out{suffix}")
    assert after.levels.dtype == before.levels.dtype == dtype
    assert np.array_equal(after.levels, before.levels)
    assert np.array_equal(after.alpha, before.alpha) if alpha else after.alpha is None


def test_a_folder_keeps_structure_names_and_formats_and_goes_on(tmp_path, caplog):
    for name in ("a.png", "b/c.tif", "b/d.bmp"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        photos.write(photo(20, 24, 3), tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no image")
    words = (f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}", "model=identity")
    caplog.set_level(logging.INFO)
    run(*words)
    assert {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.*")} == {
        *("a.png", "b/c.tif", "b/d.bmp", "restored.csv")
    }
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*.*")}
    (tmp_path / "out" / "b" / "c.tif").unlink()
    run(*words)
    assert "2 of 3 files are done already" in caplog.text
    assert (tmp_path / "out" / "b" / "c.tif").is_file()
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == times[tmp_path / "out" / "a.png"]
    photos.write(photo(22, 24, 3), tmp_path / "in" / "a.png")
    run(*words, "self_ensemble=true")
    assert photos.read(tmp_path / "out" / "a.png").levels.shape == (22, 24, 3), "another input, or other settings"


def test_a_broken_file_is_reported_and_the_rest_goes_on(tmp_path, caplog):
    photos.write(photo(20, 24, 1), tmp_path / "in.png")
    whole = (tmp_path / "in.png").read_bytes()
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in (("a", whole[: len(whole) // 2]), ("b", whole), ("c", b""), ("d", whole)):
        (folder / f"{name}.png").write_bytes(content)
    with pytest.raises(OutsideError, match=r"2 of 4 files were not restored: a\.png, c\.png"):
        run(f"input={folder}", f"output={tmp_path / 'out'}", "model=identity")
    assert sorted(file.name for file in (tmp_path / "out").glob("*.png")) == ["b.png", "d.png"]
    assert "a.png" in caplog.text


def test_what_somebody_else_wrote_is_not_written_over(tmp_path, caplog):
    photos.write(photo(20, 24, 1), tmp_path / "in.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "in.png").write_bytes(b"precious")
    with pytest.raises(OutsideError):
        run(f"input={tmp_path / 'in.png'}", f"output={tmp_path / 'out'}", "model=identity")
    assert (tmp_path / "out" / "in.png").read_bytes() == b"precious"
    assert "exists, and is none that this command wrote" in caplog.text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["input=none.png", "output=out"], "there is no such file or folder"),
        (["input=in.png", "output=in.png"], "is an input, which is never written over"),
        (["input=in.png", "output=."], "is an input, which is never written over"),
        (["input=*.gif", "output=out"], "no image files"),
        (["input=in.png"], r"output=<file or folder>"),
        (["input=in.png", "output=out", "model=identity", "sigma=25"], "sigma=: identity is told nothing"),
        (["input=in.png", "output=out", "model=identity", "scale=2"], "was not trained to enlarge"),
        (["input=in.png", "output=out", "model=dncnn_s"], "has weights to be read"),
        (["input=in.png", "output=out", "model=dncn_s"], "did you mean 'dncnn_s'"),
        (["input=in.png", "output=out", "weights=a.pt"], "model= says of which network"),
        (["input=in.png", "output=out", "run=red14_denoise25", "model=identity"], "one of them says which network"),
        (["input=in.png", "output=out", "run=red14_denoise25", "model.width=3"], "leave model.width=3 out"),
        (["input=in.png", "output=out", "colour=cmyk"], r"unknown colour 'cmyk': \(there are auto, channels, luma\)"),
        (["input=in.png", "output=out", "tile=-1"], "tile must be at least 0, and it is -1"),
        (["input=in.png", "output=out", "sigma=nan"], "sigma is a finite number, and it is nan"),
        (["input=in.png", "output=out", "quality=auto"], "quality is a number or null, and it is 'auto'"),
        (["input=in.png", "output=out", "jpeg_quality=101"], "jpeg_quality must be at most 100, and it is 101"),
        (["input=in.png", "output=out", "tiles=3"], "did you mean 'tile'"),
        (["input=in.png", "output=out.png", "degrade=true"], "writes several files"),
        (["input=in.png", "output=out", "precision=16"], r"unknown precision '16': \(there are 32, bf16-mixed\)"),
        (["input=in.png", "output=out", "report=yes"], "report is true or false, and it is 'yes'"),
        (["input=in.png", "output=out", "run="], "run is empty"),
        (["input=in.png", "output=out", "memory=0"], "memory must be at least 0.001, and it is 0"),
        (["input=in.png", "output=out", "backend=onnxx"], "did you mean 'onnx'"),
        (["input=in.png", "output=out", "backend=onnx", "precision=bf16-mixed"], "computes in float32"),
        (
            ["input=in.png", "output=out.png", "degrade=true", "backend=onnx", "accelerator=mps"],
            "leave accelerator=mps",
        ),
    ],
    ids=range(26),
)
def test_a_wrong_request_is_one_sentence(words, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photos.write(photo(20, 24, 1), "in.png")
    with pytest.raises(RequestError, match=sentence):
        run(*words)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.png"]


def test_without_a_network_the_shipped_one_denoises(tmp_path):
    clean = photograph(64, 80, 1).astype(float)
    noisy = clean + 25 * np.random.default_rng(0).standard_normal(clean.shape)
    Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8)).save(tmp_path / "in.png")
    run(f"input={tmp_path}/*.png", f"output={tmp_path / 'out'}", "report=true")
    restored = photos.read(tmp_path / "out" / "in.png").levels
    assert np.mean((restored - clean) ** 2) < 0.2 * np.mean((noisy - clean) ** 2)
    page = (tmp_path / "out" / "report" / "index.html").read_text()
    assert "in.png" in page
    with Image.open(tmp_path / "out" / "report" / "0001.png") as picture:
        assert picture.size == (3 * 80 + 16, 64)


def test_a_shipped_network_that_is_told_sigma_is_told_its_estimate(tmp_path, monkeypatch):
    told = []

    class Told(Identity):
        conditions = ("sigma",)

        def forward(self, degraded, sigma):
            told.append(255 * sigma.item())
            return degraded

    monkeypatch.setattr(batch, "shipped_denoiser", lambda *_: trained(Told()))
    flat = 120 + 20 * np.random.default_rng(0).standard_normal((150, 150))
    Image.fromarray(flat.round().astype(np.uint8)).save(tmp_path / "in.png")
    run(f"input={tmp_path / 'in.png'}", f"output={tmp_path / 'out.png'}")
    assert told[-1] == pytest.approx(20, rel=0.06)
    run(f"input={tmp_path / 'in.png'}", f"output={tmp_path / 'out.png'}", "sigma=33")
    assert told[-1] == pytest.approx(33)


def test_super_resolution_enlarges_and_its_chroma_is_bicubic():
    torch.manual_seed(0)
    net = VDSR(depth=3, width=4)
    torch.nn.init.normal_(net.body[-1].weight, std=0.05)
    source = photo(31, 26, 3, np.uint16, alpha=True)
    enlarged = imresize(source.to_unit(), 93, 78, (3.0, 3.0))
    restored = Restorer(trained(net, "task=sr", "task.scale=3"), Settings(tile=40)).restore(source, "it")
    assert restored.levels.shape == (93, 78, 3)
    assert restored.alpha.shape == (93, 78)
    with torch.no_grad():
        luma = net(rgb_to_y(enlarged))
    whole = enlarged + (luma - rgb_to_y(enlarged)) * 255 / 219
    assert (restored.to_unit() - whole.clamp(0, 1)).abs().max() < 2e-5
    assert Restorer(trained(net, "task=sr", "task.scale={set:[2,3]}"), Settings({"scale": 2})).scale == 2
    with pytest.raises(RequestError, match="enlarges by 2, 3: scale= says which"):
        Restorer(trained(net, "task=sr", "task.scale={set:[2,3]}"), Settings())


def test_colour_through_a_network_of_one_channel():
    """Noise is in every channel, so each is restored by default; through Y, chroma stays."""
    torch.manual_seed(0)
    net = DnCNN(depth=3, width=4, last_layer="he").eval()
    source = photo(30, 34, 3, np.float32)
    unit = source.to_unit()
    with torch.no_grad():
        each = torch.cat([net(unit[:, c : c + 1]) for c in range(3)], dim=1)
        luma = unit + (net(rgb_to_y(unit)) - rgb_to_y(unit)) * 255 / 219
    for colour, expected in (("auto", each), ("channels", each), ("luma", luma)):
        restored = Restorer(trained(net, "task=denoise"), Settings(colour=colour)).restore(source, "it")
        torch.testing.assert_close(restored.to_unit(), expected, atol=1e-5, rtol=0)


def test_a_network_of_colour_restores_gray():
    torch.manual_seed(0)
    net = DnCNN(channels=3, depth=3, width=4).eval()
    source = photo(30, 34, 1, np.float32)
    restored = Restorer(trained(net, "model=cdncnn_b"), Settings()).restore(source, "it")
    with torch.no_grad():
        expected = net(source.to_unit().expand(-1, 3, -1, -1)).mean(dim=1)
    torch.testing.assert_close(restored.to_unit()[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("colour", ["channels", "luma"])
def test_sigma_is_told_of_the_channel_that_is_restored(colour):
    """In Y noise is smaller by the root of the sum of its weights' squares, 0.575; estimated there it comes out so."""
    told = []

    class Told(Identity):
        conditions, channels = ("sigma",), 1

        def forward(self, degraded, sigma):
            told.append(255 * sigma[0].item())
            return degraded

    noise = 20 * np.random.default_rng(0).standard_normal((200, 200, 3))
    noisy = Photo(((120 + noise) / 255).astype(np.float32), peak=1.0)
    for settings in (Settings({"sigma": 20}, colour=colour), Settings(estimate=True, colour=colour)):
        Restorer(trained(Told()), settings).restore(noisy, "it")
        assert told[-1] == pytest.approx(20 if colour == "channels" else 20 * 0.5749, rel=0.06)


@pytest.mark.parametrize("ensemble", [False, True])
def test_tiles_of_a_photo_are_the_photo(ensemble):
    torch.manual_seed(0)
    net = REDNet(depth=6, width=8, skip_step=1, downsample=[2], last_layer="he").eval()
    source = photo(90, 77, 3, np.float32)
    whole, tiled = (
        Restorer(trained(net), Settings(tile=tile, self_ensemble=ensemble)).restore(source, "it") for tile in (0, 33)
    )
    np.testing.assert_allclose(tiled.levels, whole.levels, atol=1e-5)


def test_memory_is_bounded_and_predicted(caplog):
    net = DnCNN(depth=3, width=16).eval()
    source = photo(300, 280, 1)
    caplog.set_level(logging.INFO)
    Restorer(trained(net), Settings(memory=3e6)).restore(source, "it")
    assert "in tiles of" in caplog.text
    with pytest.raises(RequestError, match=r"does not fit in memory=0\.0001 GB"):
        Restorer(trained(net), Settings(memory=1e5)).restore(source, "it")


def test_where_memory_runs_out_tiles_get_smaller(caplog, monkeypatch):
    class Large(Identity):
        reach = Reach(0)

        def forward(self, degraded):
            if degraded.numel() > 2500:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")
            return degraded

    source = photo(300, 280, 1)
    monkeypatch.setattr(restoration, "bytes_per_pixel", lambda *_: 8.0)
    monkeypatch.setattr(restoration, "check_tiles", lambda *_: None)
    after = Restorer(trained(Large()), Settings(tile=200)).restore(source, "it")
    assert np.array_equal(after.levels, source.levels)
    assert "memory ran out, and tiles of" in caplog.text


def test_a_network_that_sees_everything_refuses_tiles_and_takes_whole_images():
    csf = trained(network.build_network(compose("evaluate", ["model=csf"]).model), "model=csf")
    with pytest.raises(RequestError, match="it cannot be applied in tiles"):
        Restorer(csf, Settings(tile=64)).restore(photo(80, 80, 1), "it")
    assert Restorer(csf, Settings()).restore(photo(80, 80, 1), "it").levels.shape == (80, 80)


def test_degrade_gives_three_pictures_and_the_scores(tmp_path):
    photos.write(photo(48, 40, 1), tmp_path / "in.png")
    run(f"input={tmp_path / 'in.png'}", f"output={tmp_path / 'out'}", "degrade=true", "sigma=25")
    with Image.open(tmp_path / "out" / "in_sigma=25.png") as picture:
        assert picture.size == (3 * 40 + 16, 48)
        clean = np.asarray(picture)[:, -40:]
    assert np.array_equal(clean, photos.read(tmp_path / "in.png").levels)
    rows = list(csv.DictReader((tmp_path / "out" / "scores.csv").read_text().splitlines()))
    psnr = next(row for row in rows if row["metric"] == "psnr")
    assert float(psnr["value"]) > float(psnr["value_input"]) + 3


def test_ffdnet_is_given_what_it_is_told():
    torch.manual_seed(0)
    net = FFDNet(depth=3, width=8).eval()
    source = photo(41, 37, 1, np.float32)
    restored = Restorer(trained(net, "model=ffdnet"), Settings({"sigma": 25.0})).restore(source, "it")
    expected = net(source.to_unit(), sigma=torch.tensor([25 / 255])).detach()
    torch.testing.assert_close(restored.to_unit(), expected, atol=1e-5, rtol=0)
    with pytest.raises(RequestError, match=r"is told sigma, and it is not given: sigma=<number> \(or sigma=auto\)"):
        Restorer(trained(net), Settings())
