"""Points rather than curves: the scores of single images, and how far probabilities can be taken at their word."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vesselbench.reports.collect import Results
from vesselbench.reports.layout import score_name, short
from vesselbench.reports.panels import POOLED, caption, key_below, mode_panels, modes_of, runs
from vesselbench.reports.style import colours, display_name

SHOWN = ("f1", "connectivity")


def images_figure(dataset: str, images: pd.DataFrame) -> Figure:
    """Draw every test image's F1 and connectivity by model, so that one sees which images decide.

    Parameters
    ----------
    dataset
        For the title.
    images
        Columns model, mode, seed, id, f1, connectivity; one row a run and image. Seeds are averaged; undefined
        scores are left out.

    Returns
    -------
    matplotlib.figure.Figure
        A row of panels a score, a column a mode: a dot an image, its dots joined; the mean of the images as a bar;
        the worst and the best image of each model named.
    """
    models = list(images["model"].unique())
    width = max(4.0, 1.0 * len(models))
    figure, panels = mode_panels(list(images["mode"].unique()), width, [3.4] * len(SHOWN), sharex=True, sharey="row")
    for mode, column in panels.items():
        rows = images[images["mode"] == mode]
        for axes, score in zip(column, SHOWN, strict=True):
            table = rows.pivot_table(index="id", columns="model", values=score).reindex(columns=models)
            _draw_strip(axes, table)
        names = [display_name(model).replace("-", "-\n").replace(" ", "\n") for model in models]
        column[-1].set_xticks(range(len(models)), names, fontsize=9)
        column[-1].set_xlim(-0.5, len(models) - 0.5)
    for axes, score in zip(next(iter(panels.values())), SHOWN, strict=True):
        axes.set_ylabel(score_name(score))
    notes = ("a dot an image, joined over models; bar: their mean", "worst and best image named")
    caption(figure, dataset, "each test image (F1: inside the field of view)", *notes)
    return figure


def _draw_strip(axes: Axes, table: pd.DataFrame) -> None:
    """Draw scores (images, models): its columns from left to right."""
    axes.margins(y=0.12)  # room for the names
    axes.grid(visible=False, axis="x")
    axes.plot(range(table.shape[1]), table.to_numpy().T, color="0.8", linewidth=0.7, zorder=1)
    for at, (model, colour) in enumerate(colours(list(table.columns)).items()):
        known = table[model].dropna()
        axes.plot([at] * len(known), known, "o", color=colour, markersize=4.5, alpha=0.6, markeredgewidth=0)
        if len(known):
            axes.hlines(known.mean(), at - 0.22, at + 0.22, color="black", linewidth=2, zorder=4)
            ends = {known.idxmin(): ("top", -5), known.idxmax(): ("bottom", 5)}  # one where they are the same
            for name, (side, shift) in ends.items():
                place = {"xytext": (0, shift), "textcoords": "offset points", "ha": "center", "va": side}
                axes.annotate(name, (at, known[name]), fontsize=8, color="0.25", **place)


def calibration_figure(dataset: str, calibration: pd.DataFrame, results: Results) -> Figure:
    """Draw the share of vessel among pixels against the probability predicted for them: reliability diagram.

    Parameters
    ----------
    dataset
        For the title.
    calibration
        Columns model, mode, seed, bin_low, bin_high, pixels, probability, vessel, low, high; one row a run and bin.
        One line a seed; the band, and the pixels of each bin, are the first seed's. A run without rows is left out.
    results
        Of the same runs: their models and modes.

    Returns
    -------
    matplotlib.figure.Figure
        A column a mode: the diagram, the pixels of each bin below it; the key gives the expected calibration error,
        of several seeds the mean.
    """
    models = list(results)
    figure, panels = mode_panels(modes_of(results), 4.5, [5.0, 1.9], 1 + len(models), sharex=True, sharey="row")
    for mode, (above, below) in panels.items():
        above.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, zorder=1)
        errors = {model: [] for model in models}
        for model, _, _, run in runs(calibration, mode, models):
            errors[model].append(calibration_error(run))
        for model, colour, first, run in runs(calibration, mode, models):
            label = f"{display_name(model)} {short(np.mean(errors[model]))}" if first else None
            above.plot(run["probability"], run["vessel"], "o-", color=colour, markersize=3, linewidth=1.2, label=label)
            if first:
                above.fill_between(run["probability"], run["low"], run["high"], color=colour, alpha=0.15, linewidth=0)
                below.hlines(run["pixels"], run["bin_low"], run["bin_high"], color=colour, linewidth=1.6)
        above.set(xlim=(0, 1), ylim=(0, 1))
        below.set(yscale="log", xlabel="Predicted probability of vessel")
        key_below(below, above, "Expected calibration error")
    first = next(iter(panels.values()))
    first[0].set_ylabel("Share of vessel in the truth")
    first[1].set_ylabel("Pixels")
    caption(figure, dataset, "calibration", POOLED["fov"], "bands: 95 %, test images resampled")
    return figure


def calibration_error(bins: pd.DataFrame) -> float:
    """Weigh the gap between probability and share of vessel by each bin's share of the pixels, and add up."""
    gaps = (bins["probability"] - bins["vessel"]).abs()
    return float(np.average(gaps, weights=bins["pixels"]))
