"""Centre lines of vessels stamped on a pixel grid, and the light that blood lets through; places as in ``vessels``."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Self

import numpy as np

ABSORPTION = np.array([10.8, 24.2, 18.7])  # of a vein's blood in red, green and blue, per radius of the field of view


@dataclass(frozen=True)
class View:
    """A square pixel grid: its side, the field of view's centre (column + i row) and radius, in pixels."""

    size: int
    centre: complex
    radius: float

    def finer(self) -> Self:
        """Return the same view in pixels of half the side."""
        return View(2 * self.size, 2 * self.centre + (0.5 + 0.5j), 2 * self.radius)


def coarser(fine: np.ndarray) -> np.ndarray:
    """Average blocks of 2 x 2, (2H, 2W, ...) to (H, W, ...): from the pixels of a finer view back to its own."""
    return (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4


def transmittance(arteries: list[np.ndarray], veins: list[np.ndarray], view: View) -> np.ndarray:
    """Return the share of the light that comes back through the blood, (H, W, 3).

    Beer and Lambert's law over the chord of a round vessel, then the reflex along the middle of wide ones. Arteries
    absorb less and shine more.
    """

    def chord(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
        return 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))

    def reflex(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
        return np.exp(-((distance / (0.4 * radius)) ** 2)) * np.clip((radius - 0.006) / 0.008, 0, 1)

    through = np.ones((2 * view.size, 2 * view.size, 3))
    for lines, absorbing, shining in ((veins, 1.0, 0.1), (arteries, 0.82, 0.3)):
        through *= np.exp(-absorbing * ABSORPTION * stamp(lines, view.finer(), chord, 0.0)[..., None])
        through *= 1 + shining * stamp(lines, view.finer(), reflex, 0.0)[..., None]
    return coarser(through)


def stamp(
    lines: Iterable[np.ndarray], view: View, kernel: Callable[[np.ndarray, np.ndarray], np.ndarray], start: float
) -> np.ndarray:
    """Draw centre lines, float (H, W): each pixel is the greatest, over their points, of what ``kernel`` gives there.

    Each line is (N, 3), x, y and radius, N at least 2. ``kernel`` is called with arrays that broadcast: a pixel's
    distance from a point, the point's radius. A pixel further than about 1.5 pixels from every vessel is ``start``.
    """
    drawn = np.full((view.size, view.size), start)
    for line in lines:
        points = line * view.radius + [view.centre.real, view.centre.imag, 0]
        # More points, so near that the union of their discs has a straight border.
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))]
        spacing = 0.5 * sqrt(max(points[:, 2].min(), 1.0))
        places = np.linspace(0, along[-1], int(along[-1] / spacing) + 2)
        points = np.stack([np.interp(places, along, values) for values in points.T], axis=1)
        for piece in np.array_split(points, len(points) // 100 + 1):  # a window fits the widest of its piece
            x, y, radius = piece.T[:, :, None, None]
            half = int(np.ceil(radius.max() + 1.5))
            window = np.arange(-half, half + 1)
            column, row = np.broadcast_arrays(np.rint(x) + window, np.rint(y) + window[:, None])
            value = kernel(np.hypot(column - x, row - y) / view.radius, radius / view.radius)
            here = (column >= 0) & (column < view.size) & (row >= 0) & (row < view.size)
            np.maximum.at(drawn, (row[here].astype(int), column[here].astype(int)), value[here])
    return drawn
