"""Connectivity: does a map keep its vessels in one piece? (IterNet, WACV 2020, Eq. 3)

The paper leaves open what a segment is, the thresholds, the skeleton and the mask. Here: 8-connected segments of any
size, the thresholds k/255 for k = 0 ... 255, Zhang's skeleton, the whole frame (the paper prints one value for both
masks). What other readings give is kept beside it (``READINGS``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from skimage.measure import label
from skimage.morphology import area_opening, max_tree, skeletonize

from vesselbench.metrics.levels import SIXTEEN_BIT, Scale

TOLERANCE = 0.05  # the paper's alpha
NEIGHBOURS = {8: 2, 4: 1}  # -> scikit-image's count: axes along which two neighbours may differ
SKELETONS = ("zhang", "lee")


@dataclass(frozen=True)
class Reading:
    """One way to fill the paper's gaps.

    Attributes
    ----------
    neighbours, levels, skeleton
        Of a pixel (8 or 4); number of thresholds; ``zhang`` or ``lee``.
    smallest
        Pixels that a segment of the map must have to count; all count at 1.
    """

    neighbours: int = 8
    levels: int = 256
    skeleton: str = "zhang"
    smallest: int = 1

    @property
    def thetas(self) -> np.ndarray:
        """The thresholds k / (levels - 1), float64 (levels,), from 0 to 1."""
        return np.arange(self.levels) / (self.levels - 1)


OURS = Reading()
READINGS = tuple(Reading(*choice) for choice in product(NEIGHBOURS, (11, 51, 101, 256), SKELETONS))
READINGS += tuple(Reading(smallest=pixels) for pixels in (5, 10, 20, 40))
THETAS = np.unique(np.concatenate([reading.thetas for reading in READINGS]))  # of all readings together


def segments(
    levels: np.ndarray, thetas: np.ndarray = OURS.thetas, neighbours: int = 8, scale: Scale = SIXTEEN_BIT
) -> np.ndarray:
    """Count the connected segments of a map binarised at each threshold.

    One sweep for all. Join neighbours by edges, each as high as the lower of its two pixels, and take the highest
    spanning forest (Kruskal's): from the top down, an edge belongs to it exactly where it makes one segment of two. So
    at any threshold the segments are the pixels above it less the forest's edges above it. The forest is the map's
    component tree (max-tree) in another guise; scipy finds it several times faster than scikit-image's ``max_tree``,
    for only pixels above the lowest threshold take part.

    Parameters
    ----------
    levels
        uint16 (H, W), the probability map on its ``scale``.
    thetas
        Ascending (n,), in [0, 1].
    neighbours
        8 or 4.

    Returns
    -------
    numpy.ndarray
        int64 (n,): segments of ``p >= theta``. Where all pixels are, as at theta = 0, that is the frame: one segment.
    """
    reached = scale.level(thetas)
    whole = int(np.searchsorted(reached, levels.min(), side="right"))  # thresholds that every pixel reaches
    passed = np.searchsorted(reached, np.arange(scale.lowest.size), side="right")[levels] - whole  # thresholds above
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


def counted(levels: np.ndarray, scale: Scale = SIXTEEN_BIT) -> dict[Reading, np.ndarray]:
    """Count the segments of a map under each of ``READINGS``, at its own thresholds.

    Parameters
    ----------
    levels
        uint16 (H, W), the probability map on its ``scale``.
    scale
        What probability each level stands for.
    """
    found = {}
    for neighbours in NEIGHBOURS:
        every = segments(levels, THETAS, neighbours, scale)
        plain = [reading for reading in READINGS if (reading.neighbours, reading.smallest) == (neighbours, 1)]
        found |= {reading: every[np.searchsorted(THETAS, reading.thetas)] for reading in plain}
    sizes = [reading for reading in READINGS if reading.smallest > 1]
    opened = opening(levels, OURS.thetas, [reading.smallest for reading in sizes], scale)
    return found | {
        reading: segments(one, OURS.thetas, scale=scale) for reading, one in zip(sizes, opened, strict=True)
    }


def opening(levels: np.ndarray, thetas: np.ndarray, sizes: Iterable[int], scale: Scale) -> Iterator[np.ndarray]:
    """Level the small peaks of a map: at each threshold, 8-connected segments of fewer pixels than a size are gone.

    An area opening (Vincent, "Grayscale area openings and closings", 1993), after the map was rounded down to the
    thresholds, of which there are at most 256: scikit-image's tree of so few levels takes half the time.

    Yields
    ------
    numpy.ndarray
        uint16 (H, W) for each of ``sizes``, on the map's ``scale``.
    """
    reached = scale.level(thetas)
    steps = (np.searchsorted(reached, levels, side="right") - 1).astype(np.uint8)
    rimmed = np.pad(steps, 1)  # the tree takes nothing narrower than three pixels
    tree = max_tree(rimmed, NEIGHBOURS[8])
    for size in sizes:
        yield reached[area_opening(rimmed, size, NEIGHBOURS[8], *tree)[1:-1, 1:-1]].astype(np.uint16)


def _neighbours(neighbours: int) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Give the parts of a frame that lie over one another when it is shifted by one pixel, each pair once."""
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    pairs = [((every, first), (every, last)), ((first, every), (last, every))]
    return pairs + [((first, first), (last, last)), ((first, last), (last, first))] * (neighbours == 8)


@dataclass(frozen=True)
class Skeleton:
    """What Eq. 3 needs of a truth: segments by neighbours (8, 4), skeleton pixels by method (zhang, lee)."""

    segments: dict[int, int]
    pixels: dict[str, int]


def describe_truth(truth: np.ndarray) -> Skeleton:
    """Count the segments and skeleton pixels of a truth (H, W); anything but zero is vessel."""
    vessel = truth != 0
    return Skeleton(
        {name: int(label(vessel, connectivity=axes, return_num=True)[1]) for name, axes in NEIGHBOURS.items()},
        {name: int(np.count_nonzero(skeletonize(vessel, method=name))) for name in SKELETONS},
    )


def connectivity_curve(
    truth: Skeleton,
    found: np.ndarray,
    reading: Reading = OURS,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Score the number of segments at every threshold (Eq. 3).

    C(theta) = 1 - |S_P(theta) - S_G| / S_max where that is not negative, else 0. S_P and S_G count the segments of the
    map at theta and of the truth; S_max = tolerance x the pixels of the truth's skeleton.

    Parameters
    ----------
    truth
        See ``describe_truth``.
    found
        Segments of the map at each of ``reading.thetas``, from ``segments``.
    reading
        Which of the truth's counts to take.
    tolerance
        The paper's alpha, above 0.

    Returns
    -------
    numpy.ndarray
        C(theta), float64, as long as ``found``; NaN throughout where the truth holds no vessel.
    """
    most = tolerance * truth.pixels[reading.skeleton]
    if not most:
        return np.full(len(found), math.nan)
    return np.clip(1 - np.abs(found - truth.segments[reading.neighbours]) / most, 0, None)


def connectivity(curve: np.ndarray, reading: Reading = OURS) -> float:
    """Area under C(theta) for theta in [0, 1], trapezoid rule; NaN where the truth is empty."""
    return float(np.trapezoid(curve, reading.thetas))
