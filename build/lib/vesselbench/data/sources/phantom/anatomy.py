"""What the modules of a phantom retina share: its landmarks, its vessels' origins and how vessels divide.

A place is a complex number x + iy in radii of the field of view, whose centre is 0; x points from the optic
disc to the fovea, y down. Other lengths have the same unit, directions are in radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos


@dataclass(frozen=True)
class Retina:
    """The landmarks that vessels steer by: places of the centres of optic disc and fovea."""

    disc: complex
    fovea: complex


@dataclass(frozen=True)
class Branch:
    """Origin of a vessel, which then runs through every bifurcation of which it is the wider daughter.

    Attributes
    ----------
    start, radius, heading
        Place, radius and direction at the origin.
    half
        -1 above the macula, 1 below it.
    lean
        0 keeps to the arcade around the macula, towards -1 heads for the fovea, towards 1 away from it.
    arcade
        Distance between the arcade and the fovea.
    parent
        Index of the branch that it leaves, -1 at the optic disc.
    """

    start: complex
    radius: float
    heading: float
    half: int
    lean: float
    arcade: float
    parent: int = -1


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
