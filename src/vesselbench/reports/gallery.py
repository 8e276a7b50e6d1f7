"""Maps as pictures: errors beside the truth (paper, Fig. 6), and the outputs of one network (paper, Fig. 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from vesselbench.reports.curves import POOLED, caption
from vesselbench.reports.style import display_name

KEY = {  # told apart by colour-blind readers
    "found (true positive)": "#333333",
    "false (false positive)": "#E69F00",
    "missed (false negative)": "#0072B2",
    "outside the field of view": "#EEEEEE",
}
KIND_KEY = {  # the same, where classes are drawn: those of ``task.KINDS`` first
    "artery, rightly called so": "#C00000",
    "vein, rightly called so": "#0060E0",
    "called both, one rightly at least": "#00A070",
    "uncertain which, found": "#505050",
    "artery called vein, or vein artery": "#FFB000",
    "false vessel": "#DDB5F0",
    "missed vessel": "#B8B8B8",
    "outside the field of view": "#EEEEEE",
}
SHARED = np.array([0, 1, 2, 3, 3])  # the kinds that a class may be, added up: artery 1, vein 2
RULE = "Worst, median and best image by F1 in the field of view, mean of the models; below, the window with most errors"
KIND_RULE = RULE.replace("mean of the models", "mean of artery and vein and of the models")
MEDIAN = "Image: median F1 of the last output inside the field of view (of an even number the lower one)"
WINDOW = (
    "Window: a quarter of height and width, where the first output and the last differ most inside the field of view"
)


@dataclass(frozen=True)
class Example:
    """One image and what was predicted for it."""

    title: str
    image: np.ndarray  # uint8 (H, W, 3), RGB
    truth: np.ndarray  # bool (H, W), or classes in the order of ``task.KINDS``, uint8 (H, W)
    fov: np.ndarray  # bool (H, W)
    maps: Mapping[str, np.ndarray]  # label -> what it calls vessel, like truth; or output -> levels, uint16 (H, W)


def pick(images: pd.DataFrame) -> dict[str, str]:
    """Choose the images to show by rule, not by eye: worst, median and best by F1; id -> title, worst first.

    ``images`` has columns id, f1, a row an image and label. F1 is averaged over labels; of equals the first id goes
    first. The median of an even number is the lower one. Fewer than three where there are fewer images.
    """
    ranked = images.groupby("id", sort=True)["f1"].mean().sort_values(kind="stable")
    places = {0: "worst", (len(ranked) - 1) // 2: "median", len(ranked) - 1: "best"}
    return {ranked.index[at]: f"{ranked.index[at]}: {name}, F1 {ranked.iloc[at]:.3f}" for at, name in places.items()}


def gallery_figure(dataset: str, examples: Sequence[Example]) -> Figure:
    """Draw a row an image, and below it a row that enlarges the window (a third each way) where the models err most.

    Columns: photograph, truth, each label with found, false and missed pixels in colours; outside the field of view,
    which no score inside it counts, the panels are grey. Classes are drawn in the colours of their kinds.
    """
    key, rule = (KEY, RULE) if examples[0].truth.dtype == bool else (KIND_KEY, KIND_RULE)
    names = ["Photograph", "Truth", *map(display_name, examples[0].maps)]
    figure = Figure(figsize=(2.3 * len(names), 4.6 * len(examples) + 0.9), layout="constrained")
    grid = figure.subplots(2 * len(examples), len(names), squeeze=False)
    for example, above, below in zip(examples, grid[::2], grid[1::2], strict=True):
        panels = [errors(example.truth, found, example.fov) for found in (example.truth, *example.maps.values())]
        wrong = sum((differ(example.truth, found) & example.fov).astype(int) for found in example.maps.values())
        rows, columns = window = heaviest_window(wrong, 3)
        corner, size = (columns.start - 0.5, rows.start - 0.5), (columns.stop - columns.start, rows.stop - rows.start)
        for whole, part, panel in zip(above, below, [example.image, *panels], strict=True):
            show(whole, panel)
            show(part, panel[window])
            whole.add_patch(Rectangle(corner, *size, fill=False, edgecolor="#CC79A7", linewidth=1.2))
        above[0].set_ylabel(example.title, fontsize=9)
        below[0].set_ylabel("enlarged", fontsize=9)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, fontsize=10)
    keys = [Patch(facecolor=colour, edgecolor="0.7", label=name) for name, colour in key.items()]
    look = {"ncols": min(4, len(names) - 1), "frameon": False, "fontsize": 9}
    figure.legend(handles=keys, loc="outside lower center", **look)
    figure.suptitle(f"{display_name(dataset)}\n{fill(rule, 34 * len(names))}", fontsize=9)
    return figure


def outputs_figure(dataset: str, example: Example) -> Figure:
    """Draw the same window of photograph, truth and the map of every output, the last one the answer; 1 is white."""
    first, *_, last = (levels.astype(np.int64) for levels in example.maps.values())
    window = heaviest_window(np.abs(first - last) * example.fov, 4)
    panels = {"Photograph": example.image, "Truth": example.truth * 65535, **example.maps}
    figure = Figure(figsize=(2.1 * len(panels), 3.2), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)  # between the caption and the titles
    for axes, (title, picture) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        show(axes, picture[window])
        axes.set_title(title, fontsize=10)
    rows, columns = (f"{part.start} to {part.stop - 1}" for part in window)
    title = f"outputs of one network, image {example.title}, rows {rows}, columns {columns}"
    caption(figure, dataset, title, MEDIAN, WINDOW, f"AUC: {POOLED['fov']}")
    return figure


def sheet(images: Sequence[np.ndarray], truths: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw a contact sheet: photographs, uint8 (H, W, 3), and below them truths, see ``Example``."""
    figure = Figure(figsize=(1.9 * len(images), 4.1), layout="constrained")
    columns = figure.subplots(2, len(images), squeeze=False).T
    for (above, below), image, truth, title in zip(columns, images, truths, titles, strict=True):
        show(above, image)
        show(below, errors(truth, truth, np.ones(truth.shape, bool)))
        above.set_title(title, fontsize=9)
    return figure


def differ(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Tell where of two maps, see ``Example``, one alone is vessel, or they are of different kinds: bool (H, W)."""
    one, other = (SHARED[own.astype(np.uint8)] for own in (truth, found))
    return (one | other > 0) & (one & other == 0)


def errors(truth: np.ndarray, found: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """Colour what is found, false and missed, and what is outside the field of view; see ``Example``: uint8 (H, W, 3).

    Where kinds are told, a vessel has the colour of the one that it is called, if it may be right. A crossing is both,
    so that either is right there; on a vessel of uncertain kind, which stays grey, any is.
    """
    colours = (KEY if truth.dtype == bool else KIND_KEY).values()
    *kinds, false, missed, outside = (tuple(bytes.fromhex(colour[1:])) for colour in colours)
    wrong, shown = differ(truth, found), np.where((truth == 4) & (found > 0), truth, found).astype(np.int8)
    picture = np.array([(255, 255, 255), *kinds], np.uint8)[np.where(wrong, -1, shown)]
    for colour, pixels in ((false, wrong & (truth == 0)), (missed, wrong & (found == 0)), (outside, ~fov)):
        picture[pixels] = colour
    return picture


def show(axes: Axes, picture: np.ndarray) -> None:
    """Draw one image, uint8 (H, W, 3) or levels (H, W), without ticks, in a thin frame."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=65535, interpolation="antialiased")
    axes.set(xticks=(), yticks=())
    axes.spines[:].set_color("0.8")


def heaviest_window(weights: np.ndarray, share: int) -> tuple[slice, slice]:
    """Find the window of 1/``share`` of height and width with the largest sum of whole numbers; of equals the first."""
    rows, columns = (max(1, size // share) for size in weights.shape)
    sums = np.pad(weights.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # from the corner: a window is a difference
    bands = sums[rows:] - sums[:-rows]
    windows = bands[:, columns:] - bands[:, :-columns]
    top, left = map(int, np.unravel_index(np.argmax(windows), windows.shape))
    return slice(top, top + rows), slice(left, left + columns)
