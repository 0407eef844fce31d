import pytest
from omegaconf import OmegaConf

from restore.config.loading import configuration
from restore.errors import RequestError
from restore.results.printed_figures import find_figure, printed_figures


def test_every_figure_that_can_be_drawn_again():
    names = [figure.name for figure in printed_figures()]
    assert names == [
        *(f"red_{number}" for number in (2, 3, *range(5, 13), *range(14, 18))),
        *(f"dncnn_{number}" for number in (2, *range(4, 13))),
    ]
    with pytest.raises(RequestError, match="unknown figure 'red_13': did you mean 'red_3'"):
        find_figure("red_13")


@pytest.mark.parametrize("figure", printed_figures(), ids=lambda figure: figure.name)
def test_a_figure_is_given_by_its_experiment(figure):
    """Sheets by the entries of their number, panels by keys that are swept; the command is that of a grid where it is one."""
    config = OmegaConf.load(configuration() / "experiment" / f"{figure.experiment}.yaml")
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    assert figure.name == f"{figure.paper}_{figure.figure}"
    assert f"experiment={figure.experiment}" in figure.words.split()
    assert set(figure.panels) <= set(params)
    assert figure.words.startswith("-m ") == bool(params)
    if figure.kind == "sheet":
        assert figure.figure in [sheet.figure for sheet in config.sheets]
