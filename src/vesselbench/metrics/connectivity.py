"""Connectivity: does a map keep its vessels in one piece? (IterNet, WACV 2020, Eq. 3)

The paper leaves open what a segment is, the thresholds, the skeleton and the mask. Here: 8-connected segments of any
size, the thresholds k/255 for k = 0 ... 255, Zhang's skeleton, the whole frame (the paper prints one value for both
masks). What other readings of the paper give is kept beside it (``READINGS``, one change each).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from skimage.morphology import skeletonize

from vesselbench.data.maps import LEVELS, level_of
from vesselbench.metrics.protocol import SIZES
from vesselbench.metrics.topology import Shape, count_pieces

TOLERANCE = 0.05  # the paper's alpha


@dataclass(frozen=True)
class Reading:
    """One way to fill the paper's gaps."""

    neighbours: int = 8  # of a pixel, 8 or 4
    levels: int = 256  # number of thresholds, at most 256
    skeleton: str = "zhang"  # or lee
    smallest: int = 1  # pixels that a segment of the map must have to count; all count at 1

    @property
    def thetas(self) -> np.ndarray:
        """The thresholds k / (levels - 1), float64 (levels,), from 0 to 1."""
        return np.arange(self.levels) / (self.levels - 1)


OURS = Reading()
READINGS = (OURS, Reading(neighbours=4), Reading(levels=51), Reading(skeleton="lee"))
READINGS += (Reading(smallest=10), Reading(smallest=40))
AT_SIZE = {size: READINGS if size == "native" else (OURS, *READINGS[-2:]) for size in SIZES}


def segments(
    levels: np.ndarray, thetas: np.ndarray = OURS.thetas, neighbours: int = 8, sizes: Sequence[int] = (1,)
) -> np.ndarray:
    """Count the connected segments of a map, uint16 (H, W), binarised at each of the ascending thresholds, (n,).

    int64 (sizes, n): segments of ``p >= theta`` that have at least so many pixels, whose pixels have 8 or 4
    ``neighbours``. Where all pixels reach theta, as at theta = 0, that is the frame: one segment.

    One sweep for all. The map is divided into hills: what is left of one above any threshold hangs together. From the
    top down, hills are joined where they touch (Kruskal's algorithm). A segment counts from where it has pixels enough
    down to where it is joined with another: the map's component tree (max-tree) in another guise.
    """
    reached, steps, most = level_of(thetas), thetas.size + 1, max(sizes)
    whole = int(np.searchsorted(reached, levels.min(), side="right"))  # thresholds that every pixel reaches
    passed = (np.searchsorted(reached, np.arange(LEVELS), side="right") - whole)[levels]  # thresholds above
    hills, joints = _hills(passed, neighbours, steps)
    ranked = np.sort((hills * steps + steps - passed)[passed > 0])  # hill by hill, each from its peak down
    starts, depths = np.flatnonzero(np.diff(ranked // steps, prepend=-1)).tolist(), (ranked % steps).tolist()
    tops = [depths[start : min(start + most, end)] for start, end in pairwise([*starts, len(depths)])]
    last = np.broadcast_arrays(steps, np.arange(len(tops)), len(tops))  # below all, each joins a hill of no pixels
    tops.append([])
    owner, begun, rows = [*range(len(tops))], [0] * len(tops), {size: [0] * (steps + 1) for size in sorted(sizes)}
    for depth, one, other in zip(*np.hstack([joints, last]).tolist(), strict=True):
        while owner[one] != one:
            owner[one] = one = owner[owner[one]]
        while owner[other] != other:
            owner[other] = other = owner[owner[other]]
        if one != other:
            for hill in (one, other):
                for size, row in rows.items():
                    if size > len(tops[hill]) or (start := max(tops[hill][size - 1], begun[hill])) >= depth:
                        break
                    row[start] += 1
                    row[depth] -= 1
            owner[other], begun[one], tops[one] = one, depth, sorted(tops[one] + tops[other])[:most]
    above = np.array([rows[size] for size in sizes]).cumsum(axis=1)[:, steps - 1 : whole : -1]
    return np.hstack([np.ones((len(sizes), whole), np.int64), above])


def _hills(passed: np.ndarray, neighbours: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the hills of a map, (H, W), where it is above 0: every climb to the highest neighbour ends on a peak.

    Beside the numbers, joints from the top down, (3, n): how deep below ``steps`` two hills touch, and their numbers.
    """
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    shifted = [((every, first), (every, last)), ((first, every), (last, every))]  # what lies beside one another
    shifted += [((first, first), (last, last)), ((first, last), (last, first))] * (neighbours == 8)
    rank = passed * passed.size + np.arange(passed.size).reshape(passed.shape)  # of equal pixels the last is highest
    highest = rank.copy()
    for one, other in shifted:
        np.maximum(highest[one], rank[other], out=highest[one])
        np.maximum(highest[other], rank[one], out=highest[other])
    peak, lower = (highest % passed.size).ravel(), None
    while not np.array_equal(peak, lower):
        peak, lower = peak[peak], peak
    hills = (np.cumsum((highest == rank) & (passed > 0)) - 1)[peak].reshape(passed.shape)
    joints, number = [], hills.max() + 1
    for one, other in shifted:
        height = np.minimum(passed[one], passed[other])
        touching = (hills[one] != hills[other]) & (height > 0)
        ends = hills[one][touching], hills[other][touching]
        joints.append((np.minimum(*ends) * number + np.maximum(*ends)) * steps + steps - height[touching])
    joints = np.sort(np.concatenate(joints))
    pairs, depths = np.divmod(joints[np.diff(joints // steps, prepend=-1) > 0], steps)  # where two touch highest
    down = np.argsort(depths)
    return hills, np.stack([depths, *np.divmod(pairs, number)])[:, down]


def segments_by_reading(levels: np.ndarray, readings: Sequence[Reading] = READINGS) -> dict[Reading, np.ndarray]:
    """Count the segments of a map, uint16 (H, W), under each reading, at its own thresholds."""
    thetas = np.unique(np.concatenate([one.thetas for one in readings]))
    sizes = [*{one.smallest: None for one in readings}]
    found = {one: segments(levels, thetas, one, sizes) for one in {one.neighbours for one in readings}}
    return {one: found[one.neighbours][sizes.index(one.smallest), np.isin(thetas, one.thetas)] for one in readings}


def describe_truth(truth: Shape, reading: Reading = OURS) -> tuple[int, int]:
    """Count the segments and the skeleton's pixels of a truth."""
    pieces = truth.segments if reading.neighbours == 8 else count_pieces(truth.vessel, reading.neighbours)
    skeleton = skeletonize(truth.vessel, method="lee") if reading.skeleton == "lee" else truth.skeleton
    return pieces, np.count_nonzero(skeleton)


def connectivity_curve(found: np.ndarray, true: int, skeleton: int) -> np.ndarray:
    """Score the number of segments at every threshold, ``found`` (n,): C(theta), (n,) (Eq. 3).

    C(theta) = 1 - |S_P(theta) - S_G| / S_max where that is not negative, else 0. S_P and S_G count the segments of the
    map at theta and of the truth; S_max = alpha x the pixels of the truth's skeleton, alpha = 0.05. ``true`` and
    ``skeleton`` come from ``describe_truth``; where the truth has no skeleton, C is NaN throughout.
    """
    if not skeleton:
        return np.full(len(found), math.nan)
    return np.clip(1 - np.abs(found - true) / (TOLERANCE * skeleton), 0, None)


def connectivity(curve: np.ndarray) -> float:
    """Integrate C(theta) over theta from 0 to 1 by the trapezoid rule; NaN where the truth is empty."""
    return float(np.trapezoid(curve, Reading(levels=len(curve)).thetas))
