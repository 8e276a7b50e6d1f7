"""Artery and vein trees of a phantom retina: how they grow, and how they are stamped on a pixel grid.

A place is a complex number x + iy in radii of the field of view, whose centre is 0; x points from the optic
disc to the fovea, y down. Other lengths have the same unit.
"""

from __future__ import annotations

from cmath import phase, rect
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import acos, exp, pi, remainder, sqrt

import numpy as np

STEP = 0.012  # between two points of a centre line
CELL = 0.032  # of the raster that keeps the vessels of one tree apart
THINNEST = 0.0036  # a vessel ends where its radius falls below this


@dataclass(frozen=True)
class Retina:
    """The landmarks that vessels steer by: places of the centres of optic disc and fovea."""

    disc: complex
    fovea: complex


@dataclass(frozen=True)
class View:
    """A square pixel grid: its side, the field of view's centre (column + i row) and radius, in pixels."""

    size: int
    centre: complex
    radius: float

    def finer(self) -> View:
        """The same view in pixels of half the side."""
        return View(2 * self.size, 2 * self.centre + (0.5 + 0.5j), 2 * self.radius)


@dataclass(frozen=True)
class Branch:
    """A vessel from its origin on, through every bifurcation of which it is the wider daughter.

    Attributes
    ----------
    start, radius, heading
        Place, radius and direction (radians) at the origin.
    half
        -1 above the macula, 1 below it.
    lean
        0 keeps to the arcade around the macula, towards -1 heads for the fovea, towards 1 away from it.
    arcade
        Distance between the arcade and the fovea.
    parent
        Index of the branch that it leaves, -1 at the optic disc.
    points
        The grown centre line: (place, radius), one every ``STEP``.
    """

    start: complex
    radius: float
    heading: float
    half: int
    lean: float
    arcade: float
    parent: int = -1
    points: list[tuple[complex, float]] = field(default_factory=list)


def bifurcation(radius: float, ratio: float) -> tuple[float, float, float, float]:
    """Radii of two daughters, and the angles by which they leave their parent's direction.

    Parameters
    ----------
    radius
        The parent's radius r0.
    ratio
        r2 / r1, in (0, 1]: the thinner daughter's radius over the wider's.

    Returns
    -------
    tuple
        r1, r2 with r0^3 = r1^3 + r2^3, then the angles of the wider and the thinner daughter, radians.

    Notes
    -----
    Least work of the flow: Murray, "The physiological principle of minimum work", PNAS 12, 1926 (radii), and
    "... applied to the angle of branching of arteries", J. Gen. Physiol. 9, 1926 (angles).
    """
    wide = radius / (1 + ratio**3) ** (1 / 3)
    thin = ratio * wide
    cos_wide = (radius**4 + wide**4 - thin**4) / (2 * radius**2 * wide**2)
    cos_thin = (radius**4 + thin**4 - wide**4) / (2 * radius**2 * thin**2)
    return wide, thin, acos(cos_wide), acos(cos_thin)


def grow_tree(retina: Retina, radius: float, arcade: float, generator: np.random.Generator) -> list[np.ndarray]:
    """Grow the arteries or the veins of one eye.

    Parameters
    ----------
    retina
        Where optic disc and fovea are.
    radius
        Of the widest trunks at the disc.
    arcade
        Distance from the fovea at which these pass around the macula.
    generator
        Source of every choice.

    Returns
    -------
    list of numpy.ndarray
        One (N, 3) a branch: x, y and radius along its centre line. Branches of a tree do not cross.
    """
    uniform = generator.uniform
    origin = retina.disc + uniform(-0.06, 0.02)
    steep = 66 + 130 * (arcade - 0.62)
    # Direction in degrees, relative radius, lean: arcade, nasal trunk, a vessel to the macula, a nasal one.
    trunks = ((steep, 1.0, 0.0), (112, 0.62, 0.9), (34, 0.5, -0.25), (152, 0.4, 1.0))
    waiting: deque[Branch] = deque()
    for half in (-1, 1):
        for degrees, width, lean in trunks:
            heading = half * (degrees + uniform(-9, 9)) * pi / 180
            start = origin + complex(uniform(-0.02, 0.02), half * uniform(0, 0.03))
            waiting.append(Branch(start, radius * width * uniform(0.88, 1.08), heading, half, lean, arcade))
    occupied: dict[tuple[int, int], int] = {}
    grown: list[Branch] = []
    while waiting and len(grown) < 400:
        branch = waiting.popleft()
        waiting.extend(_grow(branch, len(grown), retina, occupied, generator))
        grown.append(branch)
    lines = [np.array([(place.real, place.imag, radius) for place, radius in b.points]) for b in grown]
    return [line for line in lines if len(line) > 4]


def _grow(
    branch: Branch,
    index: int,
    retina: Retina,
    occupied: dict[tuple[int, int], int],
    generator: np.random.Generator,
) -> list[Branch]:
    """Fill ``branch.points`` and ``occupied``; return the thinner daughters that branch off."""
    uniform = generator.uniform
    place, radius, heading = branch.start, branch.radius, branch.heading
    small = radius < 0.0075
    reach, taper = (uniform(0.25, 0.9), uniform(0.15, 0.6)) if small else (3.0, 0.12)
    wiggle = uniform(0.8, 1.6) * (1.7 if radius < 0.009 else 1.0)
    pull = 5.0 if branch.lean == 0 else 2.2
    opening, avascular = uniform(0.2, 0.9), uniform(0.12, 0.3)
    bend, length, next_fork = 0.0, 0.0, uniform(0.05, 0.16)
    daughters = []
    while length < reach and radius > THINNEST and abs(place) < 1.03 and abs(place - retina.fovea) > avascular:
        near_disc = abs(place - retina.disc) < 0.17  # where all vessels meet
        if not near_disc:
            owner = occupied.setdefault(_cell(place), index)
            if owner != index and (owner != branch.parent or length > 0.1):
                break
        temporal = place - retina.fovea
        if temporal.real > 0 and branch.half * temporal.imag < -0.04:  # the raphe, where the halves meet
            break
        branch.points.append((place, radius))
        bend = 0.88 * bend + wiggle * generator.normal() + _dodge(place, heading, index, occupied)
        bend = max(-9.0, min(9.0, bend))
        heading += STEP * (pull * remainder(_wish(place, branch, retina, opening) - heading, 2 * pi) + bend)
        place, length, radius = place + rect(STEP, heading), length + STEP, radius * exp(-taper * STEP)
        if length > next_fork and radius > 1.25 * THINNEST and not near_disc:
            trunk = radius > 0.012
            ratio = uniform(0.4, 0.8) if trunk else uniform(0.6, 1.0)
            radius, thin, turn, thin_turn = bifurcation(radius, ratio)
            side = 1 if uniform() < 0.5 else -1
            if branch.lean == 0:
                lean = side * branch.half * uniform(0.3, 0.9)
            else:
                lean = max(-1.0, min(1.0, branch.lean + uniform(-0.5, 0.5)))
            start = {"start": place, "radius": thin, "heading": heading + side * thin_turn}
            daughters.append(replace(branch, **start, lean=lean, parent=index, points=[]))
            heading -= 0.6 * side * turn
            next_fork = length + (uniform(0.08, 0.2) if trunk else uniform(0.12, 0.34))
    if abs(place) < 1:  # an end inside the picture fades out
        for left in range(len(branch.points)):
            place, radius = branch.points[-1 - left]
            branch.points[-1 - left] = place, radius * min(1.0, 0.35 + left * STEP / 0.15)
    return daughters


def _cell(place: complex) -> tuple[int, int]:
    return round(place.real / CELL), round(place.imag / CELL)


def _dodge(place: complex, heading: float, index: int, occupied: dict[tuple[int, int], int]) -> float:
    """Curvature that turns a vessel away from the others of its tree just ahead of it."""
    ahead = [_cell(place + rect(0.08, heading + turn)) for turn in (-0.5, 0.5)]
    left, right = (occupied.get(cell, index) != index for cell in ahead)
    return 4.0 * (left - right)


def _wish(place: complex, branch: Branch, retina: Retina, opening: float) -> float:
    """Direction that a vessel turns to: along the arcade, to or from the fovea, away from the disc."""
    out = place - retina.fovea
    out = complex(out.real / 1.1, out.imag)
    distance = abs(out)
    out /= distance
    along = -1j * branch.half * out  # temporally on the circle around the fovea
    straight = opening * min(max(2 * out.real * distance, 0.0), 1.0)  # the arcade opens beyond the fovea
    along = (1 - straight) * along + straight * complex(1, 0.3 * branch.half)
    lean = branch.lean or 5 * (branch.arcade - distance)
    away = place - retina.disc
    return phase((1 - abs(branch.lean)) * along + lean * out + 0.25 * away / max(abs(away), STEP))


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
        points = line * view.radius + [view.centre.real, view.centre.imag, 0]
        along = np.r_[0, np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))]
        spacing = 0.5 * sqrt(max(points[:, 2].min(), 1.0))  # near enough that the discs' union has a straight border
        places = np.linspace(0, along[-1], int(along[-1] / spacing) + 2)
        points = np.stack([np.interp(places, along, values) for values in points.T], axis=1)
        for piece in np.array_split(points, len(points) // 100 + 1):
            x, y, radius = piece.T[:, :, None, None]
            half = int(np.ceil(radius.max() + 1.5))
            window = np.arange(-half, half + 1)
            column, row = np.broadcast_arrays(np.rint(x) + window, np.rint(y) + window[:, None])
            value = kernel(np.hypot(column - x, row - y) / view.radius, radius / view.radius)
            here = (column >= 0) & (column < view.size) & (row >= 0) & (row < view.size)
            np.maximum.at(drawn, (row[here].astype(int), column[here].astype(int)), value[here])
    return drawn
