"""The page of results in headless Chromium: it sorts, filters, draws, compares images, and keeps its links."""

from __future__ import annotations

import io
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from restorations import ENTRY, TESTS, restoration

from restore.results import store
from restore.results.crops import Crops
from restore.results.page.document import build_page, plotly_script
from restore.results.page.sources import Source, crop_folders

pytestmark = pytest.mark.slow
EXECUTABLE = os.environ.get("RESTORE_CHROMIUM") or shutil.which("chromium")
SIZES = {"desktop": (1280, 800), "phone": (390, 800)}
HOSTILE = "<img src=x onerror=window.hit=1><b>"


def rows_of(run, psnr, **more):
    base = dict.fromkeys(store.COLUMNS, "") | {
        "run": run,
        "task": "denoise",
        "model": "red10",
        "method_kind": "network",
    }
    base |= {"protocol": "dncnn", "dataset": "bsd68", "setting": "sigma=25", "channels": 1, "overlap": "none"}
    values = {"psnr": (psnr, 20.0), "ssim": (psnr / 40, 0.3)}
    return [base | {"image": image, "metric": metric, "value": value, "value_input": before} | more
            for image in "abc" for metric, (value, before) in values.items()]  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A page of a sweep of three points and three seeds, a hostile run, and two test images."""
    pytest.importorskip("plotly", reason="the extra page is not installed")
    folder = tmp_path_factory.mktemp("page")
    rows, histories = [], {}
    for depth, psnr in ((5, 28.0), (10, 29.0), (20, 29.5)):
        for seed in range(3):
            run = f"model.depth={depth},seed={seed}"
            rows += rows_of(run, psnr + 0.1 * seed, budget="cpu", recipe="ours")
            values = [psnr - 5 / (step + 1) + 0.1 * seed for step in range(20)]
            steps = [float(step) for step in range(20)]
            histories[run] = {
                "step": steps,
                "patches": steps,
                "val/psnr": values,
                "train/loss": [1 / v for v in values],
            }
    hostile = Source(HOSTILE, rows_of(f"{HOSTILE}=1", 27.0, model=HOSTILE, setting="sigma=50") + rows_of(f"{HOSTILE}=2", 26.0, setting="sigma=50"),
                     {f"{HOSTILE}=1": histories["model.depth=5,seed=0"]})  # fmt: skip
    for image in ("a", "bird_GT"):
        entry = ENTRY | {"image": image, "region": "whole"}
        Crops(folder / image, [entry], TESTS).keep("red10", restoration(5, image=image))
    written = folder / "report.html"
    written.write_bytes(
        build_page([Source("depths", rows, histories), hostile], crop_folders([folder]), plotly_script())
    )
    return written


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


@pytest.fixture(params=SIZES)
def opened(request, browser, file):
    """Opens a view of the page at a width; at the end nothing was complained of and nothing but the file was read."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=request.param == "phone")
    page = context.new_page()
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda sent: requests.append(sent.url))
    page.width = width

    def show(view=""):
        page.goto("about:blank")
        page.goto(file.as_uri() + view)
        until(page, "document.body.dataset.state === 'ready'")
        return page

    yield show
    assert not complaints
    assert {url.partition(":")[0] for url in requests} <= {"file", "data", "blob", "about"}
    assert {url.partition("#")[0] for url in requests if url.startswith("file:")} == {file.as_uri()}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the window"
    assert not page.evaluate("window.hit"), "nothing that a run is called has run"
    context.close()


def until(page, expression, seconds=20):
    """Waits for an expression; playwright's own way evaluates text in the page, which its policy forbids."""
    for _ in range(seconds * 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{expression} did not come true")


def labelled(page, label):
    """A control of the view that is shown."""
    return page.locator("main > section:not([hidden])").get_by_label(label, exact=True)


def column(page, place="td.value"):
    return page.evaluate(
        f"[...document.querySelectorAll('#scores-table tbody {place}')].map(cell => cell.firstChild.textContent)"
    )


def address(page):
    page.wait_for_timeout(250)  # the address follows after a moment
    return page.evaluate("location.hash")


def pixels(page, selector="#stage"):
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")).astype(int)


def test_scores_sort_filter_and_link(opened):
    page = opened()
    values = [float(text.split()[0]) for text in column(page)]
    assert values == sorted(values, reverse=True)
    assert page.locator("tr.published").count() > 3
    assert page.locator("tr.published .badge").first.inner_text() == "published"
    if page.width > 640:
        header = page.get_by_role("button", name="PSNR / dB")
        header.focus()
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").inner_text().startswith("PSNR")
        assert page.evaluate("document.activeElement.textContent") == "PSNR / dB", "the focus stays"
    else:
        labelled(page, "Sort by").select_option("value")
        page.get_by_role("button", name="More filters").click()
    assert [float(text.split()[0]) for text in column(page)] == sorted(values)
    labelled(page, "Rows").select_option("network")
    assert column(page) == ["28.10 ± 0.10", "29.10 ± 0.10", "29.60 ± 0.10"]
    page.get_by_role("searchbox").fill("depth=20")
    assert column(page) == ["29.60 ± 0.10"]
    link = address(page)
    page = opened(link)
    assert column(page) == ["29.60 ± 0.10"]
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#scores-count").inner_text().endswith("choose one of each.")
    labelled(page, "Setting").select_option("sigma=50")
    labelled(page, "Rows").select_option("network")
    assert HOSTILE in column(page, "th"), "a name is text"


def test_curves_zoom_and_toggle(opened):
    page = opened("#training?source=depths")
    until(page, "document.querySelectorAll('#training-chart .scatterlayer .trace').length === 9")  # mean, and two ends
    assert page.get_by_role("checkbox", name="depth=10").is_checked()
    assert "depth=20: 29.35 dB" in page.locator("#training-chart .legend").inner_text()
    page.get_by_role("checkbox", name="depth=10").focus()
    page.keyboard.press("Space")
    until(page, "document.querySelectorAll('#training-chart .scatterlayer .trace').length === 6")
    spread = "(() => { const [a, b] = document.querySelector('#training-chart .plot')._fullLayout.xaxis.range; return b - a; })()"
    before = page.evaluate(spread)
    page.get_by_role("button", name="Zoom in").click()
    until(page, f"{spread} < {0.7 * before}")
    page.get_by_role("button", name="Reset zoom").click()
    until(page, f"Math.abs({spread} - {before}) < 1")
    labelled(page, "Every seed").check()
    labelled(page, "Curve").select_option("train/loss")
    until(page, "document.querySelector('#training-chart .plot')._fullLayout.yaxis.type === 'log'")
    link = address(page)
    page = opened(link)
    until(page, "document.querySelectorAll('#training-chart .scatterlayer .trace').length === 6")
    assert not page.get_by_role("checkbox", name="depth=10").is_checked()
    labelled(page, "Experiment").select_option(HOSTILE)
    until(page, "document.querySelectorAll('#training-chart .scatterlayer .trace').length === 1")
    assert HOSTILE in page.locator("#training-chart .legend").inner_text()


def test_ablations_show_values_and_differences(opened):
    page = opened("#ablations")
    until(page, "document.querySelectorAll('#ablations-chart .point').length === 3")
    table = page.locator("#ablations-table")
    assert "29.100 ± 0.100" in table.inner_text()
    assert "+1.000 [" in table.inner_text()
    assert page.locator("#ablations-trained").inner_text() == "Budget cpu, recipe ours."
    labelled(page, "Show").select_option("difference")
    until(page, "document.querySelectorAll('#ablations-chart .point').length === 2")
    labelled(page, "Experiment").select_option(HOSTILE)
    until(page, "document.querySelectorAll('#ablations-chart .point').length === 1")
    assert page.locator("#ablations-chart .plot img").count() == 0, "a name in a chart is text"


def test_the_divider_zoom_and_error_maps(opened):
    page = opened("#images")
    until(page, "document.querySelectorAll('.pane').length === 3")
    divider, stage = page.get_by_role("slider", name="Divider"), page.locator("#stage")
    assert divider.get_attribute("aria-valuenow") == "50"
    page.wait_for_timeout(100)
    box = stage.bounding_box()
    half = pixels(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.8, steps=4)
    page.mouse.up()
    assert abs(int(divider.get_attribute("aria-valuenow")) - 25) <= 1
    middle = slice(int(0.3 * half.shape[1]), int(0.45 * half.shape[1]))
    rows = slice(int(0.2 * half.shape[0]), int(0.4 * half.shape[0]))
    moved = pixels(page)
    assert moved[rows, middle].std() < 0.7 * half[rows, middle].std(), "what was noise is restored there"
    divider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    assert abs(int(divider.get_attribute("aria-valuenow")) - 36) <= 1
    page.keyboard.press("Home")
    until(page, "document.getElementById('divider').getAttribute('aria-valuenow') === '0'")
    panes = pixels(page, ".pane canvas >> nth=2")
    stage.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_timeout(100)
    assert np.abs(pixels(page, ".pane canvas >> nth=2") - panes).max() > 30, "the panes zoom with it"
    labelled(page, "Error maps").check()
    page.wait_for_timeout(100)
    red, _, blue = pixels(page, ".pane canvas >> nth=1").reshape(-1, 3).mean(0)
    assert red > blue + 20, "errors of the degraded image are bright in inferno's colours"
    assert np.ptp(pixels(page, ".pane canvas >> nth=0"), axis=2).max() <= 2, "the clean image stays gray"
    labelled(page, "Test image").select_option(index=1)
    page.get_by_role("button", name="clean on the right").click()
    link = address(page)
    page = opened(link)
    until(page, "document.querySelectorAll('.pane').length === 3")
    assert labelled(page, "Error maps").is_checked()
    assert page.locator("#tag-right").inner_text() == "clean"
    assert divider.get_attribute("aria-valuenow") == "0"


def test_a_link_that_nobody_made_is_no_error(opened):
    for link in ("#nowhere?x=1", "#images?at=no&zoom=1e9&left=none&image=%00", "#training?source=none&column=constructor",
                 "#ablations?place=__proto__", "#scores?set=&sort=constructor&dataset=none"):  # fmt: skip
        opened(link)
    opened("#images").keyboard.press("Tab")


def test_views_themes_and_names(opened):
    page = opened()
    colours = []
    for _ in range(3):
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.locator("#theme").click()
    assert len(set(colours)) == 2, "system is light here, then light, then dark"
    for view in ("Training", "Ablations", "Images", "Scores"):
        page.get_by_role("link", name=view, exact=True).click()
        until(page, f"!document.getElementById('view-{view.lower()}').hidden")
        assert page.locator("nav [aria-current]").inner_text() == view
        unnamed = page.evaluate(
            """[...document.querySelectorAll('button, select, input, a[href], [role=slider], [role=img]')]
            .filter(each => each.checkVisibility() && !(each.ariaLabel || each.textContent.trim() || each.labels?.length))
            .map(each => each.outerHTML)"""
        )
        assert not unnamed
    page.go_back()
    until(page, "!document.getElementById('view-images').hidden")
