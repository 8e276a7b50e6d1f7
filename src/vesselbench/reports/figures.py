"""Curves: ROC (paper, Fig. 5), precision-recall, connectivity (paper, supplement) and training losses."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.averages import average
from vesselbench.reports.collect import Results, Run
from vesselbench.reports.layout import short
from vesselbench.reports.panels import POOLED, caption, key_below, mode_panels, modes_of, runs
from vesselbench.reports.planes import PRECISION_RECALL, ROC, Plane
from vesselbench.reports.style import colours, display_name

BAND = {"alpha": 0.15, "linewidth": 0}
BANDS = "bands and brackets: 95 %, test images resampled"
PROTOCOL = HEADLINE["fov"]


def roc_figure(
    dataset: str,
    curves: pd.DataFrame,
    results: Results,
    second_observer: Run | None,
    protocol: Protocol = PROTOCOL,
) -> Figure:
    """Draw every run's ROC curve, whole and enlarged, a panel a mode.

    Parameters
    ----------
    dataset
        For the title.
    curves
        Columns model, mode, seed, fpr, tpr, low, high; a run without rows is left out. One line a seed; the band
        is the first seed's.
    results
        Of the same runs: the key's AUC and interval, of the mean over seeds.
    second_observer
        Drawn as a star; None where there is none.
    protocol
        That of the curves.

    Returns
    -------
    matplotlib.figure.Figure
    """
    point = None
    if second_observer:
        point = (1 - _observed(second_observer, "specificity"), _observed(second_observer, "sensitivity"))
    figure, panels = _plane_figure(ROC, dataset, curves, results, point, protocol)
    for axes in panels:
        axes.plot((0, 1), (0, 1), color="0.75", linewidth=0.8, zorder=1)
    return figure


def pr_figure(dataset: str, curves: pd.DataFrame, results: Results, second_observer: Run | None) -> Figure:
    """Draw every run's precision against recall inside the field of view; see ``roc_figure``.

    ``curves`` has columns model, mode, seed, recall, precision, low, high; the key gives average precision.
    """
    point = None
    if second_observer:
        point = (_observed(second_observer, "sensitivity"), _observed(second_observer, "precision"))
    return _plane_figure(PRECISION_RECALL, dataset, curves, results, point, PROTOCOL)[0]


def connectivity_figure(dataset: str, curves: pd.DataFrame, results: Results) -> Figure:
    """Draw the mean connectivity over images against the threshold, a panel a mode.

    Parameters
    ----------
    dataset
        For the title.
    curves
        Columns model, mode, seed, theta, connectivity, low, high.
    results
        Of the same runs: the key's area below the curve, which is the connectivity score, and its interval.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, panels = mode_panels(modes_of(results), 4.5, [4.3], 1 + len(results), sharex=True, sharey=True)
    for mode, (axes,) in panels.items():
        _draw(axes, "theta", "connectivity", curves, results, mode, "connectivity", PROTOCOL)
        axes.set(xlim=(0, 1), ylim=(-0.01, 1.01), xlabel="Threshold of vessel probability")
        key_below(axes, axes, "Area below the curve [95 % interval]")
    next(iter(panels.values()))[0].set_ylabel("Connectivity at this threshold")
    caption(figure, dataset, "connectivity, mean of the test images", BANDS)
    return figure


def _plane_figure(
    plane: Plane,
    dataset: str,
    curves: pd.DataFrame,
    results: Results,
    observer: tuple[float, float] | None,
    protocol: Protocol,
) -> tuple[Figure, list[Axes]]:
    entries = 1 + len(results) + bool(observer)
    figure, panels = mode_panels(modes_of(results), 4.5, [5.6], entries, sharex=True, sharey=True)
    for mode, (axes,) in panels.items():
        corner = axes.inset_axes(plane.inset, xlim=plane.zoom[:2], ylim=plane.zoom[2:])
        corner.grid(color="0.9", linewidth=0.6)
        corner.set_axisbelow(True)
        corner.tick_params(labelsize=8)
        for place in (axes, corner):
            _draw(place, plane.x, plane.y, curves, results, mode, plane.score, protocol)
            if observer:
                name = display_name("second_observer")
                place.plot(*observer, "k*", markersize=11, markeredgecolor="white", label=name, zorder=5)
        for line in axes.indicate_inset_zoom(corner, edgecolor="0.4").connectors:
            line.set_visible(False)  # they would cross the curves
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=plane.x_label)
        key_below(axes, axes, f"{plane.area} [95 % interval]")
    columns = [column[0] for column in panels.values()]
    columns[0].set_ylabel(plane.y_label)
    caption(figure, dataset, plane.title, POOLED[protocol.mask], BANDS)
    return figure, columns


def _draw(
    axes: Axes, x: str, y: str, curves: pd.DataFrame, results: Results, mode: str, score: str, protocol: Protocol
) -> None:
    for model, colour, first, run in runs(curves, mode, list(results)):
        label = _label(model, results, mode, score, protocol) if first else None
        axes.plot(run[x], run[y], color=colour, linewidth=1.4, label=label)
        if first:
            axes.fill_between(run[x], run["low"], run["high"], color=colour, **BAND)


def _label(model: str, results: Results, mode: str, score: str, protocol: Protocol) -> str:
    """Write the key's entry, ``IterNet .9806 [.977, .984]``, as far as it is known."""
    found = average(results[model][mode], protocol, score)
    if not found:
        return display_name(model)
    low, high = (f"{bound:.3f}".replace("0.", ".", 1) for bound in found.bounds)
    interval = f" [{low}, {high}]" if "nan" not in (low, high) else ""
    return f"{display_name(model)} {short(found.value)}{interval}"


def _observed(observer: Run, score: str) -> float:
    return observer.scores["scores"][str(PROTOCOL)][score]["value"]


def training_figure(dataset: str, log: pd.DataFrame) -> Figure:
    """Draw the loss of each network's last output against the step, logarithmic; one line a seed.

    Parameters
    ----------
    dataset
        For the title.
    log
        Columns model, seed, step, last_output.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for model, colour in colours(list(log["model"].unique())).items():
        label = display_name(model)
        for _, run in log[log["model"] == model].groupby("seed"):
            marker = "o" if len(run) == 1 else ""
            axes.plot(run["step"], run["last_output"], marker=marker, color=colour, linewidth=1.3, label=label)
            label = None
    axes.set(yscale="log", xlabel="Step", ylabel="Cross-entropy of the last output (nats a pixel)")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(left=0)
    axes.set_title(f"{display_name(dataset)}: training loss, mean of each epoch", fontsize=11)
    axes.grid(which="both", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=9)
    return figure
