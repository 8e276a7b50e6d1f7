"""Are vessels in the right place and in one piece? clDice, and errors of the Betti numbers.

Connectivity (``vesselbench.metrics.connectivity``) counts pieces wherever they lie; these look at a map binarised at
one threshold. All take the whole frame: a mask would cut vessels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from skimage.measure import label
from skimage.morphology import skeletonize

from vesselbench.metrics.counts import check_shapes

FOUR, EIGHT = 1, 2  # neighbours, as scikit-image counts them: axes along which two may differ


@dataclass(frozen=True)
class Shape:
    """What is needed of a binary map to compare it with another.

    Attributes
    ----------
    vessel, skeleton
        bool (H, W); the skeleton is Zhang's.
    segments, holes
        8-connected pieces of vessel; 4-connected pieces of background that do not touch the frame's border.
    """

    vessel: np.ndarray
    skeleton: np.ndarray
    segments: int
    holes: int


def describe(binary: np.ndarray) -> Shape:
    """Find skeleton, segments and holes of a binary map (H, W); anything but zero is vessel."""
    vessel = binary != 0
    outside = np.pad(~vessel, 1, constant_values=True)  # all background at the border is one piece, and no hole
    segments = label(vessel, connectivity=EIGHT, return_num=True)[1]
    holes = label(outside, connectivity=FOUR, return_num=True)[1] - 1
    return Shape(vessel, skeletonize(vessel, method="zhang"), segments, holes)


def cldice(truth: Shape, prediction: Shape) -> float:
    """Harmonic mean of topology precision and topology sensitivity (Shit et al., CVPR 2021, Eq. 1-3).

    Topology precision is the share of the predicted skeleton that lies inside the true vessels; topology sensitivity
    is the share of the true skeleton that lies inside the predicted vessels. NaN where either skeleton is empty; 0
    where both shares are.

    Raises
    ------
    ValueError
        The shapes of the maps differ.
    """
    check_shapes(truth.vessel, prediction=prediction.vessel)
    predicted, true = np.count_nonzero(prediction.skeleton), np.count_nonzero(truth.skeleton)
    if not (predicted and true):
        return math.nan
    precision = np.count_nonzero(prediction.skeleton & truth.vessel) / predicted
    sensitivity = np.count_nonzero(truth.skeleton & prediction.vessel) / true
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def betti_0_error(truth: Shape, prediction: Shape) -> int:
    """Difference of the numbers of segments, |S_P - S_G|: 0 is best. No denominator: defined for empty maps too."""
    return abs(prediction.segments - truth.segments)


def betti_1_error(truth: Shape, prediction: Shape) -> int:
    """Difference of the numbers of holes, the meshes that vessels enclose: 0 is best. Defined for empty maps too."""
    return abs(prediction.holes - truth.holes)
