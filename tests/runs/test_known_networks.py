from pathlib import Path

import pytest

from restore.models.cost import Cost
from restore.results.records import Record
from restore.runs.known_networks import KnownNetworks, includes

BASE = {"method_kind": "network", "experiment": "", "budget": "", "recipe": "", "channels": "1", "setting": "sigma=25"}


def known(*rows):
    return KnownNetworks([Record(Path("/nowhere"), rows)])


def test_an_authors_file_is_known_by_the_list():
    row = BASE | {"method_kind": "released", "run": "dncnn_s_25", "model": "dncnn_s"}
    networks = known(row)
    cost = networks.cost(row)
    assert (cost.parameters, cost.macs) == (555137, 9 * 64 * (1 + 15 * 64 + 1)), "batch norm folded in"
    assert networks.trained_on(row) is True
    assert networks.trained_on(row | {"setting": "sigma=50"}) is False
    assert networks.trained_on(row | {"setting": "quality=10"}) is False


def test_a_run_that_comes_with_the_package_is_known_by_its_folder():
    row = BASE | {"run": "quality_per_minute/red14_denoise25", "experiment": "quality_per_minute", "model": "red14"}
    assert known(row).cost(row).parameters == 250321
    assert known(row).trained_on(row) is True
    assert known(row).trained_on(row | {"setting": "scale=3"}) is False
    assert known(row).trained_on(row | {"setting": "gain=1 read=5"}) is None, "nothing is known of such a setting"


def test_a_job_of_a_record_is_composed_again():
    row = BASE | {"experiment": "red_width", "budget": "cpu", "recipe": "ours_ablation", "model": "red20"}
    row |= {"run": "model.width=32,seed=1", "setting": "sigma=70"}
    wider = row | {"run": "model.width=64,seed=0"}
    networks = known(row, wider)
    assert networks.cost(wider).parameters > 3 * networks.cost(row).parameters
    assert networks.trained_on(row) is True
    assert networks.config(row).model.width == 32


@pytest.mark.parametrize(
    "changes",
    [
        {"run": "by hand; 2 min", "experiment": "quality_per_minute", "model": "red20"},
        {"run": "model.width=32", "experiment": "nobody_s", "model": "red20"},
        {"run": "model.nonsense=32", "experiment": "red_width", "model": "red20"},
        {"run": "x", "method_kind": "classical", "model": "bm3d"},
        {"run": "no_such_file", "method_kind": "released", "model": "dncnn_s"},
    ],
)
def test_what_is_not_known_is_not_guessed(changes):
    row = BASE | changes
    assert known(row).cost(row) is None
    assert known(row).trained_on(row) is None


def test_a_mixture_was_trained_on_its_parts_and_a_chain_on_no_link():
    noise = {"_target_": "restore.degradations.noise.GaussianNoise", "sigma": {"set": [10, [30, 50]]}}
    mix = {"_target_": "restore.degradations.mix.Mix", "parts": [noise]}
    chain = {"_target_": "restore.degradations.chain.Chain", "steps": [noise]}
    assert includes(mix, "sigma", "10")
    assert includes(mix, "sigma", "40")
    assert not includes(mix, "sigma", "20")
    assert not includes(chain, "sigma", "10")
    blur = {"_target_": "restore.degradations.blur.Blur", "kernel": "disk", "sigma": 1.6}
    assert includes(blur, "kernel", "disk")
    assert not includes(blur, "sigma", "1.6"), "a blur's sigma is no noise"


def test_a_cost_is_a_pixels():
    row = BASE | {"method_kind": "released", "run": "dncnn_3", "model": "dncnn_3"}
    assert isinstance(known(row).cost(row), Cost)
    assert known(row).cost(row).macs == 9 * 64 * (1 + 18 * 64 + 1)
