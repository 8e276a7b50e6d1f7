"""What the summary shows besides its claims: a figure of them, and weights on data sets that they never saw."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.comparisons import COMPARED
from vesselbench.reports.style import FROM, display_name, format_interval, format_score
from vesselbench.reports.tables import markdown_table

CLAIMED = {"marker": "D", "color": "black", "markerfacecolor": "white", "markersize": 6, "label": "claimed"}
OURS = (  # columns of a claim, how far to the right of it (share of a step), and the look
    ("", 0.2, {"fmt": "o", "color": "#0072B2", "label": "ours, native size"}),
    ("resized_", 0.4, {"fmt": "s", "color": "#E69F00", "label": "ours, after the released code's resize"}),
)
MODE = "whole"  # in which weights are tried on other data sets


def overview_figure(claims: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the claims of each data set, a row, and score, a column, beside ours with 95 % intervals.

    ``claims`` are those of ``pages.summary``; quoted figures and IterNet on whole images are left out. Where the paper
    prints a method for two sets of pixels, the field of view is shown.
    """
    shown = {}
    for dataset, cells in claims.items():
        ran = cells[(cells["how"] != "quoted") & (cells["mode"] != "whole") & cells["mask"].isin(("fov", "frame"))]
        if ran["ours"].notna().any():
            shown[dataset] = ran.sort_values("mask", kind="stable").drop_duplicates(["method", "score"])
    figure = Figure(figsize=(11, 2.7 * max(len(shown), 1)), layout="constrained")
    if not shown:
        figure.text(0.5, 0.5, "no run of the paper's data sets", ha="center", va="center")
        return figure
    grid = figure.subplots(len(shown), len(COMPARED), squeeze=False)
    for (dataset, cells), row in zip(shown.items(), grid, strict=True):
        for axes, score in zip(row, COMPARED, strict=True):
            _draw(axes, cells[cells["score"] == score])
            axes.set_title(f"{display_name(dataset)}: {display_name(score)}", fontsize=10)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw(axes: Axes, cells: pd.DataFrame) -> None:
    """Draw one score of each method of one data set, in the paper's order."""
    axes.plot(range(len(cells)), cells["claimed"], linestyle="", **CLAIMED)
    for prefix, shift, look in OURS:
        value, low, high = (cells[prefix + name].astype(float) for name in ("ours", "low", "high"))
        places = [at + shift for at in range(len(cells))]
        axes.errorbar(places, value, [value - low, high - value], markersize=5, linewidth=1.2, **look)
    names = [display_name(method).replace("-", "-\n") for method in cells["method"]]
    axes.set_xticks([at + 0.2 for at in range(len(cells))], names, fontsize=9)
    axes.set_xlim(-0.3, len(cells) - 0.3)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def generalisation_table(documents: Mapping[str, Mapping[str, Any]], datasets: Mapping[str, Any]) -> str:
    """Print AUC, its interval, and F1 of each network that was tried elsewhere, by where it learned and was tested.

    ``documents`` are the contents of metrics/tables/<dataset>.json. "" where nothing was tried.
    """
    found, networks = {}, {}
    for dataset, document in documents.items():
        for item in (*document.get("protocols", ()), *document.get("transfers", ())):
            if (item["mode"], item["protocol"], item["seed"]) == (MODE, str(HEADLINE["fov"]), 0):
                found[item["label"], dataset] = item["scores"]
                network, _, learned = item["label"].partition(FROM)
                networks |= {network: None} if learned else {}
    rows = []
    for network in networks:
        for learned in datasets:
            row = {"Network": display_name(network), "Learned from": display_name(learned)}
            for tested in datasets:
                scores = found.get((network if tested == learned else f"{network}{FROM}{learned}", tested))
                row[f"Tested on {display_name(tested)}"] = _cell(scores) if scores else "not run"
            rows.append(row)
    return markdown_table(pd.DataFrame(rows)) if rows else ""


def _cell(scores: Mapping[str, Mapping[str, float]]) -> str:
    auc = scores["auc"]
    interval = format_interval(auc["low"], auc["high"])
    return f"{format_score(auc['value'])} ({interval}), {format_score(scores['f1']['value'])}"
