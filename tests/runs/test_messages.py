"""What is said of a run before it starts."""

import pytest

from restore.config.build import build_data
from restore.config.compose import compose
from restore.runs.messages import slow_corruption_in_words

COMMON = ["budget=cpu", "data.patch_size=24", "data.batch_size=4", "data.share=0.3"]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_albumentations_costs_a_step_is_said(channels):
    words = ["task=albumentations", "task.transforms=[GaussNoise]", f"task.channels={channels}", "task.margin=3"]
    data = build_data(compose("config", [*COMMON, *words, "task.grid=0"]))
    data.read_training()
    said = slow_corruption_in_words(data, world_size=2)
    assert said.startswith("albumentations, image by image on the CPU: ")
    assert said.endswith(" ms a step, for 2 windows of 30×30")
    milliseconds = float(said.split("CPU: ")[1].split(" ms")[0])
    assert 0 < milliseconds < 10_000


def test_of_what_is_made_on_the_device_nothing_is_said():
    data = build_data(compose("config", COMMON))
    data.read_training()
    assert slow_corruption_in_words(data, world_size=1) is None
