"""Curves, such as ROC (paper, Fig. 5) and connectivity (paper, supplement), and scores of single images as points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.runs import scores_of
from vesselbench.reports.style import colours, display_name, format_interval, format_score

KEY_LINE = 0.2  # inches of height that an entry of the key takes
POOLED = {"fov": "all test images pooled, inside the field of view", "frame": "all test images pooled, whole frame"}
MEAN = "mean of the test images, whole frame"
OF_EACH = ("f1", "connectivity")  # scores of each image that are drawn
RESAMPLED = "bands and brackets: 95 %, test images resampled"


@dataclass(frozen=True)
class Curve:
    """One quantity against another, each in [0, 1]."""

    title: str
    x: str  # columns of the table that is drawn; names.csv has their names
    y: str
    score: str  # the area below the curve, as ``averages`` call it; "": the key gives the calibration error
    key: str  # what the key calls it
    heights: tuple[float, ...]  # inches of the panel, and of one below it for the pixels of each bin
    star: tuple[str, ...] = ()  # scores of the second observer that are its x (of ROC, 1 less that) and y
    zoom: tuple[float, ...] = ()  # the corner to enlarge: from and to in x, in y
    inset: tuple[float, ...] = ()  # and where: left, bottom, width, height as shares of the axes


ROC = Curve(
    *("ROC", "fpr", "tpr", "auc", "AUC [95 % interval]", (5.6,)),
    *(("specificity", "sensitivity"), (0, 0.3, 0.7, 1), (0.34, 0.1, 0.56, 0.56)),
)
PRECISION_RECALL = Curve(
    *("precision and recall", "recall", "precision", "auc_pr", "Average precision [95 % interval]", (5.6,)),
    *(("sensitivity", "precision"), (0.6, 1, 0.6, 1), (0.1, 0.1, 0.46, 0.46)),
)
CONNECTIVITY = Curve("connectivity", "theta", "connectivity", "connectivity", "Area below [95 % interval]", (4.3,))
CALIBRATION = Curve("calibration", "probability", "vessel", "", "Expected calibration error", (5.0, 1.9))
CURVES = {"roc": ROC, "pr": PRECISION_RECALL, "connectivity": CONNECTIVITY, "calibration": CALIBRATION}  # by table


def curve_figure(
    curve: Curve,
    dataset: str,
    table: pd.DataFrame,
    averages: pd.DataFrame,
    observer: pd.DataFrame | None = None,
    protocol: Protocol = HEADLINE["fov"],
) -> Figure:
    """Draw the curves of every run, a panel a mode, a line a seed; the band, and pixels of bins, are the first seed's.

    ``table`` has columns label, mode, seed, the two of the curve, low, high; a run without rows is left out.
    ``averages`` (see ``Results``) of the same labels give the key's scores and intervals, under the ``protocol`` of the
    curves; those of the second ``observer`` a star. ``dataset`` is for the title.
    """
    labels, modes = (list(averages.index.unique(level)) for level in ("label", "mode"))
    if not labels:
        return no_run_figure(dataset, curve.title)
    star = None
    if observer is not None and curve.star:
        x, y = observer["value"].xs(str(protocol), level="protocol").droplevel(["label", "mode"])[list(curve.star)]
        star = (1 - x if curve.x == "fpr" else x, y)
    figure, panels = mode_panels(modes, 4.5, curve.heights, 1 + len(labels) + bool(star))
    for mode, column in panels.items():
        axes, below = column[0], column[-1]
        drawn = [axes, _enlarged(axes, curve)] if curve.zoom else [axes]
        for label, colour in colours(labels).items():
            rows = table[(table["label"] == label) & (table["mode"] == mode)]
            if len(rows):
                name = _key(curve, rows, scores_of(averages, label, mode, protocol))
                _draw_seeds(drawn, below, curve, rows, colour, name)
        for place in drawn if star else []:
            look = {"markersize": 11, "markeredgecolor": "white", "zorder": 5}
            place.plot(*star, "k*", label=display_name("second_observer"), **look)
        if curve in (ROC, CALIBRATION):
            axes.plot((0, 1), (0, 1), color="0.7", linewidth=0.8, zorder=1)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        below.set(xlabel=display_name(curve.x), yscale="linear" if below is axes else "log")
        handles, names = axes.get_legend_handles_labels()
        if handles:
            look = {"title": curve.key, "title_fontsize": 9, "fontsize": 9, "frameon": False, "loc": "upper center"}
            below.legend(handles, names, bbox_to_anchor=(0.5, 0), borderaxespad=4.2, **look)  # in heights of the font
    for axes, text in zip(panels[modes[0]], (display_name(curve.y), "Pixels"), strict=False):
        axes.set_ylabel(text)
    caption(figure, dataset, curve.title, MEAN if curve is CONNECTIVITY else POOLED[protocol.mask], RESAMPLED)
    return figure


def _draw_seeds(drawn: Sequence[Axes], below: Axes, curve: Curve, rows: pd.DataFrame, colour: str, name: str) -> None:
    """Draw the curves of a label in the axes ``drawn``; band and pixels of bins are those of the first seed."""
    look = {"color": colour, "linewidth": 1.4, "marker": "" if curve.score else "o", "markersize": 3}
    for at, (_, run) in enumerate(rows.groupby("seed", sort=False)):
        for axes in drawn:
            axes.plot(run[curve.x], run[curve.y], label=None if at else name, **look)
            if at == 0:
                axes.fill_between(run[curve.x], run["low"], run["high"], color=colour, alpha=0.15, linewidth=0)
        if at == 0 and not curve.score:
            below.hlines(run["pixels"], run["bin_low"], run["bin_high"], color=colour, linewidth=1.6)


def _key(curve: Curve, rows: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Write the key's entry of a label: ``IterNet .9806 [.9770 to .9840]``; the mean over seeds."""
    name = display_name(rows["label"].iloc[0])
    if not curve.score:
        return f"{name} {format_score(np.mean([calibration_error(bins) for _, bins in rows.groupby('seed')]))}"
    value, low, high = scores.reindex([curve.score]).iloc[0][["value", "low", "high"]]
    return f"{name} {format_score(value)} [{format_interval(low, high)}]"


def _enlarged(axes: Axes, curve: Curve) -> Axes:
    corner = axes.inset_axes(curve.inset, xlim=curve.zoom[:2], ylim=curve.zoom[2:])
    corner.grid(color="0.9", linewidth=0.6)
    corner.set_axisbelow(True)
    corner.tick_params(labelsize=8)
    for line in axes.indicate_inset_zoom(corner, edgecolor="0.4").connectors:
        line.set_visible(False)  # they would cross the curves
    return corner


def calibration_error(bins: pd.DataFrame) -> float:
    """Weigh the gap between probability and share of vessel by each bin's share of the pixels, and add up."""
    return float(np.average((bins["probability"] - bins["vessel"]).abs(), weights=bins["pixels"]))


def training_figure(dataset: str, log: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """Draw the loss of each network's last output against the step, logarithmic; one line a seed.

    ``log`` has columns label, seed, step, last_output; ``labels`` are all those of the other figures, for the colours.
    """
    if log.empty:
        return no_run_figure(dataset, "training loss")
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for label, colour in colours(labels).items():
        for at, (_, run) in enumerate(log[log["label"] == label].groupby("seed")):
            look = {"marker": "o" if len(run) == 1 else "", "color": colour, "linewidth": 1.3}
            axes.plot(run["step"], run["last_output"], label=None if at else display_name(label), **look)
    axes.set(yscale="log", xlabel="Step", ylabel="Cross-entropy of the last output (nats a pixel)")
    axes.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter=NullFormatter())
    axes.set_xlim(left=0)
    axes.grid(which="both", color="0.92", linewidth=0.6)
    axes.legend(frameon=False, fontsize=9)
    caption(figure, dataset, "training loss, mean of each epoch")
    return figure


def images_figure(dataset: str, images: pd.DataFrame) -> Figure:
    """Draw every test image's F1 and connectivity by label, to see which decide: a row a score, a column a mode.

    ``images`` has columns label, mode, id, f1, connectivity. Seeds are averaged; undefined scores are left out.
    """
    if images.empty:
        return no_run_figure(dataset, "each test image")
    labels, modes = (list(images[name].unique()) for name in ("label", "mode"))
    figure, panels = mode_panels(modes, max(4.0, len(labels)), [3.4] * len(OF_EACH))
    names = [display_name(label).replace("-", "-\n").replace(" ", "\n") for label in labels]
    for mode, column in panels.items():
        rows = images[images["mode"] == mode]
        for axes, score in zip(column, OF_EACH, strict=True):
            _draw_strip(axes, rows.pivot_table(index="id", columns="label", values=score).reindex(columns=labels))
        column[-1].set_xticks(range(len(labels)), names, fontsize=9)
        column[-1].set_xlim(-0.5, len(labels) - 0.5)
    for axes, score in zip(panels[modes[0]], OF_EACH, strict=True):
        axes.set_ylabel(display_name(score))
    notes = ("a dot an image, joined over models; bar: their mean", "worst and best image named")
    caption(figure, dataset, "each test image (F1: inside the field of view)", *notes)
    return figure


def _draw_strip(axes: Axes, table: pd.DataFrame) -> None:
    """Draw scores (images, labels): its columns from left to right."""
    axes.margins(y=0.12)  # room for the names
    axes.grid(visible=False, axis="x")
    axes.plot(range(table.shape[1]), table.to_numpy().T, color="0.8", linewidth=0.7, zorder=1)
    for at, (label, colour) in enumerate(colours(list(table.columns)).items()):
        known = table[label].dropna()
        axes.plot([at] * len(known), known, "o", color=colour, markersize=4.5, alpha=0.6, markeredgewidth=0)
        if len(known):
            axes.hlines(known.mean(), at - 0.22, at + 0.22, color="black", linewidth=2, zorder=4)
            ends = {known.idxmin(): ("top", -5), known.idxmax(): ("bottom", 5)}  # one where they are the same
            for name, (side, shift) in ends.items():
                place = {"xytext": (0, shift), "textcoords": "offset points", "ha": "center", "va": side}
                axes.annotate(name, (at, known[name]), fontsize=8, color="0.25", **place)


def mode_panels(
    modes: Sequence[str], width: float, heights: Sequence[float], entries: int = 0
) -> tuple[Figure, dict[str, list[Axes]]]:
    """Make a figure with a column a mode, named above it, and give mode -> its axes, top to bottom.

    ``width`` and ``heights`` are inches of a column and of its rows; ``entries`` lines of a key are added below.
    """
    size = (width * len(modes) + 0.4, sum(heights) + KEY_LINE * entries)
    figure = Figure(figsize=size, layout="constrained")
    ratios = {"height_ratios": list(heights)}
    grid = figure.subplots(len(heights), len(modes), squeeze=False, sharex=True, sharey="row", gridspec_kw=ratios)
    for axes in grid.flat:
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    for axes, mode in zip(grid[0], modes, strict=True):
        axes.set_title(display_name(mode), fontsize=10)
    return figure, {mode: list(column) for mode, column in zip(modes, grid.T, strict=True)}


def caption(figure: Figure, dataset: str, title: str, *notes: str) -> None:
    """Write the data set and the title above the figure, and each note on a line of its own."""
    figure.suptitle("\n".join([f"{display_name(dataset)}: {title}", *notes]), fontsize=10)


def no_run_figure(dataset: str, title: str) -> Figure:
    """Draw nothing but the statement that there is no run to draw."""
    figure = Figure(figsize=(6.4, 1.2))
    figure.text(0.5, 0.5, f"{display_name(dataset)}: {title}\nno run of this kind", ha="center", va="center")
    return figure
