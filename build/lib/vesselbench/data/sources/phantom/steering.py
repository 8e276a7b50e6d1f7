"""Where a growing vessel turns: along its course around the macula, and away from its neighbours."""

from __future__ import annotations

from cmath import phase, rect

from vesselbench.data.sources.phantom.anatomy import Branch, Retina

CELL = 0.032  # of the raster that keeps the vessels of one tree apart
LOOK_AHEAD = 0.08  # how far ahead a vessel notices others


def preferred_heading(place: complex, branch: Branch, retina: Retina, opening: float) -> float:
    """Direction that a vessel turns to: along the arcade, to or from the fovea, away from the disc.

    Parameters
    ----------
    place
        Where the vessel has grown to.
    branch
        Its half, lean and arcade.
    retina
        Where optic disc and fovea are.
    opening
        0 to 1: how straight the arcade runs on beyond the fovea, instead of closing around it.

    Returns
    -------
    float
        Radians.
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


class Territory:
    """Which vessel of a tree runs through which cell of a raster; vessels are known by their indices."""

    def __init__(self) -> None:
        self._owners: dict[tuple[int, int], int] = {}

    def claim(self, place: complex, index: int) -> int:
        """Index of the vessel that came first to the cell around ``place``, maybe ``index`` by this call."""
        return self._owners.setdefault(_cell(place), index)

    def dodge(self, place: complex, heading: float, index: int) -> float:
        """Curvature that turns vessel ``index`` away from the others just ahead of it; 0 between two."""
        ahead = [_cell(place + rect(LOOK_AHEAD, heading + turn)) for turn in (-0.5, 0.5)]
        left, right = (self._owners.get(cell, index) != index for cell in ahead)
        return 4.0 * (left - right)


def _cell(place: complex) -> tuple[int, int]:
    return round(place.real / CELL), round(place.imag / CELL)
