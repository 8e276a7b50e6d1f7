"""How the artery and vein trees of a phantom retina grow; places and units as in ``anatomy``."""

from __future__ import annotations

from cmath import rect
from collections import deque
from dataclasses import replace
from math import exp, pi, remainder

import numpy as np

from vesselbench.data.sources.phantom.anatomy import Branch, Retina, bifurcation
from vesselbench.data.sources.phantom.steering import Territory, preferred_heading

STEP = 0.012  # between two points of a centre line
THINNEST = 0.0036  # a vessel ends where its radius falls below this
TRUNK = 0.012  # a vessel wider than this forks often, into unlike daughters
MOST = 400  # vessels in a tree


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
    waiting = deque(_trunks(retina, radius, arcade, generator))
    territory, lines = Territory(), []
    while waiting and len(lines) < MOST:
        line, daughters = _grow(waiting.popleft(), len(lines), retina, territory, generator)
        lines.append(line)
        waiting.extend(daughters)
    return [line for line in lines if len(line) > 4]


def _trunks(retina: Retina, radius: float, arcade: float, generator: np.random.Generator) -> list[Branch]:
    """The vessels that leave the optic disc, four to each half."""
    uniform = generator.uniform
    origin = retina.disc + uniform(-0.06, 0.02)
    steep = 66 + 130 * (arcade - 0.62)
    # Direction in degrees, relative radius, lean: arcade, nasal trunk, a vessel to the macula, a nasal one.
    kinds = ((steep, 1.0, 0.0), (112, 0.62, 0.9), (34, 0.5, -0.25), (152, 0.4, 1.0))
    trunks = []
    for half in (-1, 1):
        for degrees, width, lean in kinds:
            heading = half * (degrees + uniform(-9, 9)) * pi / 180
            start = origin + complex(uniform(-0.02, 0.02), half * uniform(0, 0.03))
            trunks.append(Branch(start, radius * width * uniform(0.88, 1.08), heading, half, lean, arcade))
    return trunks


def _grow(
    branch: Branch, index: int, retina: Retina, territory: Territory, generator: np.random.Generator
) -> tuple[np.ndarray, list[Branch]]:
    """The centre line (N, 3) of one vessel, N maybe 0, and the thinner daughters that branch off."""
    uniform = generator.uniform
    place, radius, heading = branch.start, branch.radius, branch.heading
    small = radius < 0.0075
    reach, taper = (uniform(0.25, 0.9), uniform(0.15, 0.6)) if small else (3.0, 0.12)
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
    """Divide a vessel where it is: radius and heading with which it goes on, and its thinner daughter.

    ``branch`` is what the daughter would be if it went on as its parent: at the fork, the parent's radius.
    """
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
