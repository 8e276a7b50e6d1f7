"""How the artery and vein trees of a phantom retina grow.

A place is a complex number x + iy in radii of the field of view, whose centre is 0; x points from the optic disc to the
fovea, y down. Other lengths have the same unit, directions are in radians.
"""

from cmath import phase, rect
from collections import deque
from dataclasses import dataclass, replace
from itertools import product
from math import acos, exp, pi, remainder

import numpy as np

STEP = 0.012  # between two points of a centre line
THINNEST = 0.0036  # a vessel ends where its radius falls below this
TRUNK = 0.012  # a vessel wider than this forks often, into unlike daughters
MOST = 400  # vessels in a tree
CELL = 0.032  # of the raster that keeps the vessels of one tree apart
LOOK_AHEAD = 0.08  # how far ahead a vessel notices others


@dataclass(frozen=True)
class Retina:
    """The landmarks that vessels steer by: places of the centres of optic disc and fovea."""

    disc: complex
    fovea: complex


@dataclass(frozen=True)
class Branch:
    """Origin of a vessel, which then runs through every bifurcation of which it is the wider daughter."""

    start: complex
    radius: float
    heading: float
    half: int  # -1 above the macula, 1 below it
    lean: float  # 0 keeps to the arcade around the macula, towards -1 heads for the fovea, towards 1 away from it
    arcade: float  # distance between the arcade and the fovea
    parent: int = -1  # index of the branch that it leaves, -1 at the optic disc


class Territory:
    """Which vessel of a tree runs through which cell of a raster; vessels are known by their indices."""

    def __init__(self) -> None:
        self._owners: dict[tuple[int, int], int] = {}

    def claim(self, place: complex, index: int) -> int:
        """Return the index of the vessel that came first to the cell around ``place``, maybe ``index`` by this call."""
        return self._owners.setdefault(_cell(place), index)

    def dodge(self, place: complex, heading: float, index: int) -> float:
        """Return the curvature that turns vessel ``index`` away from the others just ahead of it; 0 between two."""
        ahead = [_cell(place + rect(LOOK_AHEAD, heading + turn)) for turn in (-0.5, 0.5)]
        left, right = (self._owners.get(cell, index) != index for cell in ahead)
        return 4.0 * (left - right)


def _cell(place: complex) -> tuple[int, int]:
    return round(place.real / CELL), round(place.imag / CELL)


def grow_tree(retina: Retina, radius: float, arcade: float, generator: np.random.Generator) -> list[np.ndarray]:
    """Grow the arteries or the veins of one eye, whose widest trunks have ``radius`` and pass the fovea at ``arcade``.

    Four vessels leave the optic disc for each half of the eye. Returns one (N, 3) a branch: x, y and radius along its
    centre line. Branches of a tree do not cross.
    """
    uniform = generator.uniform
    origin = retina.disc + uniform(-0.06, 0.02)
    # Direction in degrees, relative radius, lean: arcade, nasal trunk, a vessel to the macula, a nasal one.
    kinds = ((66 + 130 * (arcade - 0.62), 1.0, 0.0), (112, 0.62, 0.9), (34, 0.5, -0.25), (152, 0.4, 1.0))
    waiting: deque[Branch] = deque()
    for half, (degrees, width, lean) in product((-1, 1), kinds):
        heading = half * (degrees + uniform(-9, 9)) * pi / 180
        start = origin + complex(uniform(-0.02, 0.02), half * uniform(0, 0.03))
        waiting.append(Branch(start, radius * width * uniform(0.88, 1.08), heading, half, lean, arcade))
    territory, lines = Territory(), []
    while waiting and len(lines) < MOST:
        line, daughters = _grow(waiting.popleft(), len(lines), retina, territory, generator)
        lines.append(line)
        waiting.extend(daughters)
    return [line for line in lines if len(line) > 4]


def _grow(
    branch: Branch, index: int, retina: Retina, territory: Territory, generator: np.random.Generator
) -> tuple[np.ndarray, list[Branch]]:
    """Return the centre line (N, 3) of one vessel, N maybe 0, and the thinner daughters that branch off."""
    uniform = generator.uniform
    place, radius, heading = branch.start, branch.radius, branch.heading
    reach, taper = (uniform(0.25, 0.9), uniform(0.15, 0.6)) if radius < 0.0075 else (3.0, 0.12)
    wiggle = uniform(0.8, 1.6) * (1.7 if radius < 0.009 else 1.0)
    pull = 5.0 if branch.lean == 0 else 2.2
    opening, avascular = uniform(0.2, 0.9), uniform(0.12, 0.3)
    bend, length, next_fork = 0.0, 0.0, uniform(0.05, 0.16)
    points, daughters = [], []
    while length < reach and radius > THINNEST and abs(place) < 1.03 and abs(place - retina.fovea) > avascular:
        near_disc = abs(place - retina.disc) < 0.17  # where all vessels meet
        own = (index, branch.parent) if length <= 0.1 else (index,)  # a daughter starts in its parent's cells
        if not near_disc and territory.claim(place, index) not in own:
            break
        temporal = place - retina.fovea
        if temporal.real > 0 and branch.half * temporal.imag < -0.04:  # the raphe, where the halves meet
            break
        points.append((place.real, place.imag, radius))

        bend = 0.88 * bend + wiggle * generator.normal() + territory.dodge(place, heading, index)
        bend = max(-9.0, min(9.0, bend))
        turn = remainder(preferred_heading(place, branch, retina, opening) - heading, 2 * pi)
        heading += STEP * (pull * turn + bend)
        place, length, radius = place + rect(STEP, heading), length + STEP, radius * exp(-taper * STEP)

        if length > next_fork and radius > 1.25 * THINNEST and not near_disc:
            trunk = radius > TRUNK
            here = replace(branch, start=place, radius=radius, heading=heading, parent=index)
            radius, heading, daughter = _fork(here, generator)
            daughters.append(daughter)
            next_fork = length + (uniform(0.08, 0.2) if trunk else uniform(0.12, 0.34))
    line = np.array(points).reshape(-1, 3)
    if abs(place) < 1:  # an end inside the picture fades out
        to_end = STEP * np.arange(len(line))[::-1]
        line[:, 2] *= np.minimum(1.0, 0.35 + to_end / 0.15)
    return line, daughters


def _fork(branch: Branch, generator: np.random.Generator) -> tuple[float, float, Branch]:
    """Divide a vessel, given as it is at the fork: the radius and heading that it goes on with, and its daughter."""
    uniform = generator.uniform
    ratio = uniform(0.4, 0.8) if branch.radius > TRUNK else uniform(0.6, 1.0)
    wide, thin, wide_turn, thin_turn = bifurcation(branch.radius, ratio)
    side = 1 if uniform() < 0.5 else -1
    if branch.lean == 0:
        lean = side * branch.half * uniform(0.3, 0.9)
    else:
        lean = max(-1.0, min(1.0, branch.lean + uniform(-0.5, 0.5)))
    daughter = replace(branch, radius=thin, heading=branch.heading + side * thin_turn, lean=lean)
    return wide, branch.heading - 0.6 * side * wide_turn, daughter


def bifurcation(radius: float, ratio: float) -> tuple[float, float, float, float]:
    """Return the radii of a vessel's two daughters, and the angles by which they leave its direction, wider one first.

    ``ratio``, in (0, 1], is the thinner daughter's radius over the wider's. The flow's work is least: Murray, "The
    physiological principle of minimum work", PNAS 12, 1926 (radii: r0^3 = r1^3 + r2^3), and "... applied to the angle
    of branching of arteries", J. Gen. Physiol. 9, 1926 (angles).
    """
    wide = radius / (1 + ratio**3) ** (1 / 3)
    thin = ratio * wide
    cos_wide = (radius**4 + wide**4 - thin**4) / (2 * radius**2 * wide**2)
    cos_thin = (radius**4 + thin**4 - wide**4) / (2 * radius**2 * thin**2)
    return wide, thin, acos(cos_wide), acos(cos_thin)


def preferred_heading(place: complex, branch: Branch, retina: Retina, opening: float) -> float:
    """Return the direction that a vessel at ``place`` turns to: along the arcade, to or from the fovea, off the disc.

    ``opening``, 0 to 1, is how straight the arcade runs on beyond the fovea, instead of closing around it.
    """
    out = place - retina.fovea
    out = complex(out.real / 1.1, out.imag)
    distance = abs(out)
    out /= distance
    along = -1j * branch.half * out  # temporally on the circle around the fovea
    straight = opening * min(max(2 * out.real * distance, 0.0), 1.0)
    along = (1 - straight) * along + straight * complex(1, 0.3 * branch.half)
    lean = branch.lean or 5 * (branch.arcade - distance)
    away = place - retina.disc  # counts less close to the centre, where it has no direction
    return phase((1 - abs(branch.lean)) * along + lean * out + 0.25 * away / max(abs(away), 0.012))
