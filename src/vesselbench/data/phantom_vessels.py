"""Artery and vein trees of a phantom retina: how they grow, and how they are stamped on a pixel grid.

Lengths are in radii of the field of view, whose centre is the origin; x points away from the optic disc (temporally), y down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import acos, atan2, cos, exp, hypot, pi, remainder, sin

import numpy as np

STEP = 0.012  # between two points of a centre line
CELL = 0.028  # of the raster that keeps the vessels of one tree apart
THINNEST = 0.0036  # a vessel ends where its radius falls below this

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Retina:
    """The landmarks that vessels steer by: centres (x, y) of optic disc and fovea."""

    disc: tuple[float, float]
    fovea: tuple[float, float]


@dataclass
class Branch:
    """A vessel from its origin to its end, through every bifurcation where it is the wider daughter.

    Attributes
    ----------
    x, y, radius
        Start values while it waits to grow.
    heading
        Direction in radians.
    half
        -1 above the macula, 1 below it.
    lean
        0 follows the arcade around the macula, -1 heads for the fovea, 1 away from it.
    points
        The grown centre line: rows (x, y, radius).
    """

    x: float
    y: float
    radius: float
    heading: float
    half: int
    lean: float
    parent: int = -1
    points: list[tuple[float, float, float]] = field(default_factory=list)


def bifurcation(radius: float, ratio: float) -> tuple[float, float, float, float]:
    """Radii of two daughters and the angles by which they leave their parent's direction.

    Parameters
    ----------
    radius
        The parent's radius r0.
    ratio
        r2 / r1, in (0, 1]: the thinner daughter over the wider.

    Returns
    -------
    tuple
        r1, r2 (r0^3 = r1^3 + r2^3) and the angles of the wider and of the thinner daughter in radians, both positive.

    Notes
    -----
    Murray, "The physiological principle of minimum work applied to the angle of branching of arteries", 1926, eq. 5-6.
    """
    wide = radius / (1 + ratio**3) ** (1 / 3)
    thin = ratio * wide
    cos_wide = (radius**4 + wide**4 - thin**4) / (2 * radius**2 * wide**2)
    cos_thin = (radius**4 + thin**4 - wide**4) / (2 * radius**2 * thin**2)
    return wide, thin, acos(min(cos_wide, 1.0)), acos(min(cos_thin, 1.0))


def grow_tree(retina: Retina, radius: float, generator: np.random.Generator) -> list[Branch]:
    """Grow the arteries or the veins of one eye.

    Parameters
    ----------
    retina
        Where optic disc and fovea are.
    radius
        Radius of the widest trunks at the disc.
    generator
        Source of every choice.

    Returns
    -------
    list of Branch
        The trunks first. No two branches of the tree cross.
    """
    uniform = generator.uniform
    waiting = deque()
    for half in (-1, 1):
        # (direction, relative radius, lean): the temporal arcade, the nasal trunk, small vessels to the macula and nasally
        for angle, width, lean in ((66, 1.0, 0.0), (115, 0.6, 0.9), (32, 0.42, -0.3), (152, 0.42, 1.0)):
            heading = half * (angle + uniform(-9, 9)) * pi / 180
            x = retina.disc[0] + uniform(-0.045, 0.005)
            y = retina.disc[1] + half * uniform(0.0, 0.03)
            waiting.append(Branch(x, y, radius * width * uniform(0.88, 1.08), heading, half, lean))
    occupied: dict[tuple[int, int], int] = {}
    tree: list[Branch] = []
    while waiting and len(tree) < 400:
        branch = waiting.popleft()
        waiting.extend(_grow(branch, len(tree), retina, occupied, generator))
        tree.append(branch)
    return [branch for branch in tree if len(branch.points) > 4]


def _grow(
    branch: Branch, index: int, retina: Retina, occupied: dict[tuple[int, int], int], generator: np.random.Generator
) -> list[Branch]:
    x, y, radius, heading = branch.x, branch.y, branch.radius, branch.heading
    uniform, normal = generator.uniform, generator.normal
    arcade, opening = uniform(0.55, 0.72), uniform(0.2, 0.9)
    reach = 3.0 if radius > 0.008 else uniform(0.25, 0.8)
    taper = 0.15 if radius > 0.008 else uniform(0.3, 0.9)
    wiggle = uniform(0.8, 1.6) * (1.0 if radius > 0.009 else 1.7)
    bend, length, next_fork = 0.0, 0.0, uniform(0.05, 0.16)
    daughters: list[Branch] = []
    while length < reach and radius > THINNEST and hypot(x, y) < 1.03:
        from_fovea = hypot(x - retina.fovea[0], y - retina.fovea[1])
        cell = (round(x / CELL), round(y / CELL))
        near_disc = hypot(x - retina.disc[0], y - retina.disc[1]) < 0.17
        other = occupied.get(cell, index)
        if from_fovea < 0.1 or (other not in (index, branch.parent) and not near_disc):
            break
        if other == branch.parent and length > 0.1 and not near_disc:
            break
        if not near_disc:
            occupied[cell] = index
        branch.points.append((x, y, radius))
        wish = _preferred(x, y, branch, retina, arcade, opening)
        bend = 0.88 * bend + wiggle * normal()
        heading += STEP * ((4.0 if branch.lean == 0 else 2.2) * remainder(wish - heading, 2 * pi) + bend)
        x, y, length = x + STEP * cos(heading), y + STEP * sin(heading), length + STEP
        radius *= exp(-taper * STEP)
        if length > next_fork and radius > 1.25 * THINNEST and not near_disc:
            ratio = uniform(0.4, 0.8) if radius > 0.012 else uniform(0.6, 1.0)
            wide, thin, turn_wide, turn_thin = bifurcation(radius, ratio)
            side = 1 if uniform() < 0.5 else -1
            inwards = side * branch.half < 0  # for a vessel that runs temporally
            lean = (-1 if inwards else 1) * uniform(0.45, 0.95) if branch.lean == 0 else branch.lean + uniform(-0.5, 0.5)
            lean = max(-1.0, min(1.0, lean))
            daughters.append(Branch(x, y, thin, heading + side * turn_thin, branch.half, lean, index))
            heading, radius = heading - side * 0.6 * turn_wide, wide
            next_fork = length + uniform(0.1, 0.28)
    return daughters


def _preferred(x: float, y: float, branch: Branch, retina: Retina, arcade: float, opening: float) -> float:
    """Direction that a vessel turns towards: around the macula, to it, or away from it and from the disc."""
    out_x, out_y = (x - retina.fovea[0]) / 1.1, y - retina.fovea[1]
    distance = hypot(out_x, out_y) + 1e-9
    out_x, out_y = out_x / distance, out_y / distance
    away_x, away_y = x - retina.disc[0], y - retina.disc[1]
    away = hypot(away_x, away_y) + 1e-9
    along_x, along_y = branch.half * out_y, -branch.half * out_x  # temporally along the circle around the fovea
    straight = opening * min(max(2 * out_x * distance, 0.0), 1.0)
    along_x, along_y = (1 - straight) * along_x + straight, (1 - straight) * along_y + 0.3 * straight * branch.half
    lean = branch.lean if branch.lean else 2.2 * (arcade - distance)
    rest = 1 - min(abs(branch.lean), 1.0)
    x_wish = rest * along_x + lean * out_x + 0.35 * away_x / away
    y_wish = rest * along_y + lean * out_y + 0.35 * away_y / away
    return atan2(y_wish, x_wish)


def stamp(
    branches: Iterable[np.ndarray], scale: float, shape: tuple[int, int], centre: tuple[float, float], kernel: Kernel, start: float
) -> np.ndarray:
    """Draw centre lines by the maximum, over all their points, of a function of distance and radius.

    Parameters
    ----------
    branches
        One array (N, 3) of x, y, radius a branch, in radii of the field of view.
    scale
        Pixels in a radius of the field of view.
    shape, centre
        Of the result, and the origin in it as (x, y) in pixels.
    kernel
        Called with distance and radius in pixels, arrays that broadcast.
    start
        Value of a pixel further than 1.5 pixels from every vessel.

    Returns
    -------
    numpy.ndarray
        Float, of ``shape``.
    """
    drawn = np.full(shape, start)
    flat = drawn.reshape(-1)
    for branch in branches:
        x, y, radius = _resample(branch * [scale, scale, scale] + [*centre, 0.0]).T
        half_window = int(np.ceil(radius.max() + 1.5))
        window = np.arange(-half_window, half_window + 1)
        column = np.rint(x).astype(int)[:, None, None] + window
        row = np.rint(y).astype(int)[:, None, None] + window[:, None]
        distance = np.hypot(column - x[:, None, None], row - y[:, None, None])
        value = kernel(distance, radius[:, None, None])
        here = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
        np.maximum.at(flat, (row * shape[1] + column)[here], value[here])
    return drawn


def _resample(points: np.ndarray, spacing: float = 0.5) -> np.ndarray:
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))]
    places = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / spacing)) + 1)
    return np.stack([np.interp(places, along, values) for values in points.T], axis=1)
