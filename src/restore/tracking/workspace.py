"""A project at W&B as code: a workspace with a section per task and sweep, and a report with the tables' verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from restore.results.quantities import quantity
from restore.tracking.contents import Ablation, Contents, Place, config_key

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report as SavedReport
    from wandb_workspaces.workspaces import Workspace

STEP = "trainer/global_step"
PICTURES = ("samples", "figures/sheet", "figures/psnr")
MOST_PANELS = 24  # of a section; a task has as many places as sets, settings, protocols and metrics
NETWORK_COST = {
    "network/gmac_per_pixel": "GMAC per pixel",
    "network/parameters": "parameters",
    "speed/patches_per_s": "patches/s",
}


def workspace(contents: Contents, entity: str, project: str, name: str) -> Workspace:
    """A section per task with bars beside the published values, one per sweep with its curves grouped by what it
    changes, the course of training, cost, tables and pictures.

    Args:
        entity, project: that it is of at W&B.
    """
    import wandb_workspaces.reports.v2 as reports
    import wandb_workspaces.workspaces as workspaces

    def section(title: str, panels: Sequence[Any], columns: int = 3, is_open: bool = True) -> Any:
        layout = workspaces.SectionLayoutSettings(columns=columns, rows=2)
        return workspaces.Section(name=title, panels=[*panels], is_open=is_open, layout_settings=layout)

    tables = [
        reports.WeavePanelSummaryTable(table_name=f"results/{kind}", layout=reports.Layout(w=24, h=10))
        for kind in ("means", "images")
    ]
    sections = [
        *(section(f"Task {task}", bars([*places.values()])) for task, places in contents.tasks.items()),
        *(section(f"Sweep {each.name}", ablation_panels(each)) for each in contents.ablations),
        section("Training", training_panels(contents)),
        section("Cost", cost_panels(contents)),
        section("Tables", tables, columns=1),
        section("Pictures", [pictures(contents)], columns=1),
    ]
    settings = workspaces.WorkspaceSettings(x_axis=STEP, max_runs=50)
    return workspaces.Workspace(entity=entity, project=project, name=name, sections=sections, settings=settings)


def report(contents: Contents, entity: str, project: str, title: str) -> SavedReport:
    """A W&B Report: of each sweep its table, what became of the paper's conclusions, and its own runs' curves."""
    import wandb_workspaces.reports.v2 as reports

    blocks: list[Any] = [reports.TableOfContents()]  # a run set that names no project is of the report's own
    for each in contents.ablations:
        runs = reports.Runset(name=each.name, filters=f"Metric('Group') = '{each.name}'")
        blocks += [reports.H2(f"{each.experiment} ({each.name})"), reports.MarkdownBlock(text=each.text)]
        blocks.append(reports.PanelGrid(runsets=[runs], panels=placed(ablation_panels(each))))
    for task, places in contents.tasks.items():
        runs = reports.Runset(name=task, filters=f"Config('task.name') = '{task}'")
        blocks.append(reports.H2(f"Task {task}"))
        blocks.append(reports.PanelGrid(runsets=[runs], panels=placed(bars([*places.values()]))))
    everything = reports.Runset(name="all")
    table = reports.WeavePanelSummaryTable(table_name="results/means", layout=reports.Layout(w=24, h=12))
    blocks += [reports.H2("All results"), reports.PanelGrid(runsets=[everything], panels=[table])]
    return reports.Report(entity=entity, project=project, title=title, blocks=blocks, width="fluid")


# -- panels ----------------------------------------------------------------------------------------


def bars(places: Sequence[Place]) -> list[Any]:
    """A panel a place: each run's value, and beside it what its network's paper prints, where it prints something."""
    from wandb_workspaces.reports.v2 import BarPlot

    first = sorted(places, key=lambda place: (not place.published, places.index(place)))[:MOST_PANELS]
    return [
        BarPlot(
            title=place.title + ("; published beside it" if place.published else ""),
            metrics=[f"test/{place.key}", *([f"published/{place.key}"] if place.published else [])],
        )
        for place in first
    ]


def left_out(contents: Contents) -> dict[str, int]:
    """How many places of a task have no panel, by task."""
    counts = {task: len(places) - MOST_PANELS for task, places in contents.tasks.items()}
    return {task: count for task, count in counts.items() if count > 0}


def ablation_panels(each: Ablation) -> list[Any]:
    """Validation, loss and the first layer's gradient over training and the test's bars, grouped by each swept key."""
    from wandb_workspaces.reports.v2 import BarPlot, Config, LinePlot

    panels: list[Any] = []
    for key in each.keys:
        groups = {"groupby": Config(config_key(key)), "groupby_aggfunc": "mean"}
        known = quantity(each.metric)
        curves = ((f"val/{each.metric}", known.axis, False), ("train/loss", "loss", True))
        for metric, label, logarithmic in (*curves, ("gradient/first", "gradient norm of the first layer", True)):
            axes = {"x": STEP, "title_x": "steps", "title_y": label, "log_y": logarithmic}
            panels.append(
                LinePlot(title=f"{metric} by {key}", y=[metric], groupby_rangefunc="minmax", **axes, **groups)
            )
        for place in each.places[:MOST_PANELS]:
            metrics = [f"test/{place.key}"]
            panels.append(
                BarPlot(title=f"{place.title} by {key}", metrics=metrics, groupby_rangefunc="stddev", **groups)
            )
    return panels


def training_panels(contents: Contents) -> list[Any]:
    """Loss, learning rate, gradient norm and speed over the steps, and every validated metric."""
    from wandb_workspaces.reports.v2 import LinePlot

    metrics = dict.fromkeys(place.metric for places in contents.tasks.values() for place in places.values())
    curves = {f"val/{metric}": (quantity(metric).axis, False) for metric in metrics}
    curves |= {"train/loss": ("loss", True), "train/lr": ("learning rate", True)}
    curves |= {"train/gradient_norm": ("gradient norm", True), "speed/patches_per_s": ("patches / s", False)}
    return [
        LinePlot(title=key, x=STEP, y=[key], title_x="steps", title_y=label, log_y=logarithmic)
        for key, (label, logarithmic) in curves.items()
    ]


def cost_panels(contents: Contents) -> list[Any]:
    """The first place of each task against what its networks cost."""
    from wandb_workspaces.reports.v2 import ScatterPlot, SummaryMetric

    return [
        ScatterPlot(
            title=f"{place.title} against {label}",
            x=SummaryMetric(cost),
            y=SummaryMetric(f"test/{place.key}"),
            log_x=True,
        )
        for places in contents.tasks.values()
        for place in [*places.values()][:1]
        for cost, label in NETWORK_COST.items()
    ]


def pictures(contents: Contents) -> Any:
    """What became of images, of all runs under each other."""
    from wandb_workspaces.reports.v2 import Layout, MediaBrowser

    keys = [*PICTURES, *list(contents.pictures)[:MOST_PANELS]]
    return MediaBrowser(title="pictures", media_keys=keys, num_columns=1, layout=Layout(w=24, h=16))


def placed(panels: Sequence[Any], columns: int = 3, width: int = 8, height: int = 7) -> list[Any]:
    """Panels in rows: a report has no layout of its own."""
    from wandb_workspaces.reports.v2 import Layout

    for number, panel in enumerate(panels):
        panel.layout = Layout(x=number % columns * width, y=number // columns * height, w=width, h=height)
    return [*panels]
