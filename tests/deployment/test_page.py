"""The page that `restore.export` writes, opened in a browser: what it restores is what Python restores."""

import base64
import io
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import photograph
from restore.conditions import apply_network
from restore.deployment.card import Card, forms, tiles_of
from restore.deployment.page import BUNDLE, WASM, Runtime, build_page
from restore.errors import RequestError
from restore.evaluation.luma_only import LumaOnly
from restore.models.csf import CSF
from restore.models.dncnn import DnCNN
from restore.models.ffdnet import FFDNet
from restore.models.vdsr import VDSR
from restore.resize import imresize

EXECUTABLE = os.environ.get("RESTORE_CHROMIUM") or shutil.which("chromium")


def card_of(network, channels, name="tried", **more):
    return Card(name, "denoise", channels, forms(network), tiles_of(network, channels, name), **more)


def test_a_page_is_one_file_that_names_no_other(tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / BUNDLE).write_bytes(b"export default 1;")
    (tmp_path / "dist" / WASM).write_bytes(b"\0asm")
    runtime = Runtime.read(tmp_path)
    card = card_of(trained(DnCNN(depth=3, width=4)), 1, "</script><b>", weights="a %STYLE% <i>")
    page = build_page(b"network", card, runtime).decode()
    assert page.count("a %STYLE% &lt;i&gt;: denoise") == 2, "what a card says is text, and no place of the page's own"
    assert "</script><b>" not in page
    assert "default-src 'none'" in page
    assert base64.b64encode(b"network").decode() in page
    assert "src=" not in page.replace("default-src", "").replace("-src ", "")


def test_what_no_page_can_hold_is_refused(tmp_path):
    with pytest.raises(RequestError, match=r"has no ort\.wasm.*npm install onnxruntime-web"):
        Runtime.read(tmp_path)
    with pytest.raises(RequestError, match="cannot be applied in tiles"):
        build_page(b"", card_of(CSF(stages=1), 1), Runtime(b"", b""))
    with pytest.raises(RequestError, match="no way to say mask"):
        build_page(b"", Card("masked", "", 1, {"mask": "map"}, (1, 1)), Runtime(b"", b""))


@pytest.fixture(scope="module")
def runtime():
    """onnxruntime-web's files."""
    folder = os.environ.get("RESTORE_ORT_WEB")
    if not folder:
        pytest.skip("RESTORE_ORT_WEB is not set to a folder of npm's onnxruntime-web")
    return Runtime.read(Path(folder))


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium of the system's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives a browser, is not here")
    if not EXECUTABLE:
        pytest.skip("there is no chromium here: set RESTORE_CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def restored_in_browser(browser, runtime, tmp_path):
    """Restores an image ``(H, W)`` or ``(H, W, 3)`` in the page of a network; gives the page and its pixels."""
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    from restore.deployment.onnx_file import to_onnx

    pages = []

    def restore(network, card, image, steps=lambda page: None):
        file = tmp_path / "page.html"
        file.write_bytes(build_page(to_onnx(network, card)[0], card, runtime))
        Image.fromarray(image).save(tmp_path / "photo.png")
        page = browser.new_page()
        pages.append(page)
        page.requests, page.mistakes = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        page.goto(file.as_uri())
        steps(page)
        page.set_input_files("#file", tmp_path / "photo.png")
        finish(page)
        return page, pixels(page)

    yield restore
    for page in pages:
        page.close()


def finish(page):
    until(page, "['done', 'failed'].includes(document.body.dataset.state)")
    assert page.evaluate("document.body.dataset.state") == "done", page.inner_text("#status")
    assert not page.mistakes


def until(page, expression, seconds=100):
    """Waits for an expression; playwright's own way evaluates text in the page, which its policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression}: {page.inner_text('#status')}"
        page.wait_for_timeout(20)


def pixels(page, canvas="after"):
    address = page.evaluate(f"document.getElementById('{canvas}').toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))


def levels_of(image):
    return image[0].clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy().repeat(3 // image.shape[1], 2)


def noisy(height, width, channels):
    image = photograph(height, width, channels).astype(float)
    return np.clip(image + np.random.default_rng(0).normal(0, 25, image.shape), 0, 255).astype(np.uint8)


def tensor(image):
    planes = torch.from_numpy(image).float()[..., None] if image.ndim == 2 else torch.from_numpy(image).float()
    return planes.permute(2, 0, 1)[None] / 255


def trained(network):
    """Weights that change an image visibly, and keep it in range."""
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = torch.randn(parameter.shape, generator=generator) * parameter[0].numel() ** -0.5
    return network.eval()


@pytest.mark.slow
@torch.no_grad()
def test_gray_in_several_tiles_offline(restored_in_browser):
    import restore

    network, image = restore.load("red14_denoise25"), noisy(301, 523, 1)
    page, result = restored_in_browser(network, card_of(network, 1), image)
    expected = levels_of(network(tensor(image)))
    assert np.abs(result - expected).max() <= 1
    assert np.abs(expected - levels_of(tensor(image))).mean() > 5, "noise was removed"
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "blob", "data"}
    assert sum(url.startswith("file:") for url in page.requests) == 1, "nothing but the page itself was read"
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "photo-restored.png"
    saved = np.asarray(Image.open(download.value.path()).convert("RGB"))
    assert np.array_equal(saved, result)


@pytest.mark.slow
@torch.no_grad()
def test_colour_told_sigma(restored_in_browser):
    network = trained(FFDNet(channels=3, depth=4, width=12))
    image = noisy(263, 271, 3)

    def set_sigma(page):
        page.fill("#told-sigma", "40")

    page, result = restored_in_browser(network, card_of(network, 3), image, set_sigma)
    assert np.abs(result - levels_of(network(tensor(image), torch.tensor([40 / 255])))).max() <= 2
    page.fill("#told-sigma", "5")
    page.dispatch_event("#told-sigma", "change")
    page.wait_for_timeout(50)
    finish(page)
    assert np.abs(pixels(page) - levels_of(network(tensor(image), torch.tensor([5 / 255])))).max() <= 2
    assert np.abs(pixels(page).astype(int) - result).max() > 2, "it is told another sigma"


@pytest.mark.slow
@torch.no_grad()
def test_colour_through_a_network_of_one_channel(restored_in_browser):
    network, image = trained(FFDNet(depth=4, width=8)), noisy(120, 90, 3)
    page, result = restored_in_browser(network, card_of(network, 1), image)
    each = network(tensor(image)[0][:, None], torch.full((3,), 25 / 255))[:, 0][None]
    assert np.abs(result - levels_of(each)).max() <= 2
    page.select_option("#colour", "luma")
    page.wait_for_timeout(50)
    finish(page)
    kept = apply_network(LumaOnly(network), tensor(image), {"sigma": torch.tensor([25 / 255])})
    assert np.abs(pixels(page) - levels_of(kept)).max() <= 2
    assert np.abs(pixels(page).astype(int) - result).max() > 2
    network = trained(DnCNN(depth=4, width=8, batch_norm=False))
    _, result = restored_in_browser(network, card_of(network, 1, luma_alone=True), image)
    assert np.abs(result - levels_of(apply_network(LumaOnly(network), tensor(image), {}))).max() <= 2


@pytest.mark.slow
@torch.no_grad()
def test_super_resolution_enlarges(restored_in_browser):
    network, image = trained(VDSR(depth=4, width=8)), photograph(90, 131, 1)
    card = card_of(network, 1, scale=(2, 3))
    _, result = restored_in_browser(network, card, image, lambda page: page.select_option("#scale", "3"))
    enlarged = imresize(tensor(image).double(), 270, 393).float()
    assert result.shape == (270, 393, 3)
    assert np.abs(result - levels_of(network(enlarged))).max() <= 2


@pytest.mark.slow
def test_the_page_stays_alive_and_stops(browser, runtime, tmp_path, restored_in_browser):
    network = trained(DnCNN(depth=17, width=32, batch_norm=False))
    page, _ = restored_in_browser(network, card_of(network, 1), noisy(64, 64, 1))
    Image.fromarray(noisy(1400, 1400, 1)).save(tmp_path / "large.png")
    page.click("#other")
    page.set_input_files("#file", tmp_path / "large.png")
    until(page, "document.getElementById('progress').value > 0 && !document.getElementById('progress').hidden")
    begun = page.evaluate("performance.now()")
    frames = "new Promise(r => { let n = 0; const f = () => ++n < 10 ? requestAnimationFrame(f) : r(); f(); })"
    page.evaluate(frames)
    assert page.evaluate("performance.now()") - begun < 2000, "ten frames are drawn while it computes"
    assert page.evaluate("document.body.dataset.state") == "working"
    page.click("#stop")
    assert page.evaluate("document.body.dataset.state") == "stopped"
    page.set_input_files("#file", tmp_path / "photo.png")
    finish(page)


@pytest.mark.slow
def test_what_is_no_picture_is_said(browser, runtime, tmp_path, restored_in_browser):
    network = trained(DnCNN(depth=3, width=4, batch_norm=False))
    page, _ = restored_in_browser(network, card_of(network, 1), noisy(40, 40, 1))
    (tmp_path / "text.png").write_text("text")
    page.set_input_files("#file", tmp_path / "text.png")
    until(page, "document.getElementById('status').textContent.includes('no picture')")
    assert not page.mistakes
