"""Images as panels: errors in colours, and the contact sheet of a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FOUND, FALSE, MISSED, OUTSIDE = (
    "#333333",
    "#E69F00",
    "#0072B2",
    "#EEEEEE",
)  # told apart by colour-blind readers


def errors(truth: np.ndarray, found: np.ndarray, fov: np.ndarray) -> np.ndarray:
    """Colour found, false and missed pixels on white, and all that lies outside the field of view.

    Parameters
    ----------
    truth, found, fov
        bool (H, W).

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3), RGB.
    """
    picture = np.full((*truth.shape, 3), 255, np.uint8)
    layers = {FOUND: truth & found, FALSE: found & ~truth, MISSED: truth & ~found, OUTSIDE: ~fov}
    for colour, pixels in layers.items():
        picture[pixels] = tuple(bytes.fromhex(colour[1:]))
    return picture


def show(axes: Axes, picture: np.ndarray) -> None:
    """Draw one image, without ticks, in a thin frame."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set(xticks=(), yticks=())
    axes.spines[:].set_color("0.8")


def sheet(images: Sequence[np.ndarray], truths: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw a contact sheet: photographs in a row, their truths below.

    Parameters
    ----------
    images, truths
        uint8 (H, W, 3), RGB, and (H, W) with 0 for background, one of each a column.
    titles
        What to write above each photograph.
    """
    figure = Figure(figsize=(1.9 * len(images), 4.1), layout="constrained")
    grid = figure.subplots(2, len(images), squeeze=False)
    for column, (image, truth, title) in enumerate(zip(images, truths, titles, strict=True)):
        show(grid[0, column], image)
        show(grid[1, column], errors(truth != 0, truth != 0, np.ones(truth.shape, bool)))
        grid[0, column].set_title(title, fontsize=9)
    return figure


def heaviest_window(weights: np.ndarray, share: int) -> tuple[slice, slice]:
    """Find the window of 1/``share`` of height and width with the largest sum; of equals the first, row by row.

    Parameters
    ----------
    weights
        Whole numbers (H, W).
    share
        At least 1.
    """
    rows, columns = (max(1, size // share) for size in weights.shape)
    sums = np.pad(weights.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # from the corner: a window is a difference
    bands = sums[rows:] - sums[:-rows]
    windows = bands[:, columns:] - bands[:, :-columns]
    top, left = map(int, np.unravel_index(np.argmax(windows), windows.shape))
    return slice(top, top + rows), slice(left, left + columns)
