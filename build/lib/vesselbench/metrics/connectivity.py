"""Connectivity: does a map keep its vessels in one piece? (IterNet, WACV 2020, Eq. 3)

The paper leaves open what a segment is, the thresholds, the skeleton and the mask. Here: 8-connected
segments, the thresholds k/255 for k = 0 ... 255, Zhang's skeleton, the whole frame (the paper prints one
value for both masks).
"""

from __future__ import annotations

import math

import numpy as np
from skimage.measure import label
from skimage.morphology import max_tree, skeletonize

from vesselbench.metrics.counts import check_shapes

STEPS = 256
TOLERANCE = 0.05  # the paper's alpha
EIGHT_NEIGHBOURS = 2  # scikit-image counts the axes along which two neighbours may differ


def thresholds() -> np.ndarray:
    """Give the thresholds theta = k/255, float64 (256,); in a 16-bit map p >= theta is level >= 257 k."""
    return np.arange(STEPS) / (STEPS - 1)


def segments(levels: np.ndarray) -> np.ndarray:
    """Count the connected segments of a map binarised at each threshold.

    One sweep for all: a node of the map's component tree (max-tree) is a segment that lives from just above
    its parent's level up to its own. The nodes alive at a threshold are the segments that labelling would
    find there.

    Parameters
    ----------
    levels
        uint16 (H, W), the probability map; 65535 is 1.0.

    Returns
    -------
    numpy.ndarray
        int64 (256,): segments of ``levels >= 257 k``. At k = 0 that is the whole frame, one segment.
    """
    # level >= 257 k exactly where this is >= k. The border of zeros makes the frame the root, whatever the
    # map.
    steps = np.pad((levels // 257).astype(np.int64), 1)
    parents, _ = max_tree(steps, connectivity=EIGHT_NEIGHBOURS)
    top = steps.ravel()
    below = top[parents.ravel()]
    nodes = below < top  # one pixel stands for each node: the one whose parent lies lower
    born = np.bincount(below[nodes] + 1, minlength=STEPS + 1)
    gone = np.bincount(top[nodes] + 1, minlength=STEPS + 1)
    counts = np.cumsum(born - gone)[:STEPS]
    counts[0] = 1
    return counts


def connectivity_curve(
    truth: np.ndarray, levels: np.ndarray, tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """Score the number of segments at every threshold (Eq. 3).

    C(theta) = 1 - |S_P(theta) - S_G| / S_max where that is not negative, else 0. S_P and S_G count the
    segments of the map at theta and of the truth; S_max = tolerance x the pixels of the truth's skeleton.

    Parameters
    ----------
    truth
        (H, W), bool or 0 and 1; anything but zero is vessel.
    levels
        uint16 (H, W), the probability map.
    tolerance
        The paper's alpha, above 0.

    Returns
    -------
    theta, score : numpy.ndarray
        float64 (256,) each. The score is NaN throughout where the truth holds no vessel.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    check_shapes(truth, levels=levels)
    vessel = truth != 0
    most = tolerance * np.count_nonzero(skeletonize(vessel, method="zhang"))
    if not most:
        return thresholds(), np.full(STEPS, math.nan)
    expected = label(vessel, connectivity=EIGHT_NEIGHBOURS, return_num=True)[1]
    return thresholds(), np.clip(1 - np.abs(segments(levels) - expected) / most, 0, None)


def connectivity(truth: np.ndarray, levels: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Area under ``connectivity_curve`` for theta in [0, 1], trapezoid rule; NaN where the truth is empty."""
    theta, score = connectivity_curve(truth, levels, tolerance)
    return float(np.trapezoid(score, theta))
