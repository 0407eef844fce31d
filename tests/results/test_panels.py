import numpy as np
from PIL import Image

from restore.results import panels
from restore.results.panels import Panel, Row, compose, stack, write


def crop(side: int = 40, mode: str = "L") -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(levels).convert(mode)


def test_a_pixel_of_a_crop_is_a_square_of_the_picture():
    picture = compose([Row("a title", (Panel(crop(), ("red10", "30.12 dB")),))], "Fig. 4")
    assert picture.mode == "L"
    enlarged = np.asarray(crop().resize((200, 200), Image.Resampling.NEAREST))
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(picture), (200, 200))
    assert any(np.array_equal(window, enlarged) for window in windows.reshape(-1, 200, 200))
    assert picture.getextrema()[0] < 60, "text is black"


def test_many_panels_are_lines_of_about_the_same_length():
    few = compose([Row("t", (Panel(crop(), ("a",)),) * 4)], "Fig. 4")
    many = compose([Row("t", (Panel(crop(), ("a",)),) * 8)], "Fig. 4")
    assert many.width == few.width
    assert many.height > 1.7 * few.height
    long = compose([Row("t", (Panel(crop(), ("a label of many words " * 4,)),))], "Fig. 4")
    assert long.width == compose([Row("t", (Panel(crop(), ("a",)),))], "Fig. 4").width
    assert long.height > few.height


def test_colour_stays_and_gray_stays_gray():
    assert stack([crop(), crop()]).mode == "L"
    both = stack([crop(40), crop(30, "RGB")])
    assert (both.mode, both.size) == ("RGB", (40, 70))


def test_a_large_file_is_drawn_smaller(tmp_path, monkeypatch):
    sizes = []

    def draw(size: float) -> Image.Image:
        sizes.append(size)
        return crop(round(200 * size))

    monkeypatch.setattr(panels, "BYTES", 20_000)
    assert write(draw, tmp_path / "new" / "x.png").stat().st_size <= 20_000
    assert sizes == [1.0, 0.8, 0.64]
