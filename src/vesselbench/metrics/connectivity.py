"""Connectivity: does a map keep its vessels in one piece? (IterNet, WACV 2020, Eq. 3)

The paper leaves open what a segment is, the thresholds, the skeleton and the mask. Here: 8-connected segments of any
size, the thresholds k/255 for k = 0 ... 255, Zhang's skeleton, the whole frame (the paper prints one value for both
masks). What other readings of the paper give is kept beside it (``READINGS``, one change each).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from skimage.measure import label
from skimage.morphology import area_opening, max_tree, skeletonize

from vesselbench.data.maps import LEVELS, level_of

TOLERANCE = 0.05  # the paper's alpha
NEIGHBOURS = {8: 2, 4: 1}  # -> scikit-image's count: axes along which two neighbours may differ


@dataclass(frozen=True)
class Reading:
    """One way to fill the paper's gaps."""

    neighbours: int = 8  # of a pixel, 8 or 4
    levels: int = 256  # number of thresholds, at most 256
    skeleton: str = "zhang"  # or lee
    smallest: int = 1  # pixels that an 8-connected segment of the map must have to count; all count at 1

    @property
    def thetas(self) -> np.ndarray:
        """The thresholds k / (levels - 1), float64 (levels,), from 0 to 1."""
        return np.arange(self.levels) / (self.levels - 1)


OURS = Reading()
READINGS = (OURS, Reading(neighbours=4), Reading(levels=51), Reading(skeleton="lee"))
READINGS += (Reading(smallest=10), Reading(smallest=40))


def segments(levels: np.ndarray, thetas: np.ndarray = OURS.thetas, neighbours: int = 8) -> np.ndarray:
    """Count the connected segments of a map, uint16 (H, W), binarised at each of the ascending thresholds, (n,).

    int64 (n,): segments of ``p >= theta``, whose pixels have 8 or 4 ``neighbours``. Where all pixels reach theta, as at
    theta = 0, that is the frame: one segment.

    One sweep for all. Join neighbours by edges, each as high as the lower of its two pixels, and take the highest
    spanning forest (Kruskal's): from the top down, an edge belongs to it exactly where it makes one segment of two. So
    at any threshold the segments are the pixels above it less the forest's edges above it. The forest is the map's
    component tree (max-tree) in another guise; scipy finds it several times faster than scikit-image's ``max_tree``,
    for only pixels above the lowest threshold take part.
    """
    reached = level_of(thetas)
    whole = int(np.searchsorted(reached, levels.min(), side="right"))  # thresholds that every pixel reaches
    passed = np.searchsorted(reached, np.arange(LEVELS), side="right")[levels] - whole  # thresholds above
    pixels = np.arange(levels.size).reshape(levels.shape)
    ends, heights = [], []
    for one, other in _neighbours(neighbours):
        height = np.minimum(passed[one], passed[other])
        joined = height > 0
        ends.append((pixels[one][joined], pixels[other][joined]))
        heights.append(height[joined])
    graph = coo_array((1.0 + thetas.size - np.concatenate(heights), np.hstack(ends)), shape=(levels.size,) * 2)
    forest = 1 + thetas.size - minimum_spanning_tree(graph.tocsr()).data.astype(np.int64)
    gained, joined = (np.bincount(values, minlength=thetas.size + 1) for values in (passed.ravel(), forest))
    above = (gained - joined)[::-1].cumsum()[::-1][1 : thetas.size - whole + 1]
    return np.concatenate([np.ones(whole, np.int64), above])


def _neighbours(neighbours: int) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Give the parts of a frame that lie over one another when it is shifted by one pixel, each pair once."""
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    pairs = [((every, first), (every, last)), ((first, every), (last, every))]
    return pairs + [((first, first), (last, last)), ((first, last), (last, first))] * (neighbours == 8)


def without_small_segments(levels: np.ndarray, sizes: Iterable[int]) -> dict[int, np.ndarray]:
    """Level the small peaks of a map: at each of our thresholds, 8-connected segments of fewer pixels are gone.

    An area opening (Vincent, "Grayscale area openings and closings", 1993), after the map was rounded down to the
    thresholds: scikit-image's tree of 256 levels takes half the time. One tree serves all ``sizes``, the keys.
    """
    reached = level_of(OURS.thetas)
    steps = (np.searchsorted(reached, levels, side="right") - 1).astype(np.uint8)
    rimmed, axes = np.pad(steps, 1), NEIGHBOURS[8]  # the tree takes nothing narrower than three pixels
    tree = max_tree(rimmed, axes)
    opened = {size: area_opening(rimmed, size, axes, *tree)[1:-1, 1:-1] for size in sizes}
    return {size: reached[steps].astype(np.uint16) for size, steps in opened.items()}


def segments_by_reading(levels: np.ndarray) -> dict[Reading, np.ndarray]:
    """Count the segments of a map, uint16 (H, W), under each of ``READINGS``, at its own thresholds."""
    maps = {1: levels} | without_small_segments(levels, {reading.smallest for reading in READINGS} - {1})
    return {one: segments(maps[one.smallest], one.thetas, one.neighbours) for one in READINGS}


def describe_truth(truth: np.ndarray, reading: Reading = OURS) -> tuple[int, int]:
    """Count the segments and the skeleton's pixels of a truth (H, W); anything but zero is vessel."""
    pieces = label(truth != 0, connectivity=NEIGHBOURS[reading.neighbours], return_num=True)[1]
    return int(pieces), int(np.count_nonzero(skeletonize(truth != 0, method=reading.skeleton)))


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
