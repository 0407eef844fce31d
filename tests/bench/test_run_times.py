import pytest

from restore.bench.run_times import measured, milliseconds, published_milliseconds, table_iv


@pytest.fixture
def record(tmp_path):
    file = tmp_path / "inference.csv"
    file.write_text(
        "what,name,seconds,seconds_bf16\nprecision,float32,1,\nsize,dncnn_s 256,0.25,0.125\nsize,dncnn_s 1024,2.097152,1\n"
    )
    return file


def test_times_of_a_megapixel_by_the_layers_that_take_them(record, tmp_path):
    assert measured(record)["DnCNN-S", 256] == (0.25, 0.125)
    assert milliseconds(record) == {(555137, 554112): pytest.approx(2000)}
    assert published_milliseconds()["BM3D"] == pytest.approx(11.89 / 1.048576 * 1000)
    assert milliseconds(tmp_path / "none.csv") == {}


def test_table_iv_says_what_was_not_run(record):
    header, lines = table_iv(record)
    rows = {(line[0], line[1]): line[2:] for line in lines}
    assert len(header) == 6
    assert rows["DnCNN-S", "256x256"] == ["0.74", "0.014", "0.250", "0.125"]
    assert rows["BM3D", "256x256"] == ["0.65", "–", "not run", "not run"]
