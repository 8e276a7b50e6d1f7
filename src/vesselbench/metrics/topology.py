"""Are vessels in the right place and in one piece? clDice, and errors of the Betti numbers.

Connectivity (``vesselbench.metrics.connectivity``) counts pieces wherever they lie; these look at a map binarised at
one threshold. All take the whole frame: a mask would cut vessels.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.morphology import skeletonize

SCORES = ("cldice", "betti_0", "betti_1")


@dataclass(frozen=True)
class Shape:
    """What is needed of a binary map to compare it with another."""

    vessel: np.ndarray  # bool (H, W)
    skeleton: np.ndarray  # Zhang's, bool (H, W)
    segments: int  # 8-connected pieces of vessel
    holes: int  # 4-connected pieces of background that do not touch the frame's border


def describe(binary: np.ndarray) -> Shape:
    """Find skeleton, segments and holes of a binary map (H, W); anything but zero is vessel."""
    vessel = binary != 0
    outside = np.pad(~vessel, 1, constant_values=True)  # all background at the border is one piece, and no hole
    skeleton = skeletonize(vessel, method="zhang")
    return Shape(vessel, skeleton, count_pieces(vessel, neighbours=8), count_pieces(outside, neighbours=4) - 1)


def count_pieces(binary: np.ndarray, neighbours: int) -> int:
    """Count the connected pieces of a binary map, bool (H, W), whose pixels have 8 or 4 neighbours."""
    return cv2.connectedComponents(binary.astype(np.uint8), connectivity=neighbours)[0] - 1


def cldice(truth: Shape, prediction: Shape) -> float:
    """Compute clDice: harmonic mean of topology precision and sensitivity (Shit et al., CVPR 2021, Eq. 1-3).

    Topology precision is the share of the predicted skeleton that lies inside the true vessels; topology sensitivity
    is the share of the true skeleton that lies inside the predicted vessels. NaN where either skeleton is empty; 0
    where both shares are.
    """
    predicted, true = np.count_nonzero(prediction.skeleton), np.count_nonzero(truth.skeleton)
    if not (predicted and true):
        return math.nan
    precision = np.count_nonzero(prediction.skeleton & truth.vessel) / predicted
    sensitivity = np.count_nonzero(truth.skeleton & prediction.vessel) / true
    return 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0.0


def topology_scores(truth: Shape, prediction: Shape) -> dict[str, float]:
    """Compute clDice and the errors of the two Betti numbers, by ``SCORES``.

    The errors are by how many segments, |S_P - S_G|, and by how many holes, the meshes that vessels enclose, the two
    differ: 0 is best. They are defined for empty maps too.
    """
    errors = abs(prediction.segments - truth.segments), abs(prediction.holes - truth.holes)
    return dict(zip(SCORES, (cldice(truth, prediction), *errors), strict=True))
