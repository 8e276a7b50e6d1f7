"""The scores of single images as points, so that one sees which images decide."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vesselbench.reports.curves import caption, mode_panels, no_run_figure
from vesselbench.reports.style import colours, display_name

SHOWN = ("f1", "connectivity")


def images_figure(dataset: str, images: pd.DataFrame) -> Figure:
    """Draw every test image's F1 and connectivity by label: a row of panels a score, a column a mode.

    ``images`` has columns label, mode, id, f1, connectivity. Seeds are averaged; undefined scores are left out.
    """
    if images.empty:
        return no_run_figure(dataset, "each test image")
    labels, modes = (list(images[name].unique()) for name in ("label", "mode"))
    figure, panels = mode_panels(modes, max(4.0, len(labels)), [3.4] * len(SHOWN))
    names = [display_name(label).replace("-", "-\n").replace(" ", "\n") for label in labels]
    for mode, column in panels.items():
        rows = images[images["mode"] == mode]
        for axes, score in zip(column, SHOWN, strict=True):
            _draw_strip(axes, rows.pivot_table(index="id", columns="label", values=score).reindex(columns=labels))
        column[-1].set_xticks(range(len(labels)), names, fontsize=9)
        column[-1].set_xlim(-0.5, len(labels) - 0.5)
    for axes, score in zip(panels[modes[0]], SHOWN, strict=True):
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
