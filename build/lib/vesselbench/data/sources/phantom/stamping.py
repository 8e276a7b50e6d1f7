"""Centre lines of vessels stamped on a pixel grid; places and units as in ``anatomy``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np


@dataclass(frozen=True)
class View:
    """A square pixel grid: its side, the field of view's centre (column + i row) and radius, in pixels."""

    size: int
    centre: complex
    radius: float

    def finer(self) -> View:
        """The same view in pixels of half the side."""
        return View(2 * self.size, 2 * self.centre + (0.5 + 0.5j), 2 * self.radius)


def coarser(fine: np.ndarray) -> np.ndarray:
    """Mean of each 2 x 2 block, (2H, 2W, ...) to (H, W, ...): from the pixels of a finer view back to its own."""
    return (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4


def stamp(
    lines: Iterable[np.ndarray],
    view: View,
    kernel: Callable[[np.ndarray, np.ndarray], np.ndarray],
    start: float,
) -> np.ndarray:
    """Draw centre lines: in each pixel the maximum, over their points, of a function of distance and radius.

    Parameters
    ----------
    lines
        Arrays (N, 3) of x, y and radius; N at least 2.
    view
        The pixel grid.
    kernel
        Called with arrays that broadcast: a pixel's distance from a point, the point's radius.
    start
        Value of a pixel further than about 1.5 pixels from every vessel.

    Returns
    -------
    numpy.ndarray
        Float (H, W).
    """
    drawn = np.full((view.size, view.size), start)
    for line in lines:
        points = _close_together(line * view.radius + [view.centre.real, view.centre.imag, 0])
        for piece in np.array_split(points, len(points) // 100 + 1):  # a window fits the widest of its piece
            x, y, radius = piece.T[:, :, None, None]
            half = int(np.ceil(radius.max() + 1.5))
            window = np.arange(-half, half + 1)
            column, row = np.broadcast_arrays(np.rint(x) + window, np.rint(y) + window[:, None])
            value = kernel(np.hypot(column - x, row - y) / view.radius, radius / view.radius)
            here = (column >= 0) & (column < view.size) & (row >= 0) & (row < view.size)
            np.maximum.at(drawn, (row[here].astype(int), column[here].astype(int)), value[here])
    return drawn


def _close_together(points: np.ndarray) -> np.ndarray:
    """The line (N, 3), in pixels, with points so near that the union of their discs has a straight border."""
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))]
    spacing = 0.5 * sqrt(max(points[:, 2].min(), 1.0))
    places = np.linspace(0, along[-1], int(along[-1] / spacing) + 2)
    return np.stack([np.interp(places, along, values) for values in points.T], axis=1)
