"""Curves: ROC (paper, Fig. 5) and training losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from vesselbench.reports.collect import Results
from vesselbench.reports.style import colours, display_name

STROKES = ("-", "--", ":", "-.")  # one a mode
ZOOM = (0.0, 0.3, 0.7, 1.0)  # the corner that matters: false positive rate, then true positive rate


def roc_figure(
    dataset: str, curves: pd.DataFrame, results: Results, second_observer: Mapping[str, Any] | None
) -> Figure:
    """Draw every run's ROC curve inside the field of view, whole and enlarged.

    Parameters
    ----------
    dataset
        For the title.
    curves
        Columns model, mode, seed, fpr, tpr.
    results
        Of the same runs: the legend's AUC, the mean over seeds.
    second_observer
        Content of its scores.json, drawn as a point; None where there is none.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    corner = axes.inset_axes((0.36, 0.24, 0.54, 0.54), xlim=ZOOM[:2], ylim=ZOOM[2:])
    for place in (axes, corner):
        _draw_curves(place, curves, results)
        if second_observer:
            scores = second_observer["pooled"]["fov"]
            point = (1 - scores["specificity"], scores["sensitivity"])
            place.plot(*point, "k*", markersize=12, markeredgecolor="white", label="Second observer", zorder=5)
        place.grid(color="0.9", linewidth=0.6)
        place.set_axisbelow(True)
    axes.plot((0, 1), (0, 1), color="0.75", linewidth=0.8, zorder=1)
    for line in axes.indicate_inset_zoom(corner, edgecolor="0.4").connectors:
        line.set_visible(False)  # they would cross the curves
    corner.tick_params(labelsize=8)
    corner.yaxis.tick_right()  # clear of the diagonal
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="False positive rate (1 - specificity)", ylabel="True positive rate (sensitivity)")
    axes.set_title(f"{display_name(dataset)}: ROC inside the field of view, all test images pooled", fontsize=11)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw_curves(axes: Axes, curves: pd.DataFrame, results: Results) -> None:
    colour = colours(list(results))
    for model, modes in results.items():
        for stroke, (mode, seeds) in zip(STROKES, modes.items(), strict=False):
            values = [run["pooled"]["fov"]["auc"] for run in seeds.values()]
            label = f"{display_name(model)}, {mode} (AUC {sum(values) / len(values):.4f})"
            for seed in seeds:
                chosen = (curves["model"] == model) & (curves["mode"] == mode) & (curves["seed"] == seed)
                run = curves[chosen]
                axes.plot(run["fpr"], run["tpr"], stroke, color=colour[model], linewidth=1.5, label=label)
                label = None  # one entry for all seeds


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
