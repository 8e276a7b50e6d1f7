"""What figures of runs share: a column a mode, a line a seed with its band, the key below the axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vesselbench.reports.collect import Results
from vesselbench.reports.style import colours, display_name

KEY_LINE = 0.2  # inches of height that an entry of the key takes
POOLED = {"fov": "all test images pooled, inside the field of view", "frame": "all test images pooled, whole frame"}


def mode_panels(
    modes: Sequence[str], width: float, heights: Sequence[float], entries: int = 0, **shared: object
) -> tuple[Figure, dict[str, list[Axes]]]:
    """Make a figure with a column a mode, named above it.

    Parameters
    ----------
    modes
        Of the runs, left to right.
    width, heights
        Inches of a column, and of each of its rows from the top.
    entries
        Lines of the key that ``key_below`` shall write, for which the figure grows.
    **shared
        ``sharex`` and ``sharey`` of matplotlib's subplots.

    Returns
    -------
    figure, panels
        Panels: mode -> its axes, top to bottom.
    """
    size = (width * len(modes) + 0.4, sum(heights) + KEY_LINE * entries)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        len(heights), len(modes), squeeze=False, gridspec_kw={"height_ratios": list(heights)}, **shared
    )
    for axes in grid.flat:
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    for axes, mode in zip(grid[0], modes, strict=True):
        axes.set_title(display_name(mode), fontsize=10)
    return figure, {mode: list(column) for mode, column in zip(modes, grid.T, strict=True)}


def modes_of(results: Results) -> list[str]:
    """List the modes that any model was run in, each once, in their order."""
    return list(dict.fromkeys(mode for modes in results.values() for mode in modes))


def runs(table: pd.DataFrame, mode: str, models: Sequence[str]) -> Iterator[tuple[str, str, bool, pd.DataFrame]]:
    """Give model, its colour, whether this is its first seed, and its rows, for every run in the mode that has rows."""
    for model, colour in colours(models).items():
        rows = table[(table["model"] == model) & (table["mode"] == mode)]
        for at, (_, run) in enumerate(rows.groupby("seed", sort=False)):
            yield model, colour, at == 0, run


def key_below(axes: Axes, labelled: Axes, title: str) -> None:
    """Write the key to what ``labelled`` holds under ``axes``, clear of their label; nothing where nothing has one."""
    handles, labels = labelled.get_legend_handles_labels()
    if handles:
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 4.2}  # in heights of the font
        axes.legend(handles, labels, title=title, title_fontsize=9, fontsize=9, frameon=False, **place)


def caption(figure: Figure, dataset: str, title: str, *notes: str) -> None:
    """Write the data set and the title above the figure, and each note on a line of its own."""
    figure.suptitle("\n".join([f"{display_name(dataset)}: {title}", *notes]), fontsize=10)
