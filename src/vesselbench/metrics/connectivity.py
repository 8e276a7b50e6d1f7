"""Connectivity: does a map keep its vessels in one piece? (IterNet, WACV 2020, Eq. 3)

The paper leaves open what a segment is, the thresholds, the skeleton and the mask. Here: 8-connected segments of any
size, the thresholds k/255 for k = 0 ... 255, Zhang's skeleton, the whole frame (the paper prints one value for both
masks). What other readings of the paper give is kept beside it (``READINGS``, one change each).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import higra
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

    From the map's component tree (max-tree): a node is a segment at the thresholds above its parent's, up to its own.
    Higra makes the tree in a twentieth of the time of scikit-image, and a ninth of labelling at each threshold.
    """
    reached = np.searchsorted(level_of(thetas), np.arange(LEVELS), side="right")[levels]  # thresholds of each pixel
    neighbourhood = {4: higra.get_4_adjacency_implicit_graph, 8: higra.get_8_adjacency_implicit_graph}[neighbours]
    tree, heights = higra.component_tree_max_tree(neighbourhood(levels.shape), reached)
    nodes = slice(tree.num_leaves(), None)  # without the pixels
    areas, upto, above = higra.attribute_area(tree)[nodes], heights[nodes], heights[tree.parents()][nodes]
    above[-1] = 0  # the last node is the frame
    counts = []
    for size in sizes:
        kept = areas >= size
        kept[-1] = True  # the frame counts however small it is
        begun, ended = (np.bincount(ends[kept], minlength=thetas.size + 1) for ends in (above, upto))
        counts.append((begun - ended).cumsum()[:-1])
    return np.array(counts)


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
