"""Figures of the ablations: scores against time (paper, supplement), and the outputs of one network (paper, Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vesselbench.reports.ablations import Study
from vesselbench.reports.averages import average
from vesselbench.reports.collect import rows_of
from vesselbench.reports.comparisons import PROTOCOL
from vesselbench.reports.layout import score_name, short
from vesselbench.reports.panels import POOLED, caption
from vesselbench.reports.pictures import heaviest_window, show
from vesselbench.reports.style import VERMILION

SHOWN = ("auc", "connectivity")
SHARE = 4  # a window is this part of the height and of the width
RULE = (
    "Image: median F1 of the last output inside the field of view (of an even number the lower one).\n"
    f"Window: of 1/{SHARE} of height and width, where the first output and the last differ most "
    "(sum over the field of view)."
)


@dataclass(frozen=True)
class OutputMaps:
    """The image of the figure of outputs.

    Attributes
    ----------
    name
        Id and F1.
    image
        uint8 (H, W, 3), RGB.
    truth, fov
        bool (H, W).
    maps
        Title -> probability map, uint16 (H, W), 65535 for 1; the last is the network's answer.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray
    fov: np.ndarray
    maps: Mapping[str, np.ndarray]


def strides_figure(dataset: str, points: pd.DataFrame, bench: Mapping[str, Any]) -> Figure:
    """Draw AUC and connectivity against the seconds an image takes, a point a stride; untimed ones are left out.

    Parameters
    ----------
    dataset
        For the title.
    points
        From ``vesselbench.reports.ablations.stride_points``.
    bench
        What it was timed with; names the device.
    """
    figure = Figure(figsize=(9.2, 4.2), layout="constrained")
    timed = points.dropna(subset="seconds")
    for axes, score in zip(figure.subplots(1, len(SHOWN)), SHOWN, strict=True):
        for point in timed.to_dict("records"):
            value = point[score]
            reach = [[value - point[f"{score}_low"]], [point[f"{score}_high"] - value]]
            fill = "white" if point["computed"] else VERMILION
            axes.errorbar(point["seconds"], value, reach, fmt="o", color=VERMILION, markerfacecolor=fill, capsize=3)
            name = f"stride {point['stride']}" if point["stride"] else "whole image"
            place = {"xytext": (0, 5), "textcoords": "offset points", "ha": "center", "fontsize": 9}
            axes.annotate(f"{name}\n{short(value)}", (point["seconds"], point[f"{score}_high"]), **place)
        axes.set(xscale="log", xlabel="Seconds an image of DRIVE's size", ylabel=score_name(score))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(x=0.15, y=0.18)  # room for the names
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    hollow = ["hollow: time computed from patches a second"] if timed["computed"].any() else []
    notes = ("bars: 95 %, test images resampled, the same for every stride", *hollow)
    caption(figure, dataset, f"strides of prediction, timed on {bench['settings']['device']}", "; ".join(notes))
    return figure


def outputs_figure(dataset: str, shown: OutputMaps) -> Figure:
    """Draw the same window of photograph, truth and the map of every output, probability 1 white."""
    maps = list(shown.maps.values())
    window = widest_gap(maps[0], maps[-1], shown.fov)
    panels = {"Photograph": shown.image, "Truth": _grey(shown.truth * 65535)}
    panels |= {title: _grey(levels) for title, levels in shown.maps.items()}
    figure = Figure(figsize=(2.1 * len(panels), 3.2), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)  # between the caption and the titles
    for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        show(axes, picture[window])
        axes.set_title(title, fontsize=10)
    rows, columns = (f"{part.start} to {part.stop - 1}" for part in window)
    title = f"outputs of one network, {shown.name}, rows {rows}, columns {columns}"
    caption(figure, dataset, title, RULE, f"AUC: {POOLED['fov']}")
    return figure


def median_image(study: Study) -> tuple[str, float]:
    """Give id and F1 of the test image with the median F1 of the last output; the first seed's, of equals the first."""
    run = next(iter(study.results[study.reference][list(study.outputs().values())[-1]].values()))
    rows = rows_of(run.images, PROTOCOL).sort_values(["f1", "id"])
    middle = rows.iloc[(len(rows) - 1) // 2]
    return middle["id"], float(middle["f1"])


def output_title(study: Study, output: int) -> str:
    """Write what stands above the map of an output: its number and AUC."""
    found = average(study.results[study.reference][study.outputs()[output]], PROTOCOL, "auc")
    return f"Output {output}" + (f", AUC {short(found.value)}" if found else "")


def widest_gap(first: np.ndarray, last: np.ndarray, fov: np.ndarray) -> tuple[slice, slice]:
    """Find the window where two maps differ most inside the field of view; of equals the first, row by row.

    Parameters
    ----------
    first, last
        uint16 (H, W).
    fov
        bool (H, W).
    """
    return heaviest_window(np.abs(first.astype(np.int64) - last) * fov, SHARE)


def _grey(levels: np.ndarray) -> np.ndarray:
    """Turn 16-bit levels into grey, uint8 (H, W, 3); 65535 is white."""
    return np.repeat((levels // 257).astype(np.uint8)[..., None], 3, axis=2)
