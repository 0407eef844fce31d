"""What a dashboard is laid out for: places by task, sweeps with the keys that they change, and their tables."""

from pathlib import Path

from test_record import row

from restore.tracking.contents import Contents, config_key, swept_keys


def job(name: str, value: float) -> dict:
    return row("01", value, run=name, experiment="red_skip_step", model="red30")


def test_places_and_sweeps(tmp_path):
    contents = Contents()
    contents.add(tmp_path / "one", [row("01", 30.0), row("01", 0.9, metric="ssim")])
    grid = [job(f"model.skip_step={step},seed={seed}", 29.0 + step) for step in (2, 4) for seed in (0, 1)]
    contents.add(tmp_path / "grid", grid)
    places = contents.tasks["denoise"]
    assert list(places) == ["set12/sigma=25/dncnn/psnr", "set12/sigma=25/dncnn/ssim"]
    assert places["set12/sigma=25/dncnn/psnr"].published
    assert not places["set12/sigma=25/dncnn/ssim"].published
    assert places["set12/sigma=25/dncnn/psnr"].title == "set12 sigma=25, PSNR in dB, protocol dncnn"
    (ablation,) = contents.ablations
    assert (ablation.name, ablation.experiment, ablation.keys) == ("grid", "red_skip_step", ("model.skip_step",))
    assert "| model.skip_step=4 |" in ablation.text, "made of the rows, where no report was written"
    assert list(contents.pictures) == ["tested/set12/sigma=25"]


def test_a_written_table_is_taken_with_its_verdicts(tmp_path):
    Path(tmp_path, "table.md").write_text("| a |\n\nholds\n")
    contents = Contents()
    contents.add(tmp_path, [job("model=red10", 1.0), job("model=red20", 2.0)])
    assert contents.ablations[0].text.endswith("holds\n")


def test_keys_of_jobs():
    assert swept_keys(["model=red10,seed=0", "model=red20,seed=1"]) == ("model",)
    assert swept_keys(["data.share=1", "data.share=1"]) == ()
    assert config_key("model") == "model.name"
    assert config_key("model.skip_step") == "model.skip_step"
