"""Every model beside photograph and truth (paper, Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from vesselbench.reports.pictures import FALSE, FOUND, MISSED, OUTSIDE, errors, heaviest_window, show
from vesselbench.reports.style import display_name

RULE = (
    "Worst, median and best image by F1 inside the field of view, mean of the models shown. "
    "Below each: the window with the most wrong pixels, all models together."
)


@dataclass(frozen=True)
class Example:
    """One image of the gallery.

    Attributes
    ----------
    title
        Its name and why it is shown.
    image
        uint8 (H, W, 3), RGB.
    truth, fov
        bool (H, W).
    found
        Model -> what it calls vessel, bool (H, W).
    """

    title: str
    image: np.ndarray
    truth: np.ndarray
    fov: np.ndarray
    found: Mapping[str, np.ndarray]


def pick(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Choose the images to show by rule, not by eye: worst, median and best by F1.

    Parameters
    ----------
    tables
        Model -> a row an image (columns id, f1), inside the field of view. F1 is averaged over the models; of equals
        the first id goes first. The median of an even number is the lower one.

    Returns
    -------
    dict
        Id -> title, worst first; fewer than three where there are fewer images.
    """
    rows = pd.concat(tables.values())
    ranked = rows.groupby("id", sort=True)["f1"].mean().sort_values(kind="stable")
    places = {0: "worst", (len(ranked) - 1) // 2: "median", len(ranked) - 1: "best"}
    return {ranked.index[at]: f"{ranked.index[at]}: {name}, F1 {ranked.iloc[at]:.3f}" for at, name in places.items()}


def gallery_figure(dataset: str, examples: Sequence[Example]) -> Figure:
    """Draw a row an image, and below it a row that enlarges the window where the models err most.

    Columns: photograph, truth, each model with found, false and missed pixels in colours; outside the field
    of view, which no score inside it counts, the panels are grey.
    """
    models = list(examples[0].found)
    side = 2.3
    figure = Figure(figsize=(side * (2 + len(models)), side * 2 * len(examples) + 0.9), layout="constrained")
    grid = figure.subplots(2 * len(examples), 2 + len(models), squeeze=False)
    for example, (above, below) in zip(examples, zip(grid[::2], grid[1::2], strict=True), strict=True):
        panels = [example.image, errors(example.truth, example.truth, example.fov)]
        panels += [errors(example.truth, found, example.fov) for found in example.found.values()]
        window = _worst_window(example)
        for whole, part, panel in zip(above, below, panels, strict=True):
            show(whole, panel)
            show(part, panel[window])
            whole.add_patch(_outline(window))
        above[0].set_ylabel(example.title, fontsize=9)
        below[0].set_ylabel("enlarged", fontsize=9)
    for axes, name in zip(grid[0], ["Photograph", "Truth", *map(display_name, models)], strict=True):
        axes.set_title(name, fontsize=10)
    names = {
        FOUND: "found (true positive)",
        FALSE: "false (false positive)",
        MISSED: "missed (false negative)",
    }
    keys = [Patch(facecolor=colour, label=name) for colour, name in names.items()]
    keys.append(Patch(facecolor=OUTSIDE, edgecolor="0.7", label="outside the field of view"))
    figure.legend(handles=keys, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.suptitle(f"{display_name(dataset)}\n{RULE}", fontsize=9)
    return figure


def _worst_window(example: Example) -> tuple[slice, slice]:
    """A third of the height and width, where the errors of all models are most; of equals the first."""
    wrong = sum(((found != example.truth) & example.fov).astype(int) for found in example.found.values())
    return heaviest_window(wrong, 3)


def _outline(window: tuple[slice, slice]) -> Rectangle:
    rows, columns = window
    corner, size = (
        (columns.start - 0.5, rows.start - 0.5),
        (columns.stop - columns.start, rows.stop - rows.start),
    )
    return Rectangle(corner, *size, fill=False, edgecolor="#CC79A7", linewidth=1.2)
